#include "kernels/kernel_set.h"

#include <string.h>

void MB_KERNEL_FN(bilinear_taps)(size_t n, size_t stride, const uint8_t *restrict image,
                                 uint32_t *restrict taps)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        taps[i] = (uint32_t)image[i] | (uint32_t)image[i + 1] << 8 |
                  (uint32_t)image[i + stride] << 16 | (uint32_t)image[i + stride + 1] << 24;
}

/* v clamped to 0..max and rounded; 0 for NaN. */
static inline int32_t clamp(float v, float max)
{
    v = v > 0.0f ? v : 0.0f;
    v = v < max ? v : max;
    return (int32_t)(v + 0.5f);
}

/* Bilinear interpolation of a tap's bytes: along both rows in one product (255 * 256 fits into 16
 * bits), then between the rows. */
static inline uint32_t interpolate(uint32_t tap, uint32_t right, uint32_t below)
{
    const uint32_t rows = (tap & 0x00ff00ff) * (256 - right) + (tap >> 8 & 0x00ff00ff) * right;
    return ((rows & 0xffff) * (256 - below) + (rows >> 16) * below + 0x8000) >> 16;
}

static inline uint8_t tap_at(const mb_warp *warp, float x, float y, const uint32_t *taps)
{
    const int32_t column = clamp(x, warp->max_x), row = clamp(y, warp->max_y);
    const int32_t tap = (row >> 8) * (int32_t)warp->stride + (column >> 8);
    return (uint8_t)interpolate(taps[tap], (uint32_t)column & 255, (uint32_t)row & 255);
}

void MB_KERNEL_FN(warp)(size_t n, const mb_warp *warp, const float *restrict x,
                        const float *restrict y, const float *restrict dx, const float *restrict dy,
                        const uint32_t *restrict taps, uint8_t *restrict out)
{
    const mb_warp w = *warp;
    if (dx == NULL) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = tap_at(&w, w.xx * x[i] + w.xy * y[i] + w.x0, w.yx * x[i] + w.yy * y[i] + w.y0,
                            taps);
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = tap_at(&w, w.xx * x[i] + w.xy * y[i] + w.x0 + dx[i],
                        w.yx * x[i] + w.yy * y[i] + w.y0 + dy[i], taps);
}

/* The finalizer of SplitMix64; core/rng.h names the paper. */
static inline uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void MB_KERNEL_FN(noise)(uint64_t state, size_t n, float max, float *restrict a, float *restrict b)
{
    const float unit = max * 0x1p-31f;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = mix(state + i * 0x9e3779b97f4a7c15u);
        a[i] = (float)(int32_t)(bits >> 32) * unit;
        b[i] = (float)(int32_t)(uint32_t)bits * unit;
    }
}

/* out (MB_LANES) = the sum of n vectors of in, `stride` apart, each times its weight. */
static inline void weighted_sum(size_t n, const float *restrict weights, const float *restrict in,
                                size_t stride, float *restrict out)
{
    float sum[MB_LANES];
#pragma omp simd
    for (size_t c = 0; c < MB_LANES; c++)
        sum[c] = 0.0f;
    for (size_t k = 0; k < n; k++) {
        const float weight = weights[k];
#pragma omp simd
        for (size_t c = 0; c < MB_LANES; c++)
            sum[c] += weight * in[k * stride + c];
    }
#pragma omp simd
    for (size_t c = 0; c < MB_LANES; c++)
        out[c] = sum[c];
}

void MB_KERNEL_FN(smooth_columns)(size_t rows, size_t columns, size_t radius,
                                  const float *restrict weights, const float *restrict in,
                                  float *restrict out, size_t ld)
{
    const size_t width = mb_pad_to_lanes(columns);
    for (size_t r = 0; r < rows; r++) {
        const size_t first = r < radius ? 0 : r - radius;
        const size_t end = rows - r <= radius ? rows : r + radius + 1;
        float *row = out + r * ld;
        for (size_t c = 0; c < columns; c += MB_LANES)
            weighted_sum(end - first, weights + radius + first - r, in + first * width + c, width,
                         row + c);
        for (size_t c = columns; c < width; c++)
            row[c] = 0.0f;
    }
}

/* The last vector of a row may write past its end; the next row overwrites that. */
void MB_KERNEL_FN(smooth_rows)(size_t rows, size_t columns, size_t radius,
                               const float *restrict weights, const float *restrict in, size_t ld,
                               float *restrict out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c += MB_LANES)
            weighted_sum(2 * radius + 1, weights, in + r * ld + c, 1, out + r * columns + c);
}
