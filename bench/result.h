/* Measuring with steady figures, and the figures as a list that can be written as JSON. */
#ifndef MB_BENCH_RESULT_H
#define MB_BENCH_RESULT_H

#include "core/spread.h"
#include "core/status.h"

#include <mnist_blas/machine.h>

#include <stddef.h>

enum { MB_BENCH_NAME = 256, MB_BENCH_COUNTERS = 24 };

/* A figure that only some benchmarks have. */
typedef struct mb_bench_counter {
    char name[32];
    double value;
} mb_bench_counter;

/* One benchmark. Times are in nanoseconds per iteration. */
typedef struct mb_bench_result {
    char name[MB_BENCH_NAME];
    char label[MB_BENCH_NAME]; /* for people: further information; "": none */
    size_t threads, iterations, repeats;
    mb_spread ns;
    double cpu;          /* median CPU time of the calling thread */
    double items, bytes; /* per iteration: operations or samples, and memory read and written */
    mb_bench_counter counter[MB_BENCH_COUNTERS];
    size_t counters;
} mb_bench_result;

/* {0} is an empty list. */
typedef struct mb_bench_results {
    mb_bench_result *result;
    size_t count, capacity;
} mb_bench_results;

/* Runs `iterations` times; returns the seconds. */
typedef double mb_bench_fn(void *context, size_t iterations);

/* Measures `run` `repeats` times (at least 1), with enough iterations per repeat to be timed;
 * finding that number warms up caches. Fills the times of *result. MB_ERROR_MEMORY. */
mb_status mb_bench_measure(mb_bench_fn *run, void *context, size_t repeats, mb_bench_result *result,
                           mb_error *error);

/* Adds a counter, unless there are MB_BENCH_COUNTERS already. */
void mb_bench_add_counter(mb_bench_result *result, const char *name, double value);

/* Adds GFLOP/s, GFLOP/s_min and GFLOP/s_max from the items, which are floating-point operations. */
void mb_bench_add_gflops(mb_bench_result *result);

/* The counter of this name; NaN if there is none. */
double mb_bench_counter_value(const mb_bench_result *result, const char *name);

/* Appends a copy. MB_ERROR_MEMORY. */
mb_status mb_bench_add(mb_bench_results *results, const mb_bench_result *result, mb_error *error);

/* Writes Google Benchmark's JSON: real_time is the median, counters are beside it, and `program`
 * and the machine are in the context. The file appears whole or not at all. MB_ERROR_IO;
 * MB_ERROR_MEMORY.
 */
mb_status mb_bench_write(const char *path, const char *program, const mb_machine_info *machine,
                         const mb_bench_results *results, mb_error *error);

void mb_bench_results_free(mb_bench_results *results);

#endif
