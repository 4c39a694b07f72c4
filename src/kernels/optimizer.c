/* One pass over a span of parameters: gradient in, weights and moments brought up to date. Square
 * root and division are exact, so these loops run at the speed of the divider. */
#include "kernels/level.h"

#include <math.h>

void MB_AT_LEVEL(sgd)(const mb_update *update, bool decay, size_t n, const float *restrict gradient,
                      float *restrict w, float *restrict velocity, float *restrict unused)
{
    (void)unused;
    const float l2 = decay ? update->l2 : 0.0f, momentum = update->momentum, step = update->lr;
    const float now = update->nesterov ? 1.0f : 0.0f;       /* how much of g and of v make */
    const float later = update->nesterov ? momentum : 1.0f; /* up the step */
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] + l2 * w[i];
        velocity[i] = momentum * velocity[i] + g;
        w[i] -= step * (now * g + later * velocity[i]);
    }
}

void MB_AT_LEVEL(adam)(const mb_update *update, bool decay, size_t n,
                       const float *restrict gradient, float *restrict w, float *restrict first,
                       float *restrict second)
{
    const float l2 = decay ? update->l2 : 0.0f, keep = decay ? update->decay_factor : 1.0f;
    const float beta1 = update->beta1, rest1 = update->one_minus_beta1;
    const float beta2 = update->beta2, rest2 = update->one_minus_beta2;
    const float step = update->lr, inv_sqrt_correction2 = update->inv_sqrt_correction2,
                epsilon = update->epsilon;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] + l2 * w[i];
        const float m = beta1 * first[i] + rest1 * g;
        const float v = beta2 * second[i] + rest2 * g * g;
        first[i] = m;
        second[i] = v;
        w[i] = keep * w[i] - step * m / (inv_sqrt_correction2 * sqrtf(v) + epsilon);
    }
}

void MB_AT_LEVEL(ema_update)(size_t n, float share, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] += share * (from[i] - to[i]);
}
