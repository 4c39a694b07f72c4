/* The threads: started by OpenMP, pinned, with subnormal numbers off and a barrier of their own. */
#ifndef MB_MACHINE_TEAM_H
#define MB_MACHINE_TEAM_H

#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_team mb_team;

/* One thread of a running team. `count` is how many really run: OpenMP may give fewer than asked.
 */
typedef struct mb_worker {
    mb_team *team;
    size_t index, count;
} mb_worker;

/* What each worker runs. */
typedef void mb_team_fn(const mb_worker *worker, void *context);

/* A team of `threads`; thread i stays on CPU pins[i] while it works (pins may be NULL; they are
 * copied). blas_has_own_threads: OpenBLAS is a pthreads build, whose own threads are held at one
 * while the team is open. *team is the caller's, for mb_team_close. MB_ERROR_MEMORY. */
mb_status mb_team_open(size_t threads, const unsigned *pins, bool blas_has_own_threads,
                       mb_team **team, mb_error *error);

size_t mb_team_threads(const mb_team *team);

/* The errno of a pin that failed, 0 when all held so far. Work goes on without pins. */
int mb_team_pin_failure(const mb_team *team);

/* Runs `work` on every thread of the team at once, the caller's being one of them, and returns
 * when all are done. Within it OpenBLAS multiplies on the calling thread, and subnormal numbers
 * count as zero; the caller finds its own settings again afterwards. */
void mb_team_run(mb_team *team, mb_team_fn *work, void *context);

/* The same on the first `threads` of the team (at least 1, at most all), while the others wait. */
void mb_team_run_first(mb_team *team, size_t threads, mb_team_fn *work, void *context);

/* For a thread that works beside the team, and may have inherited the pin of one of its threads:
 * gives the calling thread the CPUs that the caller could use when the team was opened, but, where
 * there are others, for that of the team's first thread, who is the only one at work between two
 * runs. */
void mb_team_unpin_from_first_cpu(const mb_team *team);

/* Waits until all workers have come here; what one wrote before, all see after. */
void mb_team_barrier(const mb_worker *worker);

/* Gives the threads back the CPUs that the caller could use when the team was opened, and frees;
 * NULL is fine. */
void mb_team_close(mb_team *team);

#endif
