/* Optimizers and the moving average, by the formulas of PyTorch. */
#include "check.h"

#include <math.h>
#include <string.h>

enum { N = 77, STEPS = 8 };

static const mb_update coefficients = {.lr = 0.01f,
                                       .decay_factor = 0.99f,
                                       .l2 = 0.05f,
                                       .momentum = 0.9f,
                                       .beta1 = 0.9f,
                                       .beta2 = 0.99f,
                                       .one_minus_beta1 = 0.1f,
                                       .one_minus_beta2 = 0.01f,
                                       .inv_sqrt_correction2 = 3.0f,
                                       .epsilon = 1e-4f};

/* m = momentum m + g; w -= lr * (nesterov ? g + momentum m : m) */
void mb_reference_sgd(const mb_update *u, bool decay, size_t n, const float *gradient, float *w,
                      float *m, float *v)
{
    (void)v;
    for (size_t i = 0; i < n; i++) {
        const double momentum = (double)u->momentum;
        const double g = (double)gradient[i] + (decay ? (double)u->l2 * (double)w[i] : 0.0);
        const double next = momentum * (double)m[i] + g;
        w[i] -= (float)((double)u->lr * (u->nesterov ? g + momentum * next : next));
        m[i] = (float)next;
    }
}

void mb_reference_adam(const mb_update *u, bool decay, size_t n, const float *gradient, float *w,
                       float *m, float *v)
{
    for (size_t i = 0; i < n; i++) {
        const double g = (double)gradient[i] + (decay ? (double)u->l2 * (double)w[i] : 0.0);
        const double next_m = (double)u->beta1 * (double)m[i] + (double)u->one_minus_beta1 * g,
                     next_v = (double)u->beta2 * (double)v[i] + (double)u->one_minus_beta2 * g * g;
        w[i] = (float)((decay ? (double)u->decay_factor : 1.0) * (double)w[i] -
                       (double)u->lr * next_m /
                           ((double)u->inv_sqrt_correction2 * sqrt(next_v) + (double)u->epsilon));
        m[i] = (float)next_m;
        v[i] = (float)next_v;
    }
}

void mb_reference_lion(const mb_update *u, bool decay, size_t n, const float *gradient, float *w,
                       float *m, float *v)
{
    (void)v;
    for (size_t i = 0; i < n; i++) {
        const double g = (double)gradient[i] + (decay ? (double)u->l2 * (double)w[i] : 0.0);
        const double direction = (double)u->beta1 * (double)m[i] + (double)u->one_minus_beta1 * g;
        const double sign = direction == 0.0 ? 0.0 : copysign(1.0, direction);
        w[i] =
            (float)((decay ? (double)u->decay_factor : 1.0) * (double)w[i] - (double)u->lr * sign);
        m[i] = (float)((double)u->beta2 * (double)m[i] + (double)u->one_minus_beta2 * g);
    }
}

/* Several steps: accumulated errors are a few units in the last place of the weights, which are
 * below 2 (and whose updates are divided by small roots). */
static void check_steps(mb_update_fn *kernel, mb_update_fn *reference, const mb_update *update,
                        bool decay)
{
    static const float none[N];
    const mb_output w = mb_draw_output(N, MB_ANY), m = mb_output_of(none, sizeof none),
                    v = mb_output_of(none, sizeof none);
    for (size_t step = 0; step < STEPS; step++) {
        const float *gradient = mb_draw_input(N, MB_ANY);
        kernel(update, decay, N, gradient, w.at[0], m.at[0], v.at[0]);
        reference(update, decay, N, gradient, w.at[1], m.at[1], v.at[1]);
    }
    mb_check_near(2e-6);
}

void mb_check_sgd(const mb_kernels *kernels)
{
    mb_update update = coefficients;
    update.nesterov = mb_check_round() / 2 % 2 == 1;
    update.momentum = mb_check_round() / 4 % 2 == 1 ? 0.0f : 0.9f;
    check_steps(kernels->sgd, mb_reference_sgd, &update, mb_check_round() % 2 == 0);
}

/* A pixel that is 0 in all images: gradient and moments 0. The root is 0, and epsilon divides. */
static void check_no_gradient(const mb_kernels *kernels)
{
    static const float none[N];
    mb_update update = coefficients;
    float w[N], m[N] = {0}, v[N] = {0};
    update.l2 = 0.0f;
    for (size_t i = 0; i < N; i++)
        w[i] = 2.0f;
    kernels->adam(&update, true, N, none, w, m, v);
    for (size_t i = 0; i < N; i++)
        mb_check_that(w[i] == 2.0f * 0.99f && m[i] == 0.0f && v[i] == 0.0f,
                      "a weight without gradient becomes %.9g", (double)w[i]);
}

void mb_check_adam(const mb_kernels *kernels)
{
    mb_update update = coefficients;
    if (mb_check_round() == 0)
        check_no_gradient(kernels);
    if (mb_check_round() / 2 % 2 == 1)
        update.decay_factor = 1.0f;
    if (mb_check_round() / 4 % 2 == 1)
        update.l2 = 0.0f;
    check_steps(kernels->adam, mb_reference_adam, &update, mb_check_round() % 2 == 0);
}

/* A zero gradient changes nothing; NaN propagates to the weight and the moment. */
static void check_lion_extremes(const mb_kernels *kernels)
{
    mb_update update = coefficients;
    const float gradient[N] = {[N - 1] = NAN};
    float w[N], m[N] = {0}, v[N] = {0};
    for (size_t i = 0; i < N; i++)
        w[i] = 2.0f;
    kernels->lion(&update, false, N, gradient, w, m, v);
    for (size_t i = 0; i < N - 1; i++)
        mb_check_that(w[i] == 2.0f && m[i] == 0.0f, "a weight without gradient becomes %.9g",
                      (double)w[i]);
    mb_check_that(isnan(w[N - 1]) && isnan(m[N - 1]), "a NaN is hidden");
}

void mb_check_lion(const mb_kernels *kernels)
{
    mb_update update = coefficients;
    if (mb_check_round() == 0)
        check_lion_extremes(kernels);
    if (mb_check_round() / 2 % 2 == 1)
        update.l2 = 0.0f;
    check_steps(kernels->lion, mb_reference_lion, &update, mb_check_round() % 2 == 0);
}

void mb_reference_ema_update(size_t n, float rate, const float *w, float *ema)
{
    for (size_t i = 0; i < n; i++)
        ema[i] += rate * (w[i] - ema[i]);
}

void mb_check_ema_update(const mb_kernels *kernels)
{
    const size_t n = mb_test_random_size(0, 100);
    const float rate = mb_rng_uniform(mb_test_rng());
    const float *w = mb_draw_input(n, MB_ANY);
    const mb_output ema = mb_draw_output(n, MB_ANY);
    MB_BOTH (k, i)
        k->ema_update(n, rate, w, ema.at[i]);
    mb_check_equal();
}

/* ---- timing: all parameters ---- */

static void run_sgd(const mb_kernels *kernels, mb_workload *w)
{
    kernels->sgd(&coefficients, true, MB_PARAMETERS, w->negative, w->out, w->a, NULL);
}

static void run_adam(const mb_kernels *kernels, mb_workload *w)
{
    kernels->adam(&coefficients, true, MB_PARAMETERS, w->negative, w->out, w->a, w->positive);
}

static void run_adamw(const mb_kernels *kernels, mb_workload *w)
{
    mb_update update = coefficients;
    update.l2 = 0.0f;
    kernels->adam(&update, true, MB_PARAMETERS, w->negative, w->out, w->a, w->positive);
}

static void run_lion(const mb_kernels *kernels, mb_workload *w)
{
    kernels->lion(&coefficients, true, MB_PARAMETERS, w->negative, w->out, w->a, NULL);
}

static void run_ema_update(const mb_kernels *kernels, mb_workload *w)
{
    kernels->ema_update(MB_PARAMETERS, 0.001f, w->a, w->out);
}

MB_TIMING(sgd, "sgd", MB_PARAMETERS, 20, 0, MB_PARAMETERS)
MB_TIMING(lion, "lion", MB_PARAMETERS, 20, 0, MB_PARAMETERS)
MB_TIMING(ema_update, "ema_update", MB_PARAMETERS, 12, 0, MB_PARAMETERS)

void mb_time_adam(mb_workload *w)
{
    const mb_cost cost = {.elements = MB_PARAMETERS, .bytes = 28.0 * MB_PARAMETERS};
    mb_time(w, "adam", run_adam, cost, MB_PARAMETERS);
    mb_time(w, "adamw", run_adamw, cost, MB_PARAMETERS);
}
