/* Sums are in double precision: in single precision, mean square - squared mean would cancel for
 * values far from 0. */
#include "kernels/kernel_set.h"

/* Lanes of a sum along a row, whatever the set's vectors are, so that all sets add in one order. */
enum { LANES = 8 };

void MB_KERNEL_FN(batchnorm_reduce)(mb_layout layout, size_t rows, size_t columns,
                                    const float *restrict a, const float *restrict b,
                                    double *restrict sums, double *restrict products)
{
    if (layout == MB_LAYOUT_NHWC) {
        for (size_t r = 0; r < rows; r++) {
            const float *x = a + r * columns, *y = b + r * columns;
#pragma omp simd
            for (size_t c = 0; c < columns; c++) {
                sums[c] += (double)x[c];
                products[c] += (double)x[c] * (double)y[c];
            }
        }
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        const float *x = a + r * columns, *y = b + r * columns;
        double sum[LANES] = {0}, product[LANES] = {0};
        size_t done = 0;
        for (; done + LANES <= columns; done += LANES)
#pragma omp simd
            for (size_t l = 0; l < LANES; l++) {
                sum[l] += (double)x[done + l];
                product[l] += (double)x[done + l] * (double)y[done + l];
            }
        for (size_t l = 0; done + l < columns; l++) {
            sum[l] += (double)x[done + l];
            product[l] += (double)x[done + l] * (double)y[done + l];
        }
        for (size_t l = 0; l < LANES; l++) {
            sums[r] += sum[l];
            products[r] += product[l];
        }
    }
}

void MB_KERNEL_FN(batchnorm_forward)(mb_layout layout, size_t rows, size_t columns,
                                     const float *restrict scale, const float *restrict shift,
                                     const float *restrict x, float *restrict out)
{
    for (size_t r = 0; r < rows; r++, x += columns, out += columns) {
        const float row_scale = layout == MB_LAYOUT_NCHW ? scale[r] : 0.0f,
                    row_shift = layout == MB_LAYOUT_NCHW ? shift[r] : 0.0f;
        if (layout == MB_LAYOUT_NCHW) {
#pragma omp simd
            for (size_t c = 0; c < columns; c++)
                out[c] = x[c] * row_scale + row_shift;
        } else {
#pragma omp simd
            for (size_t c = 0; c < columns; c++)
                out[c] = x[c] * scale[c] + shift[c];
        }
    }
}

void MB_KERNEL_FN(batchnorm_backward)(mb_layout layout, size_t rows, size_t columns,
                                      const float *restrict d_scale, const float *restrict x_scale,
                                      const float *restrict shift, const float *restrict d,
                                      const float *restrict x, float *restrict out)
{
    for (size_t r = 0; r < rows; r++, d += columns, x += columns, out += columns) {
        if (layout == MB_LAYOUT_NCHW) {
            const float row_d = d_scale[r], row_x = x_scale[r], row_shift = shift[r];
#pragma omp simd
            for (size_t c = 0; c < columns; c++)
                out[c] = d[c] * row_d + x[c] * row_x + row_shift;
        } else {
#pragma omp simd
            for (size_t c = 0; c < columns; c++)
                out[c] = d[c] * d_scale[c] + x[c] * x_scale[c] + shift[c];
        }
    }
}
