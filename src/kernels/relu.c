#include "kernels/kernel_set.h"

/* z < 0 ? 0 : z keeps NaN, unlike z > 0 ? z : 0. */
void MB_KERNEL_FN(relu_forward)(size_t rows, size_t columns, float *restrict z, size_t ld)
{
    for (size_t r = 0; r < rows; r++) {
        float *restrict row = z + r * ld;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            row[c] = row[c] < 0.0f ? 0.0f : row[c];
    }
}

void MB_KERNEL_FN(relu_backward)(size_t rows, size_t columns, const float *restrict a,
                                 float *restrict d, size_t ld)
{
    for (size_t r = 0; r < rows; r++) {
        const float *restrict output = a + r * ld;
        float *restrict row = d + r * ld;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            row[c] = output[c] <= 0.0f ? 0.0f : row[c];
    }
}
