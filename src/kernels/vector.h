/* Operations on one vector of MB_LANES floats. Lane numbers have 32 bits, as floats do, so that a
 * comparison of lane numbers is a mask. */
#ifndef MB_KERNELS_VECTOR_H
#define MB_KERNELS_VECTOR_H

#include "kernels/kernel_set.h"

#define MB_ALWAYS_INLINE static inline __attribute__((always_inline))

typedef int32_t mb_lane;

/* Not memcpy, which would move vectors that are in registers to memory. */
MB_ALWAYS_INLINE void mb_copy_vector(const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++)
        to[l] = from[l];
}

MB_ALWAYS_INLINE void mb_add_vector(const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++)
        to[l] += from[l];
}

/* sum += factor * vector */
MB_ALWAYS_INLINE void mb_add_product(float factor, const float *restrict vector,
                                     float *restrict sum)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++)
        sum[l] = mb_multiply_add(factor, vector[l], sum[l]);
}

#endif
