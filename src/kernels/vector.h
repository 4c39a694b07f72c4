/* Operations on one vector of MB_LANES floats. Lane numbers have 32 bits, as floats do, so that a
 * comparison of lane numbers is a mask. */
#ifndef MB_KERNELS_VECTOR_H
#define MB_KERNELS_VECTOR_H

#include "kernels/kernel_set.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

/* ---- registers ---- */

#if defined(__AVX512F__)
enum { MB_REGISTER_LANES = 16 };
#elif defined(__AVX__)
enum { MB_REGISTER_LANES = 8 };
#else
enum { MB_REGISTER_LANES = 4 };
#endif
typedef float mb_register __attribute__((vector_size(MB_REGISTER_LANES * sizeof(float))));

MB_ALWAYS_INLINE mb_register mb_load(const float *from)
{
    mb_register values;
    memcpy(&values, from, sizeof values);
    return values;
}

MB_ALWAYS_INLINE void mb_store(mb_register values, float *to)
{
    memcpy(to, &values, sizeof values);
}

/* The first lanes of a register, at most `count`, of vectors whose length is a multiple of MB_HALF:
 * other lanes are neither read nor written. */
#if defined(__AVX512F__)
typedef __mmask16 mb_lane_mask;
#else
typedef char mb_lane_mask; /* registers are no longer than MB_HALF */
#endif

MB_ALWAYS_INLINE mb_lane_mask mb_first_lanes(size_t count)
{
#if defined(__AVX512F__)
    return count >= MB_REGISTER_LANES ? 0xffff : (mb_lane_mask)((1u << count) - 1);
#else
    (void)count;
    return 0;
#endif
}

MB_ALWAYS_INLINE mb_register mb_load_lanes(const float *from, mb_lane_mask mask)
{
#if defined(__AVX512F__)
    return (mb_register)_mm512_maskz_loadu_ps(mask, from);
#else
    (void)mask;
    return mb_load(from);
#endif
}

MB_ALWAYS_INLINE void mb_store_lanes(mb_register values, float *to, mb_lane_mask mask)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, mask, (__m512)values);
#else
    (void)mask;
    mb_store(values, to);
#endif
}

/* For a value with several uses: GCC would load it again for each. */
MB_ALWAYS_INLINE mb_register mb_load_once(const float *from)
{
    mb_register values = mb_load(from);
#if defined(__AVX512F__)
    __asm__("" : "+v"(values));
#elif defined(__x86_64__)
    __asm__("" : "+x"(values));
#endif
    return values;
}

/* factor * values + sum. GCC does not make one instruction of a loop over the lanes everywhere. */
MB_ALWAYS_INLINE mb_register mb_register_add_product(float factor, mb_register values,
                                                     mb_register sum)
{
#if defined(__AVX512F__)
    return (mb_register)_mm512_fmadd_ps(_mm512_set1_ps(factor), (__m512)values, (__m512)sum);
#elif defined(__FMA__)
    return (mb_register)_mm256_fmadd_ps(_mm256_set1_ps(factor), (__m256)values, (__m256)sum);
#else
    for (size_t l = 0; l < MB_REGISTER_LANES; l++)
        sum[l] = mb_multiply_add(factor, values[l], sum[l]);
    return sum;
#endif
}

#endif
