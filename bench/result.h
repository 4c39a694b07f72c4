/* What the benchmark programs share: timing something until the figure is steady, and showing it.
 */
#ifndef MB_BENCH_RESULT_H
#define MB_BENCH_RESULT_H

#include "core/status.h"

#include <mnist_blas/machine.h>

#include <stddef.h>

/* One row. Times are nanoseconds of one iteration, over the repeats. */
typedef struct mb_bench_result {
    char name[64];
    double flops; /* floating-point operations of an iteration, 2 a multiply-add, all threads */
    size_t iterations, repeats;
    double min, median, max;
    double cpu; /* median of the calling thread's own CPU time */
} mb_bench_result;

/* Does the thing `iterations` times and returns the seconds that took. */
typedef double mb_bench_fn(void *context, size_t iterations);

/* Fills *result, whose name and flops the caller has set: runs `run` more and more often until a
 * repeat is long enough to be timed, which warms everything up, and then `repeats` times (at least
 * 1). MB_MEMORY. */
mb_status mb_bench_measure(mb_bench_fn *run, void *context, size_t repeats, mb_bench_result *result,
                           mb_error *error);

/* A table on stdout: GFLOP/s, and the time of an iteration. */
void mb_bench_print(const mb_bench_result *results, size_t count);

/* Writes the results in Google Benchmark's JSON schema; real_time is the median, and `batch_size`
 * and the machine are in the context. The file appears whole or not at all. MB_IO, MB_MEMORY. */
mb_status mb_bench_write(const char *path, const char *program, const mb_machine_info *machine,
                         size_t batch_size, const mb_bench_result *results, size_t count,
                         mb_error *error);

#endif
