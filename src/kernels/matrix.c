/* Rows of matrices filled, added up and turned. */
#include "kernels/level.h"

#include <string.h>

static void add_row(size_t width, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < width; i++)
        to[i] += from[i];
}

/* A block of MB_LINE x MB_LINE stays in registers and the first-level cache whatever the strides
 * are. */
void MB_AT_LEVEL(transpose)(size_t rows, size_t columns, const float *restrict in,
                            float *restrict out, size_t ld)
{
    for (size_t c0 = 0; c0 < columns; c0 += MB_LINE) {
        const size_t c1 = c0 + MB_LINE < columns ? c0 + MB_LINE : columns;
        for (size_t c = c0; c < c1; c++) {
#pragma omp simd
            for (size_t r = 0; r < rows; r++)
                out[c * ld + r] = in[r * columns + c];
        }
    }
}

void MB_AT_LEVEL(fill_rows)(size_t rows, size_t columns, const float *restrict bias,
                            float *restrict z, size_t ld)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(z + r * ld, bias, columns * sizeof *z);
}

void MB_AT_LEVEL(add_rows)(size_t rows, size_t columns, const float *restrict d, size_t ld,
                           float *restrict sums)
{
    for (size_t r = 0; r < rows; r++)
        add_row(columns, d + r * ld, sums);
}
