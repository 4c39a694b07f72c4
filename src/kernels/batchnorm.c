/* Batch normalisation: sums by channel, and the two passes that use them. Channels are the columns
 * of (rows, channels), or the rows of (channels, columns). Sums are in double precision: squares
 * of numbers far from zero would cancel. */
#include "kernels/level.h"

/* Four lanes of doubles, whatever a level's vectors are, so that all levels add alike. */
enum { LANES = 8 };

void MB_AT_LEVEL(batchnorm_reduce)(bool planes, size_t rows, size_t columns,
                                   const float *restrict a, const float *restrict b,
                                   double *restrict sums, double *restrict products)
{
    if (!planes) {
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

void MB_AT_LEVEL(batchnorm_forward)(bool planes, size_t rows, size_t columns,
                                    const float *restrict scale, const float *restrict shift,
                                    const float *restrict x, float *restrict out)
{
    for (size_t r = 0; r < rows; r++, x += columns, out += columns) {
        const float row_scale = planes ? scale[r] : 0.0f, row_shift = planes ? shift[r] : 0.0f;
        if (planes) {
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

void MB_AT_LEVEL(batchnorm_backward)(bool planes, size_t rows, size_t columns,
                                     const float *restrict by_d, const float *restrict by_x,
                                     const float *restrict shift, const float *restrict d,
                                     const float *restrict x, float *restrict out)
{
    for (size_t r = 0; r < rows; r++, d += columns, x += columns, out += columns) {
        if (planes) {
            const float row_d = by_d[r], row_x = by_x[r], row_shift = shift[r];
#pragma omp simd
            for (size_t c = 0; c < columns; c++)
                out[c] = d[c] * row_d + x[c] * row_x + row_shift;
        } else {
#pragma omp simd
            for (size_t c = 0; c < columns; c++)
                out[c] = d[c] * by_d[c] + x[c] * by_x[c] + shift[c];
        }
    }
}
