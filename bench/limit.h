/* Upper limits of this machine's speed: multiply-adds in registers, and one large SGEMM. */
#ifndef MB_BENCH_LIMIT_H
#define MB_BENCH_LIMIT_H

#include "result.h"

#include <stdint.h>

/* Multiply-adds in registers, on all threads of the machine's team at once, with the fastest
 * instruction set: name, threads, items (2 per multiply-add), times and GFLOP/s counters.
 * MB_ERROR_MEMORY. */
mb_status mb_bench_fma(mb_machine *machine, size_t repeats, mb_bench_result *result,
                       mb_error *error);

/* The same for C = A B with 1024x1024 matrices, on OpenBLAS's own threads. */
mb_status mb_bench_sgemm(mb_machine *machine, size_t repeats, mb_bench_result *result,
                         mb_error *error);

/* n floats, aligned to cache lines, for free(); NULL if out of memory. */
float *mb_bench_floats(size_t n);

/* Fills values with uniform random ones in -0.5 .. 0.5, a function of `stream`. */
void mb_bench_fill(float *values, size_t n, uint64_t stream);

#endif
