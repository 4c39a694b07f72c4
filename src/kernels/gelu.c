/* GELU: x Phi(x), with Phi the normal distribution function, in the exact form: Hendrycks and
 * Gimpel, "Gaussian error linear units", 2016. Phi is 1 - q for x >= 0 and q for x < 0, with
 * q = erfc(|x| / sqrt(2)) / 2 = e m, e = exp(-x^2 / 2) and m a smooth function of |x|. */
#include "kernels/exp.h"

/* From here on exp(-x^2 / 2) is 0, and infinities count as this. */
#define MAX_X 16.0f

/* |x|, at most MAX_X; NaN stays. */
static inline float magnitude(float x)
{
    const float t = x < 0.0f ? -x : x;
    return t > MAX_X ? MAX_X : t;
}

/* exp(-t^2 / 2) for t >= 0. The rounding error of t * t, which the exponential would make a
 * relative error, is computed from two halves of t's significand, whose products are exact. */
static inline float gauss(float t)
{
    union {
        float f;
        uint32_t bits;
    } high = {.f = t};
    high.bits &= 0xfffff000u;
    const float low = t - high.f, square = t * t;
    const float error = ((high.f * high.f - square) + 2.0f * high.f * low) + low * low;
    const float e = mb_exp(-0.5f * square);
    return e - e * (0.5f * error);
}

/* erfc(t / sqrt(2)) / 2 * exp(t^2 / 2) for t in 0 .. MAX_X: a polynomial in (t - 3) / (t + 3),
 * fitted to the minimum relative error (0.1 ulp) up to 13.3, from where on exp(-t^2 / 2) is 0. */
static inline float tail_ratio(float t)
{
    const float u = (t - 3.0f) / (t + 3.0f);
    float p = 0x1.c64016p-15f;
    p = p * u + 0x1.e6b230p-14f;
    p = p * u - 0x1.646c42p-12f;
    p = p * u - 0x1.01ff64p-10f;
    p = p * u + 0x1.7cb9a6p-9f;
    p = p * u + 0x1.91e0f6p-8f;
    p = p * u - 0x1.7a9458p-5f;
    p = p * u + 0x1.f8baccp-4f;
    p = p * u - 0x1.a6b66ap-3f;
    return p * u + 0x1.f1b89cp-4f;
}

void MB_KERNEL_FN(gelu_forward)(size_t rows, size_t columns, const float *restrict x,
                                float *restrict out, size_t ld)
{
    for (size_t r = 0; r < rows; r++) {
        const float *restrict from = x + r * ld;
        float *restrict to = out + r * ld;
#pragma omp simd
        for (size_t c = 0; c < columns; c++) {
            const float t = magnitude(from[c]), q = gauss(t) * tail_ratio(t);
            to[c] = (from[c] < 0.0f ? 0.0f : from[c]) - t * q;
        }
    }
}

void MB_KERNEL_FN(gelu_backward)(size_t rows, size_t columns, const float *restrict x,
                                 const float *restrict d_out, float *restrict d_in, size_t ld)
{
    const float inv_sqrt_2pi = 0x1.988454p-2f;
    for (size_t r = 0; r < rows; r++) {
        const float *restrict from = x + r * ld, *restrict d = d_out + r * ld;
        float *restrict to = d_in + r * ld;
#pragma omp simd
        for (size_t c = 0; c < columns; c++) {
            const float t = magnitude(from[c]), e = gauss(t);
            const float slope = e * tail_ratio(t) - t * (e * inv_sqrt_2pi);
            to[c] = d[c] * (from[c] < 0.0f ? slope : 1.0f - slope);
        }
    }
}
