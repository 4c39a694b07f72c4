/* Maxima of windows, a vector of outputs at a time, and where they are. */
#ifndef MB_KERNELS_MAXIMUM_H
#define MB_KERNELS_MAXIMUM_H

#include "kernels/vector.h"

/* The first of equal values is the maximum; NaN propagates. */
static inline bool mb_is_larger(float value, float max) { return !(value <= max) & (max == max); }

MB_ALWAYS_INLINE void mb_take_larger(const float *restrict other, int32_t index,
                                     float *restrict max, int32_t *restrict at)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++) {
        const bool larger = mb_is_larger(other[l], max[l]);
        max[l] = larger ? other[l] : max[l];
        at[l] = larger ? index : at[l];
    }
}

/* Elements with even and with odd indices. */
MB_ALWAYS_INLINE void mb_split(const float *restrict x, float *restrict even, float *restrict odd)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++) {
        even[l] = x[2 * l];
        odd[l] = x[2 * l + 1];
    }
}

/* Windows of `rows` and two columns, next to each other: each load has both columns. */
MB_ALWAYS_INLINE void mb_maximum_pairs(size_t rows, size_t row_stride, const float *restrict x,
                                       float *restrict max, int32_t *restrict at)
{
    float even[MB_LANES], odd[MB_LANES];
    for (mb_lane l = 0; l < MB_LANES; l++)
        at[l] = 0;
    mb_split(x, max, odd);
    mb_take_larger(odd, 1, max, at);
    for (size_t row = 1; row < rows; row++) {
        mb_split(x + row * row_stride, even, odd);
        mb_take_larger(even, (int32_t)(2 * row), max, at);
        mb_take_larger(odd, (int32_t)(2 * row) + 1, max, at);
    }
}

#endif
