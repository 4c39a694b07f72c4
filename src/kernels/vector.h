/* What is done to one line of numbers. Lanes are counted in 32 bits, as wide as the numbers, so
 * that one comparison makes a mask. */
#ifndef MB_KERNELS_VECTOR_H
#define MB_KERNELS_VECTOR_H

#include "kernels/level.h"

#define MB_ALWAYS_INLINE static inline __attribute__((always_inline))

typedef int32_t mb_lane;

/* Not memcpy, for which lines that are in registers would have to be in memory. */
MB_ALWAYS_INLINE void mb_copy_line(const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++)
        to[l] = from[l];
}

MB_ALWAYS_INLINE void mb_add_line(const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++)
        to[l] += from[l];
}

/* sum += factor * line */
MB_ALWAYS_INLINE void mb_add_product(float factor, const float *restrict line, float *restrict sum)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++)
        sum[l] = mb_multiply_add(factor, line[l], sum[l]);
}

#endif
