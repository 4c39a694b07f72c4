/* What the benchmark programs share: timing something until the figure is steady, and the figures
 * as a list that can be written down. */
#ifndef MB_BENCH_RESULT_H
#define MB_BENCH_RESULT_H

#include "core/spread.h"
#include "core/status.h"

#include <mnist_blas/machine.h>

#include <stddef.h>

enum { MB_BENCH_NAME = 256, MB_BENCH_COUNTERS = 24 };

/* A figure of a benchmark's own. */
typedef struct mb_bench_counter {
    char name[32];
    double value;
} mb_bench_counter;

/* One benchmark. Times are nanoseconds of one iteration, over the repeats. */
typedef struct mb_bench_result {
    char name[MB_BENCH_NAME];
    char label[MB_BENCH_NAME]; /* what else is to be said; "" for nothing */
    size_t threads, iterations, repeats;
    mb_spread ns;
    double cpu;          /* median of the calling thread's own CPU time */
    double items, bytes; /* of an iteration: what is counted, and what is read and written */
    mb_bench_counter counter[MB_BENCH_COUNTERS];
    size_t counters;
} mb_bench_result;

/* {0} is an empty list. */
typedef struct mb_bench_results {
    mb_bench_result *result;
    size_t count, capacity;
} mb_bench_results;

/* Does the thing `iterations` times and returns the seconds that took. */
typedef double mb_bench_fn(void *context, size_t iterations);

/* CPU time that the calling thread has used. */
double mb_bench_cpu_seconds(void);

/* Fills the times of *result: runs `run` more and more often until a repeat is long enough to be
 * timed, which warms everything up, and then `repeats` times (at least 1). MB_ERROR_MEMORY. */
mb_status mb_bench_measure(mb_bench_fn *run, void *context, size_t repeats, mb_bench_result *result,
                           mb_error *error);

/* Adds a counter; one too many is left out. */
void mb_bench_add_counter(mb_bench_result *result, const char *name, double value);

/* Adds GFLOP/s, GFLOP/s_min and GFLOP/s_max from the items, which are floating-point operations. */
void mb_bench_add_gflops(mb_bench_result *result);

/* That of the name; NaN when there is none. */
double mb_bench_counter_value(const mb_bench_result *result, const char *name);

/* Appends a copy. MB_ERROR_MEMORY. */
mb_status mb_bench_add(mb_bench_results *results, const mb_bench_result *result, mb_error *error);

/* Writes the results in Google Benchmark's JSON schema: real_time is the median, counters stand
 * beside it, and `program` and the machine are in the context. The file appears whole or not at
 * all. MB_ERROR_IO, MB_ERROR_MEMORY. */
mb_status mb_bench_write(const char *path, const char *program, const mb_machine_info *machine,
                         const mb_bench_results *results, mb_error *error);

void mb_bench_results_free(mb_bench_results *results);

#endif
