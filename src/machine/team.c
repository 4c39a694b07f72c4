#include "machine/team.h"

#include "machine/barrier.h"
#include "machine/pins.h"

#include <cblas.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

struct mb_team {
    mb_barrier barrier; /* first, for its alignment */
    size_t threads;
    bool oversubscribed; /* more threads than CPUs */
    unsigned *pins;
    bool blas_has_own_threads, affinity_known;
    mb_affinity affinity; /* of the opener, restored for all threads when the team is closed */
    int blas_threads;     /* OpenBLAS's thread count before */
    atomic_int pin_failure;
};

mb_status mb_team_open(size_t threads, const unsigned *pins, bool blas_has_own_threads,
                       mb_team **team, mb_error *error)
{
    mb_team *opened = aligned_alloc(_Alignof(mb_team), sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "team", sizeof *opened);
    memset(opened, 0, sizeof *opened);
    opened->threads = threads;
    opened->oversubscribed =
        (size_t)omp_get_num_procs() < threads; /* before pinning: a pinned thread sees one */
    opened->blas_has_own_threads = blas_has_own_threads;
    if (pins != NULL) {
        opened->pins = malloc(threads * sizeof *pins);
        if (opened->pins == NULL) {
            free(opened);
            return mb_fail_memory(error, "team", threads * sizeof *pins);
        }
        memcpy(opened->pins, pins, threads * sizeof *pins);
        opened->affinity_known = mb_affinity_get(&opened->affinity) == 0;
    }
    if (blas_has_own_threads) { /* in an OpenMP build this would change OpenMP's thread count */
        opened->blas_threads = openblas_get_num_threads();
        openblas_set_num_threads(1);
    }
    *team = opened;
    return MB_OK;
}

size_t mb_team_threads(const mb_team *team) { return team->threads; }

int mb_team_pin_failure(const mb_team *team) { return atomic_load(&team->pin_failure); }

/* Arithmetic on subnormal numbers costs a hundred cycles and does not help training. The mode
 * belongs to the thread. */
static unsigned long subnormals_off(void)
{
#if defined(__x86_64__) || defined(__i386__)
    const unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | flush_to_zero | denormals_are_zero);
    return before;
#elif defined(__aarch64__)
    unsigned long before;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(before));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(before | 1ul << 24));
    return before;
#else
    return 0;
#endif
}

static void subnormals_restore(unsigned long before)
{
#if defined(__x86_64__) || defined(__i386__)
    _mm_setcsr((unsigned)before);
#elif defined(__aarch64__)
    __asm__ __volatile__("msr fpcr, %0" : : "r"(before));
#else
    (void)before;
#endif
}

static void pin(mb_team *team, size_t index)
{
    const int failure = mb_affinity_pin(team->pins[index]);
    if (failure != 0)
        atomic_store(&team->pin_failure, failure);
}

/* OpenBLAS uses OpenMP's thread count, which is set for the time of the run. */
void mb_team_run_first(mb_team *team, size_t threads, mb_team_fn *work, void *context)
{
    const int before = omp_get_max_threads();
    omp_set_num_threads((int)team->threads);
#pragma omp parallel num_threads((int)team->threads)
    {
        const size_t all = (size_t)omp_get_num_threads();
        const mb_worker worker = {team, (size_t)omp_get_thread_num(),
                                  all < threads ? all : threads};
        /* A team of one is not parallel for OpenBLAS, which would start a team of its own. */
        if (all == 1)
            omp_set_num_threads(1);
        const unsigned long subnormals = subnormals_off();
        if (team->pins != NULL)
            pin(team, worker.index);
#pragma omp single
        mb_barrier_set(&team->barrier, worker.count, team->oversubscribed);
        if (worker.index < worker.count)
            work(&worker, context);
        subnormals_restore(subnormals);
    }
    omp_set_num_threads(before);
}

void mb_team_run(mb_team *team, mb_team_fn *work, void *context)
{
    mb_team_run_first(team, team->threads, work, context);
}

void mb_team_barrier(const mb_worker *worker)
{
    if (worker->count > 1)
        mb_barrier_wait(&worker->team->barrier);
}

static void unpin(const mb_worker *worker, void *context)
{
    (void)context;
    (void)mb_affinity_set(&worker->team->affinity);
}

void mb_team_close(mb_team *team)
{
    if (team == NULL)
        return;
    if (team->affinity_known) {
        free(team->pins);
        team->pins = NULL;
        mb_team_run(team, unpin, NULL);
    }
    if (team->blas_has_own_threads)
        openblas_set_num_threads(team->blas_threads);
    free(team->pins);
    free(team);
}
