/* Multiply-adds in registers alone, compiled once for each instruction set. */
#ifndef MB_BENCH_FMA_LOOP_H
#define MB_BENCH_FMA_LOOP_H

#include <stddef.h>

/* Does `iterations` rounds of multiply-adds on the calling thread and returns their number in one
 * round; *result becomes something that depends on all of them. */
typedef size_t mb_fma_fn(size_t iterations, float *result);

mb_fma_fn mb_fma_baseline;
#ifdef MB_X86_LEVELS
mb_fma_fn mb_fma_v3, mb_fma_v4;
#endif

#endif
