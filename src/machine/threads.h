/* Choice of the thread count. */
#ifndef MB_MACHINE_THREADS_H
#define MB_MACHINE_THREADS_H

#include "core/status.h"

#include <mnist_blas/machine.h>
#include <stddef.h>

/* Chooses *threads (at least 1). *from, a constant string, is the origin:
 *
 *     "--threads"        `requested`, unless 0
 *     "OMP_NUM_THREADS"  `omp_num_threads`, the variable's value, unless NULL; of a list such as
 *                        "4,2" (one number per nesting level) the first
 *     "cores"            one thread per core
 *     "quota"            fewer than cores: the CPU quota is `quota` CPUs (0: no limit)
 *     "limit"            any of these, reduced to `limit` (0: no limit)
 *
 * A quota is rounded down, but to at least 1: when it is used up, the system stops a thread for the
 * rest of the period, and the others would wait for it at every barrier.
 * MB_ERROR_INVALID: the variable is invalid, or more than MB_MAX_THREADS are requested. */
mb_status mb_threads_choose(size_t requested, const char *omp_num_threads, size_t cores,
                            double quota, size_t limit, size_t *threads, const char **from,
                            mb_error *error);

/* The number of threads, the calling one and those of libgomp that wait for work included, that can
 * run at a time: `threads`, or fewer if the system does not start as many; at least 1. */
size_t mb_threads_startable(size_t threads);

#endif
