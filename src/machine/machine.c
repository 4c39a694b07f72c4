#include "machine/machine.h"

#include "core/status.h"
#include "machine/blas.h"
#include "machine/cgroup.h"
#include "machine/cpu.h"
#include "machine/pins.h"
#include "machine/threads.h"
#include "machine/topology.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mb_machine {
    mb_machine_info info; /* points into the rest */
    mb_topology topology;
    mb_pins pins;
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

/* OpenBLAS has one buffer per calling thread and aborts when they run out; OpenMP starts at most
 * OMP_THREAD_LIMIT threads. */
static size_t thread_limit(const mb_blas *blas, const char **source)
{
    const size_t openmp = (size_t)omp_get_thread_limit();
    const bool openmp_is_lower = blas->max_threads == 0 || openmp < blas->max_threads;
    *source = openmp_is_lower ? "OMP_THREAD_LIMIT" : "this OpenBLAS";
    return openmp_is_lower ? openmp : blas->max_threads;
}

static mb_status choose_threads(mb_machine *machine, size_t requested, mb_error *error)
{
    mb_machine_info *info = &machine->info;
    const char *variable = getenv("OMP_NUM_THREADS");
    const size_t cores = machine->topology.cores_fast;
    const char *limit_source, *from;
    size_t unlimited;
    const size_t limit = thread_limit(&machine->blas, &limit_source);
    mb_status status =
        mb_threads_choose(requested, variable, cores, info->quota, 0, &unlimited, &from, error);
    if (status == MB_OK)
        status = mb_threads_choose(requested, variable, cores, info->quota, limit, &info->threads,
                                   &info->threads_from, error);
    if (status == MB_OK && info->threads < unlimited) {
        char text[128];
        snprintf(text, sizeof text, "%zu threads reduced to %zu: the limit of %s", unlimited,
                 info->threads, limit_source);
        warn(machine, text);
    }
    return status;
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
    machine->info.quota = mb_cgroup_cpu_quota("");
    machine->blas = mb_blas_describe();
    describe_blas(machine);
    return MB_OK;
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

static mb_status choose_pins(mb_machine *machine, const char *option, mb_error *error)
{
    const bool openmp_binds = getenv("OMP_PROC_BIND") != NULL || getenv("OMP_PLACES") != NULL;
    const mb_status status =
        mb_pins_choose(option, getenv("MNIST_BLAS_PIN"), openmp_binds, &machine->topology,
                       machine->info.threads, &machine->pins, error);
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
    mb_status status = read_machine(opened, error);
    if (status == MB_OK)
        status = choose_threads(opened, requested.threads, error);
    if (status == MB_OK)
        status = choose_pins(opened, requested.pin, error);
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

mb_team *mb_machine_team(mb_machine *machine) { return machine->team; }

const char *mb_machine_better_blas_core(void) { return mb_blas_better_core(); }

void mb_machine_close(mb_machine *machine)
{
    if (machine == NULL)
        return;
    mb_team_close(machine->team);
    mb_pins_free(&machine->pins);
    mb_topology_free(&machine->topology);
    free(machine);
}
