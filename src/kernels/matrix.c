/* Rows of matrices picked, placed, filled, added up and turned. */
#include "kernels/level.h"

#include <string.h>

/* Panels of one cache line a row are the common case; with the width known, a row is one load
 * and one store. */
enum { LINE = 16 };

void MB_AT_LEVEL(pick_rows)(size_t n, const uint16_t *restrict active, size_t width,
                            const float *restrict w, float *restrict out)
{
    if (width == LINE) {
        for (size_t i = 0; i < n; i++)
            memcpy(out + i * LINE, w + (size_t)active[i] * LINE, LINE * sizeof *out);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * width, w + active[i] * width, width * sizeof *out);
}

static void add_row(size_t width, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < width; i++)
        to[i] += from[i];
}

void MB_AT_LEVEL(place_rows)(size_t n, const uint16_t *restrict active, size_t width,
                             const float *restrict g, size_t rows, float *restrict out, bool add)
{
    if (add) {
        for (size_t i = 0; i < n; i++)
            add_row(width, g + i * width, out + active[i] * width);
        return;
    }
    size_t next = 0; /* first row not written yet */
    for (size_t i = 0; i < n; i++) {
        for (; next < active[i]; next++)
            memset(out + next * width, 0, width * sizeof *out);
        memcpy(out + next * width, g + i * width, width * sizeof *out);
        next++;
    }
    memset(out + next * width, 0, (rows - next) * width * sizeof *out);
}

/* A block of LINE x LINE stays in registers and the first-level cache whatever the strides are. */
void MB_AT_LEVEL(transpose)(size_t rows, size_t columns, const float *restrict in,
                            float *restrict out, size_t ld)
{
    for (size_t c0 = 0; c0 < columns; c0 += LINE) {
        const size_t c1 = c0 + LINE < columns ? c0 + LINE : columns;
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
