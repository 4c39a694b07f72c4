/* Updates of a span of parameters and their moments. Square root and division are exact, so adam
 * runs at the speed of the divider. */
#include "kernels/kernel_set.h"

#include <math.h>

void MB_KERNEL_FN(sgd)(const mb_update *update, bool decay, size_t n,
                       const float *restrict gradient, float *restrict w, float *restrict m,
                       float *restrict v)
{
    (void)v;
    const float l2 = decay ? update->l2 : 0.0f, momentum = update->momentum, lr = update->lr;
    /* The step is g_factor * g + m_factor * m. */
    const float g_factor = update->nesterov ? 1.0f : 0.0f;
    const float m_factor = update->nesterov ? momentum : 1.0f;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] + l2 * w[i];
        m[i] = momentum * m[i] + g;
        w[i] -= lr * (g_factor * g + m_factor * m[i]);
    }
}

void MB_KERNEL_FN(adam)(const mb_update *update, bool decay, size_t n,
                        const float *restrict gradient, float *restrict w, float *restrict m,
                        float *restrict v)
{
    const float l2 = decay ? update->l2 : 0.0f, decay_factor = decay ? update->decay_factor : 1.0f;
    const float beta1 = update->beta1, one_minus_beta1 = update->one_minus_beta1;
    const float beta2 = update->beta2, one_minus_beta2 = update->one_minus_beta2;
    const float lr = update->lr, inv_sqrt_correction2 = update->inv_sqrt_correction2,
                epsilon = update->epsilon;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] + l2 * w[i];
        const float m_now = beta1 * m[i] + one_minus_beta1 * g;
        const float v_now = beta2 * v[i] + one_minus_beta2 * g * g;
        m[i] = m_now;
        v[i] = v_now;
        w[i] = decay_factor * w[i] - lr * m_now / (inv_sqrt_correction2 * sqrtf(v_now) + epsilon);
    }
}

/* The sign of a NaN is NaN, so that a loss that is not finite is found. */
void MB_KERNEL_FN(lion)(const mb_update *update, bool decay, size_t n,
                        const float *restrict gradient, float *restrict w, float *restrict m,
                        float *restrict v)
{
    (void)v;
    const float l2 = decay ? update->l2 : 0.0f, decay_factor = decay ? update->decay_factor : 1.0f;
    const float beta1 = update->beta1, one_minus_beta1 = update->one_minus_beta1;
    const float beta2 = update->beta2, one_minus_beta2 = update->one_minus_beta2, lr = update->lr;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] + l2 * w[i];
        const float direction = beta1 * m[i] + one_minus_beta1 * g;
        const float sign = direction > 0.0f ? 1.0f : direction < 0.0f ? -1.0f : direction;
        m[i] = beta2 * m[i] + one_minus_beta2 * g;
        w[i] = decay_factor * w[i] - lr * sign;
    }
}

void MB_KERNEL_FN(ema_update)(size_t n, float rate, const float *restrict w, float *restrict ema)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        ema[i] += rate * (w[i] - ema[i]);
}
