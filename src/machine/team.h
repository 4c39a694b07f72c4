/* A team of threads: started by OpenMP, pinned, with subnormal numbers off and its own barrier. */
#ifndef MB_MACHINE_TEAM_H
#define MB_MACHINE_TEAM_H

#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_team mb_team;

/* A thread of a running team. `count` threads run; OpenMP may give fewer than requested. */
typedef struct mb_worker {
    mb_team *team;
    size_t index, count;
} mb_worker;

/* Runs on each worker. */
typedef void mb_team_fn(const mb_worker *worker, void *context);

/* A team of `threads`; thread i runs on CPU pins[i] (copied; NULL: not pinned) while it works.
 * blas_has_own_threads: OpenBLAS is a pthreads build, whose own thread count is 1 while the team is
 * open. The caller closes *team. MB_ERROR_MEMORY. */
mb_status mb_team_open(size_t threads, const unsigned *pins, bool blas_has_own_threads,
                       mb_team **team, mb_error *error);

size_t mb_team_threads(const mb_team *team);

/* The errno of a failed pin, 0 if none failed. Threads that could not be pinned run unpinned. */
int mb_team_pin_failure(const mb_team *team);

/* Runs `work` on all threads of the team, the caller's among them, and returns when all are done.
 * Meanwhile OpenBLAS multiplies on the calling thread and subnormal numbers count as zero; the
 * caller's settings are restored afterwards. */
void mb_team_run(mb_team *team, mb_team_fn *work, void *context);

/* The same on the first `threads` of the team, 1 to all; the others wait. */
void mb_team_run_first(mb_team *team, size_t threads, mb_team_fn *work, void *context);

/* Waits for all workers; all see afterwards what any of them wrote before. */
void mb_team_barrier(const mb_worker *worker);

/* Restores the affinity of the threads and frees; NULL is fine. */
void mb_team_close(mb_team *team);

#endif
