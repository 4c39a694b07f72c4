#include "kernels/kernel_set.h"

#include <math.h>
#include <string.h>

void MB_KERNEL_FN(bilinear_taps)(size_t n, size_t stride, const uint8_t *restrict image,
                                 uint32_t *restrict taps)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        taps[i] = (uint32_t)image[i] | (uint32_t)image[i + 1] << 8 |
                  (uint32_t)image[i + stride] << 16 | (uint32_t)image[i + stride + 1] << 24;
}

/* v clamped to 0..max; 0 for NaN. */
static inline float clamp(float v, float max)
{
    v = v > 0.0f ? v : 0.0f;
    return v < max ? v : max;
}

/* A coordinate v of a framed image, whose pixels are at 256 .. max - 256, mirrored at the first and
 * the last of them; in the image for any v. */
static inline float reflected(float v, float max)
{
    const float last = max - 512.0f, period = 2.0f * last;
    const float per_period = last > 0.0f ? 1.0f / period : 0.0f;
    float from_first = fabsf(v - 256.0f);
    from_first = from_first < 0x1p30f ? from_first : 0.0f; /* NaN, too */
    from_first -= period * (float)(int32_t)(from_first * per_period);
    const float back = period - from_first;
    return 256.0f + clamp(from_first < back ? from_first : back, last);
}

/* Bilinear interpolation of a tap's bytes: along both rows in one product (255 * 256 fits into 16
 * bits), then between the rows. */
static inline uint32_t interpolate(uint32_t tap, uint32_t right, uint32_t below)
{
    const uint32_t rows = (tap & 0x00ff00ff) * (256 - right) + (tap >> 8 & 0x00ff00ff) * right;
    return ((rows & 0xffff) * (256 - below) + (rows >> 16) * below + 0x8000) >> 16;
}

/* The pixel at a point. */
static inline uint8_t tap_at(const mb_warp *warp, float x, float y, const uint32_t *taps)
{
    const int32_t column = (int32_t)(x + 0.5f), row = (int32_t)(y + 0.5f);
    const int32_t tap = (row >> 8) * (int32_t)warp->stride + (column >> 8);
    return (uint8_t)interpolate(taps[tap], (uint32_t)column & 255, (uint32_t)row & 255);
}

/* Inlined once for each combination of `displaced` and `reflect`. */
static inline void warp_pixels(size_t n, mb_warp w, bool displaced, bool reflect,
                               const float *restrict x, const float *restrict y,
                               const float *restrict dx, const float *restrict dy,
                               const uint32_t *restrict taps, uint8_t *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float to_x = w.xx * x[i] + w.xy * y[i] + w.x0, to_y = w.yx * x[i] + w.yy * y[i] + w.y0;
        if (displaced) {
            to_x += dx[i];
            to_y += dy[i];
        }
        to_x = reflect ? reflected(to_x, w.max_x) : clamp(to_x, w.max_x);
        to_y = reflect ? reflected(to_y, w.max_y) : clamp(to_y, w.max_y);
        out[i] = tap_at(&w, to_x, to_y, taps);
    }
}

void MB_KERNEL_FN(warp)(size_t n, const mb_warp *warp, const float *restrict x,
                        const float *restrict y, const float *restrict dx, const float *restrict dy,
                        const uint32_t *restrict taps, uint8_t *restrict out)
{
    if (dx == NULL && !warp->reflect)
        warp_pixels(n, *warp, false, false, x, y, NULL, NULL, taps, out);
    else if (dx == NULL)
        warp_pixels(n, *warp, false, true, x, y, NULL, NULL, taps, out);
    else if (!warp->reflect)
        warp_pixels(n, *warp, true, false, x, y, dx, dy, taps, out);
    else
        warp_pixels(n, *warp, true, true, x, y, dx, dy, taps, out);
}

/* The element that reflection puts at index `at` of n, whichever way that is beyond them. */
static inline size_t reflected_index(ptrdiff_t at, size_t n)
{
    const size_t period = 2 * (n - 1);
    size_t from_first = (size_t)(at < 0 ? -at : at);
    if (from_first >= period)
        from_first = period > 0 ? from_first % period : 0;
    return from_first < n ? from_first : period - from_first;
}

/* out[first .. end), from beyond the border of a row. */
static inline void pad_row(const mb_shift *shift, size_t first, size_t end,
                           const uint8_t *restrict in, uint8_t *restrict out)
{
    const size_t last = shift->columns - 1;
    for (size_t c = first; c < end; c++) {
        const size_t from = reflected_index((ptrdiff_t)c - shift->right, shift->columns);
        out[c] = shift->reflect ? in[shift->flip ? last - from : from] : shift->fill;
    }
}

/* v limited to 0 .. max. */
static inline size_t limited(ptrdiff_t v, size_t max)
{
    return v < 0 ? 0 : (size_t)v > max ? max : (size_t)v;
}

static inline void shift_row(const mb_shift *shift, const uint8_t *restrict in,
                             uint8_t *restrict out)
{
    const size_t columns = shift->columns, first = limited(shift->right, columns),
                 end = limited((ptrdiff_t)columns + shift->right, columns);
    pad_row(shift, 0, first, in, out);
    if (first < end && !shift->flip)
        memcpy(out + first, in + ((ptrdiff_t)first - shift->right), end - first);
    else if (first < end) {
        const uint8_t *from = in + ((ptrdiff_t)(columns - 1 - first) + shift->right);
#pragma omp simd
        for (size_t i = 0; i < end - first; i++)
            out[first + i] = *(from - i);
    }
    pad_row(shift, end, columns, in, out);
}

void MB_KERNEL_FN(shift_image)(const mb_shift *shift, const uint8_t *restrict in,
                               uint8_t *restrict out)
{
    const size_t rows = shift->rows, columns = shift->columns;
    for (size_t r = 0; r < rows; r++) {
        const ptrdiff_t from = (ptrdiff_t)r - shift->down;
        if (shift->reflect || (from >= 0 && (size_t)from < rows))
            shift_row(shift, in + reflected_index(from, rows) * columns, out + r * columns);
        else
            memset(out + r * columns, shift->fill, columns);
    }
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
