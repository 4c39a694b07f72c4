/* Softmax with cross-entropy, and the exponential. */
#include "check.h"

#include <math.h>
#include <string.h>

void mb_reference_softmax_cross_entropy(size_t rows, size_t classes, const float *logits,
                                        const uint8_t *labels, float scale, float smoothing,
                                        float *gradient, float *losses, uint8_t *predicted)
{
    for (size_t r = 0; r < rows; r++) {
        const float *z = logits + r * classes;
        double sum = 0.0, loss = 0.0;
        size_t top = 0;
        for (size_t c = 1; c < classes; c++)
            if (z[c] > z[top])
                top = c;
        for (size_t c = 0; c < classes; c++)
            sum += exp((double)z[c] - (double)z[top]);
        for (size_t c = 0; c < classes; c++) {
            const double log_p = (double)z[c] - (double)z[top] - log(sum);
            const double target = (c == labels[r] ? 1.0 - (double)smoothing : 0.0) +
                                  (double)smoothing / (double)classes;
            if (target > 0.0)
                loss -= target * log_p;
            if (gradient != NULL)
                gradient[r * classes + c] = (float)((double)scale * (exp(log_p) - target));
        }
        losses[r] = (float)loss;
        predicted[r] = (uint8_t)top;
    }
}

/* A set of outputs: gradient, losses, predicted. */
typedef struct outputs {
    float gradient[16 * MB_MAX_CLASSES], losses[16];
    uint8_t predicted[16];
} outputs;

static void compare(size_t rows, size_t classes, float scale, const outputs *found,
                    const outputs *wanted)
{
    for (size_t i = 0; i < rows * classes; i++) {
        const double apart = fabs((double)found->gradient[i] - (double)wanted->gradient[i]);
        mb_check_that(apart <= 2e-6 * (double)scale, "%zu classes: gradient %.9g, expected %.9g",
                      classes, (double)found->gradient[i], (double)wanted->gradient[i]);
    }
    for (size_t r = 0; r < rows; r++) {
        const double loss = (double)found->losses[r], right = (double)wanted->losses[r];
        mb_check_that(fabs(loss - right) <= 1e-6 * (1.0 + right), "loss %.9g, expected %.9g", loss,
                      right);
        mb_check_that(found->predicted[r] == wanted->predicted[r], "class %d, expected %d",
                      found->predicted[r], wanted->predicted[r]);
    }
}

/* Logits of +-1e4 and equal ones, with the exact results. */
static void check_extremes(const mb_kernels *kernels)
{
    static const float z[] = {1e4f, -1e4f, -1e4f, 1e4f, -1e4f, -1e4f, 1, 3, 3, 0, 0, 0};
    static const uint8_t labels[] = {0, 1, 1, 2};
    static const float right[] = {0, 0, 0, 1, -1, 0};
    outputs o;
    kernels->softmax_cross_entropy(4, 3, z, labels, 1.0f, 0.0f, o.gradient, o.losses, o.predicted);
    mb_check_that(o.losses[0] == 0.0f && o.losses[1] == 2e4f, "losses %g and %g",
                  (double)o.losses[0], (double)o.losses[1]);
    mb_check_that(memcmp(o.predicted, (uint8_t[]){0, 0, 1, 0}, 4) == 0,
                  "not the first of equal logits is predicted");
    for (size_t i = 0; i < 6; i++)
        mb_check_that(o.gradient[i] == right[i], "gradient %g", (double)o.gradient[i]);
}

/* A NaN in any place makes its row's loss and gradient NaN, and no other's. */
static void check_nan(const mb_kernels *kernels)
{
    for (size_t place = 0; place < 10; place++) {
        static const uint8_t labels[] = {4, 4};
        float z[20];
        outputs o;
        mb_test_random_floats(z, 20);
        z[place] = NAN;
        kernels->softmax_cross_entropy(2, 10, z, labels, 1.0f, 0.0f, o.gradient, o.losses,
                                       o.predicted);
        bool right = isnan(o.losses[0]) && isfinite(o.losses[1]) && o.predicted[0] < 10;
        for (size_t c = 0; c < 10; c++)
            right = right && isnan(o.gradient[c]) && isfinite(o.gradient[10 + c]);
        mb_check_that(right, "a NaN in place %zu is hidden", place);
    }
}

void mb_check_softmax_cross_entropy(const mb_kernels *kernels)
{
    static const size_t sizes[] = {2, 3, 10, 15, 16, 17, 31, 100, MB_MAX_CLASSES};
    static const float spreads[] = {0.5f, 15.0f, 5e3f};
    if (mb_check_round() == 0) {
        check_extremes(kernels);
        check_nan(kernels);
    }
    const size_t classes = sizes[mb_check_round() % 9], rows = mb_test_random_size(1, 16);
    const float spread = spreads[mb_check_round() / 9 % 3], scale = 0.25f;
    const float smoothing = mb_test_random_size(0, 1) == 0 ? 0.0f : 0.1f;
    float *z = mb_draw_input(rows * classes, MB_ANY);
    uint8_t *labels = mb_input(rows);
    for (size_t i = 0; i < rows * classes; i++)
        z[i] *= spread;
    for (size_t r = 0; r < rows; r++)
        labels[r] = (uint8_t)mb_test_random_size(0, classes - 1);
    const mb_output gradient = mb_draw_output(rows * classes, MB_ANY),
                    losses = mb_draw_output(rows, MB_ANY), predicted = mb_output_of(labels, rows);
    outputs wanted, found = {{0}, {0}, {0}};
    mb_reference_softmax_cross_entropy(rows, classes, z, labels, scale, smoothing, wanted.gradient,
                                       wanted.losses, wanted.predicted);
    kernels->softmax_cross_entropy(rows, classes, z, labels, scale, smoothing, gradient.at[0],
                                   losses.at[0], predicted.at[0]);
    memcpy(found.gradient, gradient.at[0], rows * classes * sizeof(float));
    memcpy(found.losses, losses.at[0], rows * sizeof(float));
    memcpy(found.predicted, predicted.at[0], rows);
    compare(rows, classes, scale, &found, &wanted);
    /* The other outputs do not depend on whether a gradient is computed. */
    memcpy(gradient.at[1], gradient.at[0], rows * classes * sizeof(float));
    kernels->softmax_cross_entropy(rows, classes, z, labels, scale, smoothing, NULL, losses.at[1],
                                   predicted.at[1]);
    mb_check_equal();
}

void mb_reference_weighted_cross_entropy(size_t rows, size_t classes, const float *logits,
                                         const uint8_t *labels, const float *weights, float scale,
                                         float smoothing, float *gradient, float *losses,
                                         uint8_t *predicted)
{
    for (size_t r = 0; r < rows; r++) {
        const float *z = logits + r * classes;
        double sum = 0.0, whole = 0.0, loss = 0.0, target[MB_MAX_CLASSES];
        size_t top = 0;
        for (size_t c = 1; c < classes; c++)
            if (z[c] > z[top])
                top = c;
        for (size_t c = 0; c < classes; c++) {
            sum += exp((double)z[c] - (double)z[top]);
            target[c] = (double)weights[c] * ((c == labels[r] ? 1.0 - (double)smoothing : 0.0) +
                                              (double)smoothing / (double)classes);
            whole += target[c];
        }
        for (size_t c = 0; c < classes; c++) {
            const double log_p = (double)z[c] - (double)z[top] - log(sum);
            loss -= target[c] * log_p;
            if (gradient != NULL)
                gradient[r * classes + c] =
                    (float)((double)scale * (whole * exp(log_p) - target[c]));
        }
        losses[r] = (float)loss;
        predicted[r] = (uint8_t)top;
    }
}

/* Weights of 0 to 3; equal ones give the unweighted results. */
void mb_check_weighted_cross_entropy(const mb_kernels *kernels)
{
    static const size_t sizes[] = {2, 3, 10, 16, 17, 100};
    const size_t classes = sizes[mb_check_round() % 6], rows = mb_test_random_size(1, 16);
    const float scale = 0.25f, smoothing = mb_test_random_size(0, 1) == 0 ? 0.0f : 0.1f;
    float *z = mb_draw_input(rows * classes, MB_ANY), *weights = mb_draw_input(classes, MB_ANY);
    uint8_t *labels = mb_input(rows);
    const bool even = mb_check_round() % 3 == 0;
    for (size_t i = 0; i < rows * classes; i++)
        z[i] *= 5.0f;
    for (size_t c = 0; c < classes; c++)
        weights[c] = even ? 1.0f : 0.5f * (float)mb_test_random_size(0, 6);
    for (size_t r = 0; r < rows; r++)
        labels[r] = (uint8_t)mb_test_random_size(0, classes - 1);
    const mb_output gradient = mb_draw_output(rows * classes, MB_ANY),
                    losses = mb_draw_output(rows, MB_ANY), predicted = mb_output_of(labels, rows);
    outputs wanted, found = {{0}, {0}, {0}};
    if (even)
        mb_reference_softmax_cross_entropy(rows, classes, z, labels, scale, smoothing,
                                           wanted.gradient, wanted.losses, wanted.predicted);
    else
        mb_reference_weighted_cross_entropy(rows, classes, z, labels, weights, scale, smoothing,
                                            wanted.gradient, wanted.losses, wanted.predicted);
    kernels->weighted_cross_entropy(rows, classes, z, labels, weights, scale, smoothing,
                                    gradient.at[0], losses.at[0], predicted.at[0]);
    memcpy(found.gradient, gradient.at[0], rows * classes * sizeof(float));
    memcpy(found.losses, losses.at[0], rows * sizeof(float));
    memcpy(found.predicted, predicted.at[0], rows);
    compare(rows, classes, 4.0f * scale, &found, &wanted);
    memcpy(gradient.at[1], gradient.at[0], rows * classes * sizeof(float));
    kernels->weighted_cross_entropy(rows, classes, z, labels, weights, scale, smoothing, NULL,
                                    losses.at[1], predicted.at[1]);
    mb_check_equal();
}

static uint8_t *timed_predicted;

static void run_softmax(const mb_kernels *kernels, mb_workload *w)
{
    kernels->softmax_cross_entropy(w->rows, MB_CLASSES, w->a, w->labels, 1.0f / (float)w->rows,
                                   0.0f, w->out, w->out + w->rows * MB_CLASSES, timed_predicted);
}

void mb_time_softmax_cross_entropy(mb_workload *w)
{
    const size_t n = w->rows * MB_CLASSES;
    timed_predicted = mb_workload_alloc(w, w->rows, 1);
    mb_time(w, "softmax_cross_entropy", run_softmax,
            (mb_cost){.elements = (double)n, .bytes = 8.0 * (double)n + 6.0 * (double)w->rows},
            n + w->rows);
}

static void run_weighted(const mb_kernels *kernels, mb_workload *w)
{
    kernels->weighted_cross_entropy(w->rows, MB_CLASSES, w->a, w->labels, w->positive,
                                    1.0f / (float)w->rows, 0.0f, w->out,
                                    w->out + w->rows * MB_CLASSES, timed_predicted);
}

void mb_time_weighted_cross_entropy(mb_workload *w)
{
    const size_t n = w->rows * MB_CLASSES;
    timed_predicted = mb_workload_alloc(w, w->rows, 1);
    mb_time(w, "weighted_cross_entropy", run_weighted,
            (mb_cost){.elements = (double)n, .bytes = 8.0 * (double)n + 6.0 * (double)w->rows},
            n + w->rows);
}

/* ---- exp ---- */

void mb_reference_exp(size_t n, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)exp((double)x[i]);
}

/* Errors in units of the last place of the double result as a float. */
static void check_ulps(size_t n, const float *x, const float *y)
{
    for (size_t i = 0; i < n; i++) {
        const double right = exp((double)x[i]), error = fabs((double)y[i] - right);
        const double ulps = error / ldexp(1.0, ilogb(right) - 23);
        mb_check_that(ulps <= 2.0, "%g ulp at %.9g", ulps, (double)x[i]);
    }
}

static void check_ends(const mb_kernels *kernels)
{
    static const float x[] = {0.0f,    -0.0f, -87.3f, -87.30001f, -88.0f,
                              -100.0f, -1e4f, -1e30f, -INFINITY,  NAN};
    float y[11] = {[10] = 7.0f};
    kernels->exp(10, x, y);
    bool right = y[0] == 1.0f && y[1] == 1.0f && y[2] > 1.17e-38f && y[2] < 1.22e-38f;
    for (size_t i = 3; i < 9; i++)
        right = right && y[i] == 0.0f;
    mb_check_that(right && isnan(y[9]) && y[10] == 7.0f, "a special value is wrong");
}

/* The rounds go through every 61st float from 0 down to -87.3, 18 million in all. */
void mb_check_exp(const mb_kernels *kernels)
{
    enum { N = 12000, PARTS = 4 };
    union {
        float f;
        uint32_t bits;
    } x;
    if (mb_check_round() == 0)
        check_ends(kernels);
    for (size_t part = 0; part < PARTS; part++) {
        static float in[N], out[N];
        size_t n = 0;
        x.bits = 0x80000000u + (uint32_t)((mb_check_round() * PARTS + part) * N * 61);
        for (; n < N && x.f >= -87.3f; n++, x.bits += 61)
            in[n] = x.f;
        kernels->exp(n, in, out);
        check_ulps(n, in, out);
        if (part == 0) {
            const mb_output y = mb_output_of(out, n * sizeof *out);
            memset(y.at[0], 1, n * sizeof *out);
            kernels->exp(n, in, y.at[0]);
            mb_check_equal();
        }
    }
}

static void run_exp(const mb_kernels *kernels, mb_workload *w)
{
    kernels->exp(w->rows * MB_CLASSES, w->negative, w->out);
}

MB_TIMING(exp, "exp", w->rows *MB_CLASSES, 8, 0, w->rows *MB_CLASSES)
