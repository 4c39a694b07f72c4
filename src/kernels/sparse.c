/* Bytes of images, and the products in which only those that are not zero are multiplied.
 *
 * In both products a non-zero byte meets MB_MOST_COLUMNS units at a time: one load of the byte for
 * four lines of multiply-adds, whose sums stay in registers. */
#include "kernels/level.h"

void MB_AT_LEVEL(widen)(size_t n, const uint8_t *restrict bytes, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)bytes[i] / 255.0f;
}

enum { LINES = MB_MOST_COLUMNS / MB_LINE };

/* Four whole lines of one row. */
static void product_row(mb_pixels x, const float *restrict gray, mb_lines lines,
                        const float *restrict w, float *restrict z)
{
    float sum[LINES][MB_LINE];
    for (size_t l = 0; l < LINES; l++)
#pragma omp simd
        for (size_t c = 0; c < MB_LINE; c++)
            sum[l][c] = z[l * MB_LINE + c];
    const float *from = w;
    for (size_t k = 0; k < x.count; k++) {
        const float v = gray[x.dots[k].value];
        from += x.dots[k].step * lines.pixel_stride;
        for (size_t l = 0; l < LINES; l++)
#pragma omp simd
            for (size_t c = 0; c < MB_LINE; c++)
                sum[l][c] = mb_multiply_add(v, from[l * lines.line_stride + c], sum[l][c]);
    }
    for (size_t l = 0; l < LINES; l++)
#pragma omp simd
        for (size_t c = 0; c < MB_LINE; c++)
            z[l * MB_LINE + c] = sum[l][c];
}

/* Up to one line of one row. */
static void product_line(mb_pixels x, const float *restrict gray, size_t pixel_stride,
                         size_t columns, const float *restrict w, float *restrict z)
{
    const float *from = w;
    for (size_t k = 0; k < x.count; k++) {
        const float v = gray[x.dots[k].value];
        from += x.dots[k].step * pixel_stride;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            z[c] = mb_multiply_add(v, from[c], z[c]);
    }
}

void MB_AT_LEVEL(sparse_product)(size_t rows, const mb_pixels *x, const float *gray, mb_lines lines,
                                 const float *w, float *z, size_t ldz)
{
    for (size_t r = 0; r < rows; r++) {
        if (lines.columns == MB_MOST_COLUMNS) {
            product_row(x[r], gray, lines, w, z + r * ldz);
            continue;
        }
        for (size_t c = 0; c < lines.columns; c += MB_LINE) {
            const size_t left = lines.columns - c;
            product_line(x[r], gray, lines.pixel_stride, left < MB_LINE ? left : MB_LINE,
                         w + c / MB_LINE * lines.line_stride, z + r * ldz + c);
        }
    }
}

/* Four whole lines of one pixel. */
static void gradient_pixel(uint64_t mask, const uint8_t *restrict value, const float *restrict gray,
                           const float *restrict d, size_t ldd, size_t line_stride, bool add,
                           float *restrict g)
{
    float sum[LINES][MB_LINE];
    for (size_t l = 0; l < LINES; l++)
#pragma omp simd
        for (size_t c = 0; c < MB_LINE; c++)
            sum[l][c] = add ? g[l * line_stride + c] : 0.0f;
    for (; mask != 0; mask &= mask - 1) {
        const size_t row = (size_t)__builtin_ctzll(mask);
        const float v = gray[value[row]];
        const float *from = d + row * ldd;
        for (size_t l = 0; l < LINES; l++)
#pragma omp simd
            for (size_t c = 0; c < MB_LINE; c++)
                sum[l][c] = mb_multiply_add(v, from[l * MB_LINE + c], sum[l][c]);
    }
    for (size_t l = 0; l < LINES; l++)
#pragma omp simd
        for (size_t c = 0; c < MB_LINE; c++)
            g[l * line_stride + c] = sum[l][c];
}

/* Up to one line of one pixel. */
static void gradient_line(uint64_t mask, const uint8_t *restrict value, const float *restrict gray,
                          const float *restrict d, size_t ldd, size_t columns, bool add,
                          float *restrict g)
{
    for (size_t c = 0; c < columns && !add; c++)
        g[c] = 0.0f;
    for (; mask != 0; mask &= mask - 1) {
        const size_t row = (size_t)__builtin_ctzll(mask);
        const float v = gray[value[row]];
        const float *from = d + row * ldd;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            g[c] = mb_multiply_add(v, from[c], g[c]);
    }
}

void MB_AT_LEVEL(sparse_gradient)(size_t pixels, const uint64_t *mask, const uint8_t *value,
                                  const float *gray, const float *d, size_t ldd, mb_lines lines,
                                  bool add, float *g)
{
    for (size_t p = 0; p < pixels; p++, value += MB_BLOCK_ROWS) {
        float *to = g + p * lines.pixel_stride;
        if (lines.columns == MB_MOST_COLUMNS) {
            gradient_pixel(mask[p], value, gray, d, ldd, lines.line_stride, add, to);
            continue;
        }
        for (size_t c = 0; c < lines.columns; c += MB_LINE) {
            const size_t left = lines.columns - c;
            gradient_line(mask[p], value, gray, d + c, ldd, left < MB_LINE ? left : MB_LINE, add,
                          to + c / MB_LINE * lines.line_stride);
        }
    }
}
