/* Multiply-adds in registers, compiled once per instruction set. */
#ifndef MB_BENCH_FMA_LOOP_H
#define MB_BENCH_FMA_LOOP_H

#include <stddef.h>

/* Does `iterations` rounds of multiply-adds on the calling thread. Returns the number of
 * multiply-adds per round; *result depends on all of them. */
typedef size_t mb_fma_fn(size_t iterations, float *result);

mb_fma_fn mb_fma_baseline, mb_fma_v3, mb_fma_v4;

#endif
