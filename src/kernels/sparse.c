/* Both products multiply a non-zero byte with MB_MAX_SPARSE_COLUMNS columns at a time: one load of
 * the byte for four vectors of multiply-adds, whose sums stay in registers. */
#include "kernels/kernel_set.h"

void MB_KERNEL_FN(bytes_to_float)(size_t n, const uint8_t *restrict bytes, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)bytes[i] / 255.0f;
}

enum { VECTORS = MB_MAX_SPARSE_COLUMNS / MB_LANES };

/* MB_MAX_SPARSE_COLUMNS columns of one row. */
static void product_row(mb_sparse_row x, const float *restrict gray, mb_weight_strides strides,
                        const float *restrict w, float *restrict z)
{
    float sum[VECTORS][MB_LANES];
    for (size_t v = 0; v < VECTORS; v++)
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            sum[v][c] = z[v * MB_LANES + c];
    const float *from = w;
    for (size_t k = 0; k < x.count; k++) {
        const float factor = gray[x.nonzeros[k].value];
        from += x.nonzeros[k].delta * strides.pixel_stride;
        for (size_t v = 0; v < VECTORS; v++)
#pragma omp simd
            for (size_t c = 0; c < MB_LANES; c++)
                sum[v][c] = mb_multiply_add(factor, from[v * strides.vector_stride + c], sum[v][c]);
    }
    for (size_t v = 0; v < VECTORS; v++)
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            z[v * MB_LANES + c] = sum[v][c];
}

/* Up to one vector of one row. */
static void product_vector(mb_sparse_row x, const float *restrict gray, size_t pixel_stride,
                           size_t columns, const float *restrict w, float *restrict z)
{
    const float *from = w;
    for (size_t k = 0; k < x.count; k++) {
        const float factor = gray[x.nonzeros[k].value];
        from += x.nonzeros[k].delta * pixel_stride;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            z[c] = mb_multiply_add(factor, from[c], z[c]);
    }
}

void MB_KERNEL_FN(sparse_product)(size_t rows, const mb_sparse_row *x, const float *gray,
                                  mb_weight_strides strides, const float *w, float *z, size_t ldz)
{
    for (size_t r = 0; r < rows; r++) {
        if (strides.columns == MB_MAX_SPARSE_COLUMNS) {
            product_row(x[r], gray, strides, w, z + r * ldz);
            continue;
        }
        for (size_t c = 0; c < strides.columns; c += MB_LANES) {
            const size_t left = strides.columns - c;
            product_vector(x[r], gray, strides.pixel_stride, left < MB_LANES ? left : MB_LANES,
                           w + c / MB_LANES * strides.vector_stride, z + r * ldz + c);
        }
    }
}

/* MB_MAX_SPARSE_COLUMNS columns of one pixel. */
static void gradient_pixel(uint64_t mask, const uint8_t *restrict value, const float *restrict gray,
                           const float *restrict d, size_t ldd, size_t vector_stride, bool add,
                           float *restrict g)
{
    float sum[VECTORS][MB_LANES];
    for (size_t v = 0; v < VECTORS; v++)
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            sum[v][c] = add ? g[v * vector_stride + c] : 0.0f;
    for (; mask != 0; mask &= mask - 1) {
        const size_t row = (size_t)__builtin_ctzll(mask);
        const float factor = gray[value[row]];
        const float *from = d + row * ldd;
        for (size_t v = 0; v < VECTORS; v++)
#pragma omp simd
            for (size_t c = 0; c < MB_LANES; c++)
                sum[v][c] = mb_multiply_add(factor, from[v * MB_LANES + c], sum[v][c]);
    }
    for (size_t v = 0; v < VECTORS; v++)
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            g[v * vector_stride + c] = sum[v][c];
}

/* Up to one vector of one pixel. */
static void gradient_vector(uint64_t mask, const uint8_t *restrict value,
                            const float *restrict gray, const float *restrict d, size_t ldd,
                            size_t columns, bool add, float *restrict g)
{
    for (size_t c = 0; c < columns && !add; c++)
        g[c] = 0.0f;
    for (; mask != 0; mask &= mask - 1) {
        const size_t row = (size_t)__builtin_ctzll(mask);
        const float factor = gray[value[row]];
        const float *from = d + row * ldd;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            g[c] = mb_multiply_add(factor, from[c], g[c]);
    }
}

void MB_KERNEL_FN(sparse_gradient)(size_t pixels, const uint64_t *mask, const uint8_t *value,
                                   const float *gray, const float *d, size_t ldd,
                                   mb_weight_strides strides, bool add, float *g)
{
    for (size_t p = 0; p < pixels; p++, value += MB_BLOCK_ROWS) {
        float *to = g + p * strides.pixel_stride;
        if (strides.columns == MB_MAX_SPARSE_COLUMNS) {
            gradient_pixel(mask[p], value, gray, d, ldd, strides.vector_stride, add, to);
            continue;
        }
        for (size_t c = 0; c < strides.columns; c += MB_LANES) {
            const size_t left = strides.columns - c;
            gradient_vector(mask[p], value, gray, d + c, ldd, left < MB_LANES ? left : MB_LANES,
                            add, to + c / MB_LANES * strides.vector_stride);
        }
    }
}
