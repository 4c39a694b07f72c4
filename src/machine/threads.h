/* How many threads the team has. */
#ifndef MB_MACHINE_THREADS_H
#define MB_MACHINE_THREADS_H

#include "core/status.h"

#include <stddef.h>

/* More threads than this are taken for a slip. */
enum { MB_MAX_THREADS = 65536 };

/* Decides *threads (at least 1) and *from, a constant string that says who decided:
 *   "--threads"        `asked`, unless 0
 *   "OMP_NUM_THREADS"  `omp_num_threads`, the variable's value, unless NULL; of a list such as
 *                      "4,2" (one number a nesting level) the first
 *   "cores"            one thread for each of `cores` (at least 1)
 *   "quota"            ... fewer, because `quota` CPUs' worth of time is all there is (0: no limit)
 *   "limit"            any of these, cut down to `limit` (0: no limit)
 * A quota is rounded down, 1.5 to 1 thread, but not below 1: when time runs out the system stops
 * a thread for the rest of a period, and the others would wait for it at every barrier.
 * MB_ERROR_INVALID: the variable is not a number of threads, or more than MB_MAX_THREADS are asked.
 */
mb_status mb_threads_choose(size_t asked, const char *omp_num_threads, size_t cores, double quota,
                            size_t limit, size_t *threads, const char **from, mb_error *error);

#endif
