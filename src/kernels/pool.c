#include "kernels/maximum.h"

#include <string.h>

/* A vector of outputs whose windows start next to each other. */
static inline void maximum_vector(const mb_pool *pool, size_t rows, size_t columns,
                                  const float *restrict x, float *restrict out,
                                  int32_t *restrict argmax)
{
    float max[MB_LANES];
    int32_t at[MB_LANES] = {0};
    mb_copy_vector(x, max);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            mb_take_larger(x + row * pool->row_stride + column * pool->column_stride,
                           (int32_t)(row * columns + column), max, at);
    mb_copy_vector(max, out);
    if (argmax != NULL)
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++)
            argmax[l] = at[l];
}

/* One output, for argmax a vector would read or write past the end. */
static inline void maximum_one(const mb_pool *pool, const float *x, float *out, int32_t *argmax)
{
    float max = *x;
    size_t best = 0, index = 0;
    for (size_t row = 0; row < pool->rows; row++)
        for (size_t column = 0; column < pool->columns; column++, index++) {
            const float v = x[row * pool->row_stride + column * pool->column_stride];
            best = mb_is_larger(v, max) ? index : best;
            max = mb_is_larger(v, max) ? v : max;
        }
    *out = max;
    if (argmax != NULL)
        *argmax = (int32_t)best;
}

/* True if a vector may go past the end of a row of outputs, into rows that are computed later:
 * then adjacent windows, two columns wide, are computed as a vector. */
static inline bool can_overrun(const mb_pool *pool, size_t outer)
{
    return pool->stride == 2 && pool->columns == 2 && pool->column_stride == 1 &&
           pool->length * 2 <= pool->row_stride && pool->length >= MB_LANES / 2 &&
           outer + 1 < pool->outer && pool->outer_stride >= 2 * MB_LANES;
}

/* maximum_vector for adjacent windows, two columns wide. */
static inline void maximum_pairs(const mb_pool *pool, const float *restrict x, float *restrict out,
                                 int32_t *restrict argmax)
{
    float max[MB_LANES];
    int32_t at[MB_LANES];
    mb_maximum_pairs(pool->rows, pool->row_stride, x, max, at);
    mb_copy_vector(max, out);
    if (argmax != NULL)
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++)
            argmax[l] = at[l];
}

/* The loops of the usual window, 2 x 2, are unrolled. */
static inline void maximum_any(const mb_pool *pool, const float *x, float *out, int32_t *argmax)
{
    if (pool->rows == 2 && pool->columns == 2)
        maximum_vector(pool, 2, 2, x, out, argmax);
    else
        maximum_vector(pool, pool->rows, pool->columns, x, out, argmax);
}

void MB_KERNEL_FN(maxpool_forward)(const mb_pool *pool, const float *restrict x,
                                   float *restrict out, int32_t *restrict argmax)
{
    for (size_t outer = 0; outer < pool->outer; outer++)
        for (size_t l = 0; l < pool->length;) {
            const size_t place = outer * pool->length + l;
            const float *from = x + outer * pool->outer_stride + l * pool->stride;
            int32_t *to_argmax = argmax != NULL ? argmax + place : NULL;
            if (pool->length - l >= MB_LANES && pool->stride == 1) {
                maximum_any(pool, from, out + place, to_argmax);
                l += MB_LANES;
            } else if (can_overrun(pool, outer)) {
                maximum_pairs(pool, from, out + place, to_argmax);
                l += MB_LANES;
            } else {
                maximum_one(pool, from, out + place, to_argmax);
                l++;
            }
        }
}

/* The gradients of a vector of outputs, added at their argmax. */
static inline void add_window_vector(const mb_pool *pool, size_t rows, size_t columns,
                                     const int32_t *restrict argmax, const float *restrict d_out,
                                     float *restrict d)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            float *to = d + row * pool->row_stride + column * pool->column_stride;
            const int32_t index = (int32_t)(row * columns + column);
#pragma omp simd
            for (mb_lane l = 0; l < MB_LANES; l++)
                to[l] += argmax[l] == index ? d_out[l] : 0.0f;
        }
}

static inline void add_vector(const mb_pool *pool, const int32_t *argmax, const float *d_out,
                              float *d)
{
    if (pool->rows == 2 && pool->columns == 2)
        add_window_vector(pool, 2, 2, argmax, d_out, d);
    else
        add_window_vector(pool, pool->rows, pool->columns, argmax, d_out, d);
}

/* True if the gradients of a vector can be written instead of added: each element of the image is
 * in one window, and nothing has been written yet past the end of the row, argmax does not hold for
 * the last of several vectors. */
static inline bool can_write(const mb_pool *pool, size_t l)
{
    return pool->row_stride == 2 * pool->length &&
           pool->outer_stride == pool->rows * pool->row_stride &&
           (l == 0 || pool->length - l >= MB_LANES);
}

/* add_vector for adjacent windows; outputs from `left` on count as 0. Adding is slow: each vector
 * reads elements that the previous one has just partly written. */
static inline void add_pairs(const mb_pool *pool, bool write, mb_lane left,
                             const int32_t *restrict argmax, const float *restrict d_out,
                             float *restrict d)
{
    for (size_t row = 0; row < pool->rows; row++) {
        const int32_t index = (int32_t)(2 * row);
        float *to = d + row * pool->row_stride;
        float even[MB_LANES], odd[MB_LANES], pair[2 * MB_LANES];
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++) {
            const float from = d_out[l], value = l < left ? from : 0.0f;
            const int32_t at = argmax[l];
            even[l] = at == index ? value : 0.0f;
            odd[l] = at == index + 1 ? value : 0.0f;
        }
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++) {
            pair[2 * l] = even[l];
            pair[2 * l + 1] = odd[l];
        }
        if (write) {
            mb_copy_vector(pair, to);
            mb_copy_vector(pair + MB_LANES, to + MB_LANES);
        } else {
            mb_add_vector(pair, to);
            mb_add_vector(pair + MB_LANES, to + MB_LANES);
        }
    }
}

void MB_KERNEL_FN(maxpool_backward)(const mb_pool *pool, const int32_t *restrict argmax,
                                    const float *restrict d_out, float *restrict d)
{
    for (size_t outer = 0; outer < pool->outer; outer++)
        for (size_t l = 0; l < pool->length;) {
            const size_t place = outer * pool->length + l, left = pool->length - l;
            float *to = d + outer * pool->outer_stride + l * pool->stride;
            if (left >= MB_LANES && pool->stride == 1) {
                add_vector(pool, argmax + place, d_out + place, to);
                l += MB_LANES;
            } else if (can_overrun(pool, outer)) {
                add_pairs(pool, can_write(pool, l), left < MB_LANES ? (mb_lane)left : MB_LANES,
                          argmax + place, d_out + place, to);
                l += MB_LANES;
            } else {
                const size_t at = (size_t)argmax[place], row = at / pool->columns,
                             column = at % pool->columns;
                to[row * pool->row_stride + column * pool->column_stride] += d_out[place];
                l++;
            }
        }
}

void MB_KERNEL_FN(avgpool_forward)(const mb_pool *pool, float scale, const float *restrict x,
                                   float *restrict out)
{
    for (size_t outer = 0; outer < pool->outer; outer++, out += pool->length) {
        memset(out, 0, pool->length * sizeof *out);
        const float *from = x + outer * pool->outer_stride;
        for (size_t row = 0; row < pool->rows; row++)
            for (size_t column = 0; column < pool->columns; column++) {
                const float *other = from + row * pool->row_stride + column * pool->column_stride;
#pragma omp simd
                for (size_t l = 0; l < pool->length; l++)
                    out[l] += other[l * pool->stride];
            }
#pragma omp simd
        for (size_t l = 0; l < pool->length; l++)
            out[l] *= scale;
    }
}

void MB_KERNEL_FN(avgpool_backward)(const mb_pool *pool, float scale, const float *restrict d_out,
                                    float *restrict d)
{
    for (size_t outer = 0; outer < pool->outer; outer++, d_out += pool->length) {
        float *to = d + outer * pool->outer_stride;
        for (size_t row = 0; row < pool->rows; row++)
            for (size_t column = 0; column < pool->columns; column++) {
                float *other = to + row * pool->row_stride + column * pool->column_stride;
#pragma omp simd
                for (size_t l = 0; l < pool->length; l++)
                    other[l * pool->stride] += scale * d_out[l];
            }
    }
}
