#include "machine/machine.h"

#include "core/status.h"
#include "machine/blas.h"
#include "machine/cgroup.h"
#include "machine/claims.h"
#include "machine/cpu.h"
#include "machine/memory.h"
#include "machine/pins.h"
#include "machine/round_trip.h"
#include "machine/threads.h"
#include "machine/topology.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct mb_machine {
    const mb_ranks *ranks;
    mb_machine_info info; /* points into the rest */
    mb_topology topology;
    mb_pins pins;
    mb_claims claims;
    mb_blas blas;
    mb_team *team;
    char warning[512];
};

/* Appends to the warning. */
static void warn(mb_machine *machine, const char *text)
{
    char before[sizeof machine->warning];
    const char *join = machine->warning[0] != '\0' ? "; " : "";
    snprintf(before, sizeof before, "%s", machine->warning);
    const int put =
        snprintf(machine->warning, sizeof machine->warning, "%s%s%s", before, join, text);
    if (put > 0)
        machine->info.warning = machine->warning;
}

/* An environment variable; NULL if it is unset or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

typedef struct {
    size_t threads;
    const char *source;
} thread_limit;

static thread_limit lower_of(thread_limit a, thread_limit b)
{
    return b.threads < a.threads ? b : a;
}

/* OpenBLAS has one buffer per calling thread, aborts when they run out, and never returns if it
 * cannot map one; OpenMP starts at most OMP_THREAD_LIMIT threads, and aborts if it cannot start
 * one. */
static mb_status limit_threads(const mb_blas *blas, size_t threads, thread_limit *limit,
                               mb_error *error)
{
    const mb_memory_limit space = mb_memory_mappable("");
    /* A further thread also has a stack and a heap of malloc's. */
    const double fit = 1 + (space.bytes - MB_BLAS_BUFFER) / (1.75 * MB_BLAS_BUFFER);
    *limit = (thread_limit){(size_t)omp_get_thread_limit(), "OMP_THREAD_LIMIT"};
    if (blas->max_threads > 0)
        *limit = lower_of(*limit, (thread_limit){blas->max_threads, "this OpenBLAS"});
    if (fit < 1)
        return mb_fail(error, MB_ERROR_MEMORY,
                       "OpenBLAS: needs %d MiB of memory per thread, %s leaves %.0f MiB",
                       MB_BLAS_BUFFER >> 20, space.source, space.bytes / (1 << 20));
    if (fit < (double)limit->threads)
        *limit = (thread_limit){(size_t)fit, space.source};
    const size_t wanted = threads < limit->threads ? threads : limit->threads;
    *limit =
        lower_of(*limit, (thread_limit){mb_threads_startable(wanted), "ulimit -u or of memory"});
    return MB_OK;
}

static mb_status choose_threads(mb_machine *machine, size_t requested, mb_error *error)
{
    mb_machine_info *info = &machine->info;
    const char *number = variable("OMP_NUM_THREADS");
    const mb_topology *topology = &machine->topology;
    const size_t shared = mb_ranks_share_cores(machine->ranks, topology->core_pus,
                                               topology->cores_fast, &info->rank_core);
    const size_t cores = shared > 0 ? shared : 1;
    const char *from;
    size_t unlimited;
    thread_limit limit;
    (void)mb_threads_choose(0, number, cores, info->quota, 0, &info->threads_default, &from, NULL);
    mb_status status =
        mb_threads_choose(requested, number, cores, info->quota, 0, &unlimited, &from, error);
    if (status == MB_OK)
        status = limit_threads(&machine->blas, unlimited, &limit, error);
    if (status == MB_OK)
        status = mb_threads_choose(requested, number, cores, info->quota, limit.threads,
                                   &info->threads, &info->threads_from, error);
    if (status == MB_OK && info->threads < unlimited) {
        char text[128];
        snprintf(text, sizeof text, "%zu threads reduced to %zu: the limit of %s", unlimited,
                 info->threads, limit.source);
        warn(machine, text);
    }
    return status;
}

/* OpenBLAS ignores names that it does not know, and selects sets that the CPU cannot run. */
static mb_status check_blas_core(mb_machine *machine, mb_error *error)
{
    const char *requested = variable("OPENBLAS_CORETYPE"), *core = machine->blas.core;
    if (requested == NULL)
        return MB_OK;
    if (!mb_blas_core_is_supported(core))
        return mb_fail(error, MB_ERROR_INVALID,
                       "OPENBLAS_CORETYPE=%s: this CPU cannot run that kernel set: unset it",
                       requested);
    if (machine->blas.dynamic && strcasecmp(requested, core) != 0) {
        char text[160];
        snprintf(text, sizeof text,
                 "OPENBLAS_CORETYPE=%.32s: OpenBLAS %s has no such kernel set, and uses %s",
                 requested, machine->blas.version, core);
        warn(machine, text);
    }
    return MB_OK;
}

static void describe_blas(mb_machine *machine)
{
    const mb_blas *blas = &machine->blas;
    machine->info.blas_version = blas->version;
    machine->info.blas_core = blas->core;
    machine->info.blas_threading = blas->threading;
    machine->info.blas_config = blas->config;
    if (blas->own_threads)
        warn(machine, "OpenBLAS is a pthreads build, limited to one thread per caller; prefer the "
                      "OpenMP build");
}

static mb_status read_machine(mb_machine *machine, mb_error *error)
{
    mb_topology *topology = &machine->topology;
    const mb_status status = mb_topology_read(NULL, topology, error);
    if (status != MB_OK)
        return status;
    machine->info.cpu = topology->cpu;
    machine->info.cpu_level = mb_cpu_best_level()->name;
    machine->info.cores = topology->cores;
    machine->info.cores_allowed = topology->cores_allowed;
    machine->info.pus_allowed = topology->pus_allowed;
    machine->info.caches = topology->caches;
    machine->info.core_cpus = topology->core_pus;
    machine->info.core_caches = topology->core_caches;
    machine->info.quota = mb_cgroup_cpu_quota("");
    machine->blas = mb_blas_describe();
    describe_blas(machine);
    return check_blas_core(machine, error);
}

/* Some containers forbid pinning; unpinned threads are only slower. */
static void try_pin(mb_machine *machine, unsigned cpu)
{
    mb_affinity saved;
    int failure = mb_affinity_get(&saved);
    if (failure == 0)
        failure = mb_affinity_pin(cpu);
    if (failure == 0)
        failure = mb_affinity_set(&saved);
    if (failure == 0)
        return;
    char text[128];
    snprintf(text, sizeof text, "cannot pin threads: CPU %u: %s", cpu, strerror(failure));
    warn(machine, text);
}

/* Claims the threads' CPUs, so that other runs choose different ones; by default this one does so
 * too, and if they leave too few, its threads are not pinned. */
static void claim_pins(mb_machine *machine, bool by_default)
{
    mb_pins *pins = &machine->pins;
    const mb_topology *topology = &machine->topology;
    const size_t threads = machine->info.threads;
    const size_t cores = threads < topology->cores_allowed ? threads : topology->cores_allowed;
    size_t claimed = 0;
    for (size_t i = 0; pins->cpus != NULL && !by_default && i < threads; i++)
        (void)mb_claim_cpu(&machine->claims, pins->cpus[i]);
    if (pins->cpus == NULL || !by_default)
        return;
    for (size_t core = 0; core < topology->cores_allowed && claimed < cores; core++)
        if (mb_claim_cpu(&machine->claims, topology->core_pus[core]))
            pins->cpus[claimed++] = topology->core_pus[core];
    for (size_t i = cores; i < threads; i++)
        pins->cpus[i] = pins->cpus[i % cores];
    if (claimed < cores) {
        mb_claims_free(&machine->claims);
        mb_pins_free(pins);
        pins->policy = "shared";
    }
}

static mb_status choose_pins(mb_machine *machine, const char *option, size_t place, mb_error *error)
{
    const size_t threads = machine->info.threads;
    const bool openmp_binds = variable("OMP_PROC_BIND") != NULL || variable("OMP_PLACES") != NULL ||
                              variable("GOMP_CPU_AFFINITY") != NULL;
    const mb_status status =
        mb_pins_choose(option, variable("MNIST_BLAS_PIN"), openmp_binds, &machine->topology,
                       place + threads, &machine->pins, error);
    if (status == MB_OK && machine->pins.cpus != NULL)
        memmove(machine->pins.cpus, machine->pins.cpus + place, threads * sizeof(unsigned));
    if (status == MB_OK)
        claim_pins(machine, option == NULL && variable("MNIST_BLAS_PIN") == NULL);
    machine->info.pin_policy = machine->pins.policy;
    machine->info.pins = machine->pins.cpus;
    if (status == MB_OK && machine->pins.cpus != NULL)
        try_pin(machine, machine->pins.cpus[0]);
    return status;
}

mb_status mb_machine_open(const mb_machine_options *options, mb_machine **machine, mb_error *error)
{
    const mb_machine_options requested = options != NULL ? *options : (mb_machine_options){0};
    mb_machine *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "machine", sizeof *opened);
    opened->ranks = requested.ranks;
    opened->info.ranks = mb_ranks_describe(requested.ranks).count;
    mb_status status = mb_ranks_agree(opened->ranks, read_machine(opened, error), error);
    if (status == MB_OK)
        status = choose_threads(opened, requested.threads, error);
    if (status == MB_OK)
        status =
            choose_pins(opened, requested.pin, requested.place + opened->info.rank_core, error);
    if (status == MB_OK)
        status = mb_team_open(opened->info.threads, opened->pins.cpus, opened->blas.own_threads,
                              &opened->team, error);
    if (status == MB_OK)
        *machine = opened;
    else
        mb_machine_close(opened);
    return status;
}

const mb_machine_info *mb_machine_describe(const mb_machine *machine) { return &machine->info; }

bool mb_machine_threads_requested(const mb_machine *machine)
{
    const char *from = machine->info.threads_from;
    return strcmp(from, "--threads") == 0 || strcmp(from, "OMP_NUM_THREADS") == 0;
}

mb_round_trip mb_machine_round_trip(mb_machine *machine)
{
    return mb_round_trip_measure(machine->team);
}

const mb_ranks *mb_machine_ranks(const mb_machine *machine) { return machine->ranks; }

mb_team *mb_machine_team(mb_machine *machine) { return machine->team; }

const char *mb_machine_better_blas_core(void) { return mb_blas_better_core(); }

void mb_machine_close(mb_machine *machine)
{
    if (machine == NULL)
        return;
    mb_team_close(machine->team);
    mb_claims_free(&machine->claims);
    mb_pins_free(&machine->pins);
    mb_topology_free(&machine->topology);
    free(machine);
}
