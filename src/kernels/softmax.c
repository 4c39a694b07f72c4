/* With m the largest logit of a row, log-softmax is z - m - log(sum(e^(z - m))): no exponential is
 * above 1, so logits of +-1e4 do not overflow. mb_softmax (train/classifier.c) is the same in
 * double, for probabilities that are printed. */
#include "kernels/exp.h"

#include <math.h>
#include <string.h>

void MB_KERNEL_FN(exp)(size_t n, const float *restrict x, float *restrict y)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = mb_exp(x[i]);
}

/* e (padded to whole vectors) = exponentials of z - max(z), *top = the index of the maximum.
 * Returns the sum, which is NaN if any logit is. */
static float exponentials(size_t classes, const float *restrict z, float *restrict e, size_t *top)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (z[c] > z[best])
            best = c;
    const float max = z[best];
    const size_t padded = mb_pad_to_lanes(classes);
    for (size_t c = 0; c < classes; c++)
        e[c] = z[c] - max;
    for (size_t c = classes; c < padded; c++)
        e[c] = -100.0f;
    for (size_t c0 = 0; c0 < padded; c0 += MB_LANES)
#pragma omp simd
        for (size_t c = c0; c < c0 + MB_LANES; c++)
            e[c] = mb_exp(e[c]);
    float sum = 0.0f;
    for (size_t c = 0; c < classes; c++)
        sum += e[c];
    *top = best;
    return sum;
}

/* The loss of a uniform target: the mean of -log softmax. */
static float uniform_loss(size_t classes, const float *restrict z, float max, float log_sum)
{
    float sum = 0.0f;
    for (size_t c = 0; c < classes; c++)
        sum += z[c] - max;
    return log_sum - sum / (float)classes;
}

void MB_KERNEL_FN(softmax_cross_entropy)(size_t rows, size_t classes, const float *restrict logits,
                                         const uint8_t *restrict labels, float scale,
                                         float smoothing, float *restrict gradient,
                                         float *restrict losses, uint8_t *restrict predicted)
{
    float e[MB_MAX_CLASSES];
    for (size_t r = 0; r < rows; r++) {
        const float *z = logits + r * classes;
        size_t top;
        const float sum = exponentials(classes, z, e, &top);
        const float log_sum = logf(sum);
        losses[r] = log_sum - (z[labels[r]] - z[top]);
        if (smoothing > 0.0f)
            losses[r] = (1.0f - smoothing) * losses[r] +
                        smoothing * uniform_loss(classes, z, z[top], log_sum);
        predicted[r] = (uint8_t)top;
        if (gradient == NULL)
            continue;
        float *d = gradient + r * classes;
        const float factor = scale / sum;
        for (size_t c = 0; c < classes; c++)
            d[c] = e[c] * factor;
        d[labels[r]] -= scale * (1.0f - smoothing);
        for (size_t c = 0; c < classes && smoothing > 0.0f; c++)
            d[c] -= scale * smoothing / (float)classes;
    }
}
