/* A convolution and the max pool after it: two rows of outputs stay in registers until they are
 * pooled. In NCHW. */
#include "kernels/maximum.h"

/* Units whose sums, of two rows of up to two vectors, stay in registers at once. */
enum { MAX_UNITS = MB_ACCUMULATORS >= 12 ? 6 : 1, WIDTH = 2 * MB_LANES };

/* `lanes` and `units` are constants wherever these are inlined. */
MB_ALWAYS_INLINE void add_lanes(const mb_lane lanes, float factor, const float *restrict vector,
                                float *restrict sum)
{
#pragma omp simd
    for (mb_lane l = 0; l < lanes; l++)
        sum[l] = mb_multiply_add(factor, vector[l], sum[l]);
}

/* Stores the first `count` maxima. */
MB_ALWAYS_INLINE void pool_unit(const float *restrict sum, mb_lane count, float *restrict out,
                                int32_t *restrict argmax)
{
    float max[MB_LANES];
    int32_t at[MB_LANES];
    mb_maximum_pairs(2, WIDTH, sum, max, at);
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++)
        if (l < count)
            out[l] = max[l];
    if (argmax != NULL)
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++)
            if (l < count)
                argmax[l] = at[l];
}

MB_ALWAYS_INLINE void block(const mb_direct_maxpool *p, const size_t units, const mb_lane lanes,
                            mb_lane count, const float *restrict weights,
                            const float *restrict image, const float *restrict bias,
                            float *restrict out, int32_t *restrict argmax)
{
    float sum[MAX_UNITS][2 * WIDTH];
    for (size_t u = 0; u < units; u++)
        for (size_t i = 0; i < 2 * WIDTH; i++)
            sum[u][i] = bias[u];
    for (size_t channel = 0; channel < p->channels; channel++)
        for (size_t y = p->first; y < p->end; y++) {
            const float *x = image + channel * p->channel_stride + y * p->image_row,
                        *w = weights + (channel * p->rows + y) * p->columns;
            for (size_t k = 0; k < p->columns; k++, x++, w++)
                for (size_t u = 0; u < units; u++)
                    for (size_t row = 0; row < 2; row++) {
                        const float factor = w[u * p->weight_stride];
                        add_lanes(MB_LANES, factor, x + row * p->image_row, sum[u] + row * WIDTH);
                        add_lanes(lanes, factor, x + row * p->image_row + MB_LANES,
                                  sum[u] + row * WIDTH + MB_LANES);
                    }
        }
    for (size_t u = 0; u < units; u++)
        pool_unit(sum[u], count, out + u * p->unit_stride,
                  argmax != NULL ? argmax + u * p->unit_stride : NULL);
}

typedef void block_fn(const mb_direct_maxpool *p, mb_lane count, const float *weights,
                      const float *image, const float *bias, float *out, int32_t *argmax);

#define BLOCK(units, lanes)                                                                        \
    static void block_##units##_##lanes(const mb_direct_maxpool *p, mb_lane count,                 \
                                        const float *weights, const float *image,                  \
                                        const float *bias, float *out, int32_t *argmax)            \
    {                                                                                              \
        block(p, (units) <= MAX_UNITS ? (units) : 1, lanes, count, weights, image, bias, out,      \
              argmax);                                                                             \
    }
#define UP_TO_6(X, lanes) X(1, lanes) X(2, lanes) X(3, lanes) X(4, lanes) X(5, lanes) X(6, lanes)
#define BLOCK_NAME(units, lanes) block_##units##_##lanes,
UP_TO_6(BLOCK, 0)
UP_TO_6(BLOCK, 8)
UP_TO_6(BLOCK, 16)

void MB_KERNEL_FN(direct_maxpool)(const mb_direct_maxpool *p, size_t units, const float *weights,
                                  const float *image, const float *bias, float *out,
                                  int32_t *argmax)
{
    static block_fn *const functions[3][6] = {
        {UP_TO_6(BLOCK_NAME, 0)}, {UP_TO_6(BLOCK_NAME, 8)}, {UP_TO_6(BLOCK_NAME, 16)}};
    const size_t blocks = (units + MAX_UNITS - 1) / MAX_UNITS, now = (units + blocks - 1) / blocks;
    for (size_t u = 0; u < units; u += now)
        for (size_t done = 0; done < p->outputs; done += MB_LANES) {
            const size_t left = p->outputs - done, count = left < MB_LANES ? left : MB_LANES;
            const size_t right = count <= 8 ? 0 : count <= 12 ? 1 : 2;
            const size_t at = u * p->unit_stride + done;
            functions[right][(units - u < now ? units - u : now) - 1](
                p, (mb_lane)count, weights + u * p->weight_stride, image + 2 * done, bias + u,
                out + at, argmax != NULL ? argmax + at : NULL);
        }
}
