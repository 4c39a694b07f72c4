/* What the machine reaches at best: multiply-adds in registers, and one large SGEMM. */
#ifndef MB_BENCH_LIMIT_H
#define MB_BENCH_LIMIT_H

#include "result.h"

#include <stdint.h>

/* Multiply-adds as fast as the units go, on all threads of the machine's team at once, at the level
 * of instructions at which that is fastest: a name, threads, items (2 a multiply-add), times and
 * GFLOP/s counters. MB_ERROR_MEMORY. */
mb_status mb_bench_fma(mb_machine *machine, size_t repeats, mb_bench_result *result,
                       mb_error *error);

/* The same of C = A B with matrices of 1024x1024, which OpenBLAS shares among its threads. */
mb_status mb_bench_sgemm(mb_machine *machine, size_t repeats, mb_bench_result *result,
                         mb_error *error);

/* floats on cache lines of their own, for free(); NULL when memory is out. */
float *mb_bench_floats(size_t n);

/* Fills with numbers in -0.5 .. 0.5, the same for the same stream. */
void mb_bench_fill(float *values, size_t n, uint64_t stream);

#endif
