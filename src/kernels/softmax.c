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

/* Rows are processed together, one stage after the other: each stage of a row is a chain of
 * dependent operations, and those of several rows overlap. */
enum { ROWS = 16 };

/* Index of the largest logit; NaN is not larger than any. */
static size_t largest(size_t classes, const float *restrict z)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

/* e (rows, padded to whole vectors) = exponentials of z - max(z), top (rows) = the indices of the
 * maxima, sum (rows) = the sums of e: NaN if any logit is. */
static void exponentials(size_t rows, size_t classes, const float *restrict z, float *restrict e,
                         size_t *restrict top, float *restrict sum)
{
    const size_t padded = mb_pad_to_lanes(classes);
    for (size_t r = 0; r < rows; r++)
        top[r] = largest(classes, z + r * classes);
    for (size_t r = 0; r < rows; r++) {
        const float max = z[r * classes + top[r]];
        for (size_t c = 0; c < classes; c++)
            e[r * padded + c] = z[r * classes + c] - max;
        for (size_t c = classes; c < padded; c++)
            e[r * padded + c] = -100.0f;
    }
    for (size_t i = 0; i < rows * padded; i += MB_LANES)
#pragma omp simd
        for (size_t c = i; c < i + MB_LANES; c++)
            e[c] = mb_exp(e[c]);
    for (size_t r = 0; r < rows; r++) {
        sum[r] = 0.0f;
        for (size_t c = 0; c < classes; c++)
            sum[r] += e[r * padded + c];
    }
}

/* The loss of a uniform target: the mean of -log softmax. */
static float uniform_loss(size_t classes, const float *restrict z, float max, float log_sum)
{
    float sum = 0.0f;
    for (size_t c = 0; c < classes; c++)
        sum += z[c] - max;
    return log_sum - sum / (float)classes;
}

/* The loss of one row, from the sum of its exponentials and the index of its largest logit. */
static float loss_of(size_t classes, const float *restrict z, size_t label, size_t top, float sum,
                     float smoothing)
{
    const float log_sum = logf(sum), loss = log_sum - (z[label] - z[top]);
    return smoothing > 0.0f
               ? (1.0f - smoothing) * loss + smoothing * uniform_loss(classes, z, z[top], log_sum)
               : loss;
}

static void gradient_of(size_t classes, const float *restrict e, size_t label, float sum,
                        float scale, float smoothing, float *restrict d)
{
    const float factor = scale / sum;
    for (size_t c = 0; c < classes; c++)
        d[c] = e[c] * factor;
    d[label] -= scale * (1.0f - smoothing);
    for (size_t c = 0; c < classes && smoothing > 0.0f; c++)
        d[c] -= scale * smoothing / (float)classes;
}

void MB_KERNEL_FN(softmax_cross_entropy)(size_t rows, size_t classes, const float *restrict logits,
                                         const uint8_t *restrict labels, float scale,
                                         float smoothing, float *restrict gradient,
                                         float *restrict losses, uint8_t *restrict predicted)
{
    float e[ROWS * MB_MAX_CLASSES], sum[ROWS];
    size_t top[ROWS];
    for (size_t first = 0; first < rows; first += ROWS) {
        const size_t count = rows - first < ROWS ? rows - first : ROWS;
        exponentials(count, classes, logits + first * classes, e, top, sum);
        for (size_t i = 0; i < count; i++) {
            const size_t r = first + i;
            losses[r] =
                loss_of(classes, logits + r * classes, labels[r], top[i], sum[i], smoothing);
            predicted[r] = (uint8_t)top[i];
        }
        for (size_t i = 0; i < count && gradient != NULL; i++)
            gradient_of(classes, e + i * mb_pad_to_lanes(classes), labels[first + i], sum[i], scale,
                        smoothing, gradient + (first + i) * classes);
    }
}

/* The targets of a row; returns their sum. */
static float weighted_targets(size_t classes, const float *restrict weights, size_t label,
                              float smoothing, float *restrict target)
{
    float sum = 0.0f;
    for (size_t c = 0; c < classes; c++)
        target[c] = smoothing / (float)classes * weights[c];
    target[label] += (1.0f - smoothing) * weights[label];
    for (size_t c = 0; c < classes; c++)
        sum += target[c];
    return sum;
}

void MB_KERNEL_FN(weighted_cross_entropy)(size_t rows, size_t classes, const float *restrict logits,
                                          const uint8_t *restrict labels,
                                          const float *restrict weights, float scale,
                                          float smoothing, float *restrict gradient,
                                          float *restrict losses, uint8_t *restrict predicted)
{
    float e[ROWS * MB_MAX_CLASSES], target[MB_MAX_CLASSES], sum[ROWS];
    size_t top[ROWS];
    for (size_t first = 0; first < rows; first += ROWS) {
        const size_t count = rows - first < ROWS ? rows - first : ROWS;
        exponentials(count, classes, logits + first * classes, e, top, sum);
        for (size_t i = 0; i < count; i++) {
            const size_t r = first + i;
            const float *z = logits + r * classes, *row = e + i * mb_pad_to_lanes(classes);
            const float whole = weighted_targets(classes, weights, labels[r], smoothing, target);
            const float log_sum = logf(sum[i]), factor = scale * whole / sum[i];
            float loss = 0.0f;
            for (size_t c = 0; c < classes; c++)
                loss += target[c] * (log_sum - (z[c] - z[top[i]]));
            losses[r] = loss;
            predicted[r] = (uint8_t)top[i];
            for (size_t c = 0; c < classes && gradient != NULL; c++)
                gradient[r * classes + c] = row[c] * factor - scale * target[c];
        }
    }
}
