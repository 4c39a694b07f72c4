/* Bytes of images, and the products in which only those that are not zero are multiplied.
 *
 * In both products a non-zero byte meets MB_MAX_SPARSE_COLUMNS units at a time: one load of the
 * byte for four lines of multiply-adds, whose sums stay in registers. */
#include "kernels/level.h"

void MB_AT_LEVEL(bytes_to_float)(size_t n, const uint8_t *restrict bytes, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)bytes[i] / 255.0f;
}

enum { LINES = MB_MAX_SPARSE_COLUMNS / MB_LANES };

/* Four whole lines of one row. */
static void product_row(mb_sparse_row x, const float *restrict gray, mb_weight_strides lines,
                        const float *restrict w, float *restrict z)
{
    float sum[LINES][MB_LANES];
    for (size_t l = 0; l < LINES; l++)
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            sum[l][c] = z[l * MB_LANES + c];
    const float *from = w;
    for (size_t k = 0; k < x.count; k++) {
        const float v = gray[x.nonzeros[k].value];
        from += x.nonzeros[k].delta * lines.pixel_stride;
        for (size_t l = 0; l < LINES; l++)
#pragma omp simd
            for (size_t c = 0; c < MB_LANES; c++)
                sum[l][c] = mb_multiply_add(v, from[l * lines.vector_stride + c], sum[l][c]);
    }
    for (size_t l = 0; l < LINES; l++)
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            z[l * MB_LANES + c] = sum[l][c];
}

/* Up to one line of one row. */
static void product_line(mb_sparse_row x, const float *restrict gray, size_t pixel_stride,
                         size_t columns, const float *restrict w, float *restrict z)
{
    const float *from = w;
    for (size_t k = 0; k < x.count; k++) {
        const float v = gray[x.nonzeros[k].value];
        from += x.nonzeros[k].delta * pixel_stride;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            z[c] = mb_multiply_add(v, from[c], z[c]);
    }
}

void MB_AT_LEVEL(sparse_product)(size_t rows, const mb_sparse_row *x, const float *gray,
                                 mb_weight_strides lines, const float *w, float *z, size_t ldz)
{
    for (size_t r = 0; r < rows; r++) {
        if (lines.columns == MB_MAX_SPARSE_COLUMNS) {
            product_row(x[r], gray, lines, w, z + r * ldz);
            continue;
        }
        for (size_t c = 0; c < lines.columns; c += MB_LANES) {
            const size_t left = lines.columns - c;
            product_line(x[r], gray, lines.pixel_stride, left < MB_LANES ? left : MB_LANES,
                         w + c / MB_LANES * lines.vector_stride, z + r * ldz + c);
        }
    }
}

/* Four whole lines of one pixel. */
static void gradient_pixel(uint64_t mask, const uint8_t *restrict value, const float *restrict gray,
                           const float *restrict d, size_t ldd, size_t vector_stride, bool add,
                           float *restrict g)
{
    float sum[LINES][MB_LANES];
    for (size_t l = 0; l < LINES; l++)
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            sum[l][c] = add ? g[l * vector_stride + c] : 0.0f;
    for (; mask != 0; mask &= mask - 1) {
        const size_t row = (size_t)__builtin_ctzll(mask);
        const float v = gray[value[row]];
        const float *from = d + row * ldd;
        for (size_t l = 0; l < LINES; l++)
#pragma omp simd
            for (size_t c = 0; c < MB_LANES; c++)
                sum[l][c] = mb_multiply_add(v, from[l * MB_LANES + c], sum[l][c]);
    }
    for (size_t l = 0; l < LINES; l++)
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            g[l * vector_stride + c] = sum[l][c];
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
                                  const float *gray, const float *d, size_t ldd,
                                  mb_weight_strides lines, bool add, float *g)
{
    for (size_t p = 0; p < pixels; p++, value += MB_BLOCK_ROWS) {
        float *to = g + p * lines.pixel_stride;
        if (lines.columns == MB_MAX_SPARSE_COLUMNS) {
            gradient_pixel(mask[p], value, gray, d, ldd, lines.vector_stride, add, to);
            continue;
        }
        for (size_t c = 0; c < lines.columns; c += MB_LANES) {
            const size_t left = lines.columns - c;
            gradient_line(mask[p], value, gray, d + c, ldd, left < MB_LANES ? left : MB_LANES, add,
                          to + c / MB_LANES * lines.vector_stride);
        }
    }
}
