#include "kernels/kernels.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <string.h>

/* The kernels that compute, against twins in double, at every level that this CPU has; and each
 * level against the lowest, bit by bit. */

enum { MOST = 4096 };

static float in[MOST], found[MOST], wanted[MOST];

/* Errors in units of the last place of the double result as a float. */
static void check_exp(const mb_kernels *kernels, const float *x, size_t n)
{
    kernels->exp(n, x, found);
    for (size_t i = 0; i < n; i++) {
        const double right = exp((double)x[i]), error = fabs((double)found[i] - right);
        const double ulps = error / ldexp(1.0, ilogb(right) - 23);
        if (!(ulps <= 2.0))
            fail_msg("%g ulp at %.9g", ulps, (double)x[i]);
    }
}

/* Every 61st float from 0 down to -87.3 is 18 million numbers. */
TEST(exp_is_within_2_ulp)
{
    union {
        float f;
        uint32_t bits;
    } x = {.f = -0.0f};
    while (x.f >= -87.3f) {
        size_t n = 0;
        for (; n < MOST && x.f >= -87.3f; n++, x.bits += 61)
            in[n] = x.f;
        check_exp(mb_kernels_best(), in, n);
        memcpy(wanted, found, sizeof wanted);
        for (mb_cpu_level level = MB_CPU_BASELINE; level < mb_cpu_level_of_this(); level++) {
            mb_kernels_at(level)->exp(n, in, found);
            assert_memory_equal(found, wanted, n * sizeof *found);
        }
    }
}

TEST(exp_ends_at_87)
{
    static const float x[] = {0.0f,    -0.0f, -87.3f, -87.30001f, -88.0f,
                              -100.0f, -1e4f, -1e30f, -INFINITY,  NAN};
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++) {
        float y[11] = {[10] = 7.0f};
        mb_kernels_at(level)->exp(10, x, y);
        assert_true(y[0] == 1.0f && y[1] == 1.0f);
        assert_true(y[2] > 1.17e-38f && y[2] < 1.22e-38f);
        for (size_t i = 3; i < 9; i++)
            assert_true(y[i] == 0.0f);
        assert_true(isnan(y[9]));
        assert_true(y[10] == 7.0f);
    }
}

/* Loss, guess and gradient of one row in double. `scale` is what the gradient is multiplied by. */
static void check_softmax_row(size_t classes, const float *z, uint8_t label, double scale,
                              const float *gradient, float loss, uint8_t guess)
{
    double sum = 0.0;
    size_t top = 0;
    for (size_t c = 1; c < classes; c++)
        if (z[c] > z[top])
            top = c;
    for (size_t c = 0; c < classes; c++)
        sum += exp((double)z[c] - (double)z[top]);
    const double right = log(sum) - ((double)z[label] - (double)z[top]);
    assert_int_equal(guess, top);
    assert_true(fabs((double)loss - right) <= 1e-6 * (1.0 + right));
    for (size_t c = 0; c < classes; c++) {
        const double share = exp((double)z[c] - (double)z[top]) / sum;
        const double d = scale * (share - (c == label ? 1.0 : 0.0));
        if (!(fabs((double)gradient[c] - d) <= 2e-6 * scale))
            fail_msg("class %zu of %zu: gradient %g, expected %g", c, classes, (double)gradient[c],
                     d);
    }
}

typedef struct softmax_result {
    float gradient[MOST], losses[16];
    uint8_t guess[16];
} softmax_result;

/* Logits drawn from +-spread; the levels are compared with the lowest. */
static void check_softmax(size_t rows, size_t classes, float spread)
{
    static softmax_result result, lowest;
    uint8_t labels[16];
    mb_test_random_floats(in, rows * classes);
    for (size_t i = 0; i < rows * classes; i++)
        in[i] *= spread / 2.0f;
    for (size_t r = 0; r < rows; r++)
        labels[r] = (uint8_t)mb_test_random_size(0, classes - 1);
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++) {
        memset(&result, 0x55, sizeof result);
        mb_kernels_at(level)->softmax_cross_entropy(rows, classes, in, labels, 0.25f, 0.0f,
                                                    result.gradient, result.losses, result.guess);
        for (size_t r = 0; r < rows; r++)
            check_softmax_row(classes, in + r * classes, labels[r], 0.25,
                              result.gradient + r * classes, result.losses[r], result.guess[r]);
        if (level == MB_CPU_BASELINE)
            lowest = result;
        assert_memory_equal(&result, &lowest, sizeof result);
        mb_kernels_at(level)->softmax_cross_entropy(
            rows, classes, in, labels, 0.25f, 0.0f, NULL, result.losses,
            result.guess); /* without a gradient the rest is the same */
        assert_memory_equal(&result, &lowest, sizeof result);
    }
}

TEST(softmax_equals_its_twin)
{
    static const size_t classes[] = {2, 3, 10, 15, 16, 17, 31, 100, 256};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        for (size_t rows = 1; rows <= 16; rows += 5) {
            check_softmax(rows, classes[i], 1.0f);
            check_softmax(rows, classes[i], 30.0f);
            check_softmax(rows, classes[i], 1e4f); /* one class far above the others */
        }
}

/* Logits of +-1e4: a loss of 2e4 where the label is at the bottom, and of 0 where it is on top. */
TEST(softmax_takes_large_logits)
{
    static const float z[] = {1e4f, -1e4f, -1e4f};
    static const uint8_t labels[] = {0, 1};
    const float two[] = {z[0], z[1], z[2], z[0], z[1], z[2]};
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++) {
        float losses[2], gradient[6];
        uint8_t guess[2];
        mb_kernels_at(level)->softmax_cross_entropy(2, 3, two, labels, 1.0f, 0.0f, gradient, losses,
                                                    guess);
        assert_true(losses[0] == 0.0f && losses[1] == 2e4f);
        assert_true(guess[0] == 0 && guess[1] == 0);
        static const float right[] = {0, 0, 0, 1, -1, 0};
        for (size_t i = 0; i < 6; i++)
            assert_true(gradient[i] == right[i]);
    }
}

TEST(softmax_guesses_the_first_of_equals)
{
    static const float z[] = {1, 3, 3, 2, 0, 0, 0, 0};
    static const uint8_t labels[] = {0, 3};
    float losses[2];
    uint8_t guess[2];
    mb_kernels_best()->softmax_cross_entropy(2, 4, z, labels, 1.0f, 0.0f, NULL, losses, guess);
    assert_int_equal(guess[0], 1);
    assert_int_equal(guess[1], 0);
}

/* Wherever the NaN is, first, last or the label's, the loss of its row is NaN; the others are not.
 */
TEST(softmax_does_not_hide_nan)
{
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++)
        for (size_t place = 0; place < 10; place++) {
            static const uint8_t labels[] = {4, 4};
            float z[20], gradient[20], losses[2];
            uint8_t guess[2];
            mb_test_random_floats(z, 20);
            z[place] = NAN;
            mb_kernels_at(level)->softmax_cross_entropy(2, 10, z, labels, 1.0f, 0.0f, gradient,
                                                        losses, guess);
            assert_true(isnan(losses[0]));
            assert_true(isfinite(losses[1]));
            for (size_t c = 0; c < 10; c++)
                assert_true(isnan(gradient[c]) && isfinite(gradient[10 + c]));
            assert_in_range(guess[0], 0, 9);
        }
}

enum { PARAMETERS = 77, STEPS = 8 };

/* PyTorch's SGD: v = momentum v + g, then w -= lr * (nesterov ? g + momentum v : v). */
static void sgd_twin(const mb_update *u, bool decay, const float *g, double *w, double *v)
{
    for (size_t i = 0; i < PARAMETERS; i++) {
        const double gradient = (double)g[i] + (decay ? (double)u->l2 : 0.0) * w[i];
        v[i] = (double)u->momentum * v[i] + gradient;
        w[i] -= (double)u->lr * (u->nesterov ? gradient + (double)u->momentum * v[i] : v[i]);
    }
}

static void adam_twin(const mb_update *u, bool decay, const float *g, double *w, double *m,
                      double *v)
{
    for (size_t i = 0; i < PARAMETERS; i++) {
        const double gradient = (double)g[i] + (decay ? (double)u->l2 : 0.0) * w[i];
        m[i] = (double)u->beta1 * m[i] + (double)u->one_minus_beta1 * gradient;
        v[i] = (double)u->beta2 * v[i] + (double)u->one_minus_beta2 * gradient * gradient;
        w[i] = (decay ? (double)u->decay_factor : 1.0) * w[i] -
               (double)u->lr * m[i] /
                   ((double)u->inv_sqrt_correction2 * sqrt(v[i]) + (double)u->epsilon);
    }
}

/* Weights, moments and a guard after each. */
typedef struct parameters {
    float w[PARAMETERS + 1], first[PARAMETERS + 1], second[PARAMETERS + 1];
} parameters;

/* One kind of update with fixed coefficients over a few steps. An error of 2e-6 is a few units in
 * the last place of the weights, which are below 2 (and whose steps are divided by small roots). */
static void check_updates(mb_update update, bool decay, bool adam)
{
    parameters lowest = {{0}, {0}, {0}};
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++) {
        double w[PARAMETERS], first[PARAMETERS] = {0}, second[PARAMETERS] = {0};
        parameters p = {{0}, {0}, {0}};
        *mb_test_rng() = mb_rng_at(1, MB_RNG_TESTS, 1, 1);
        mb_test_random_floats(p.w, PARAMETERS + 1);
        for (size_t i = 0; i < PARAMETERS; i++)
            w[i] = (double)p.w[i];
        const float guard = p.w[PARAMETERS];
        for (size_t step = 0; step < STEPS; step++) {
            const mb_kernels *kernels = mb_kernels_at(level);
            mb_test_random_floats(in, PARAMETERS);
            (adam ? kernels->adam : kernels->sgd)(&update, decay, PARAMETERS, in, p.w, p.first,
                                                  p.second);
            if (adam)
                adam_twin(&update, decay, in, w, first, second);
            else
                sgd_twin(&update, decay, in, w, first);
            for (size_t i = 0; i < PARAMETERS; i++)
                if (!(fabs((double)p.w[i] - w[i]) <= 2e-6))
                    fail_msg("step %zu: %.9g, expected %.9g", step, (double)p.w[i], w[i]);
        }
        assert_true(p.w[PARAMETERS] == guard && p.first[PARAMETERS] == 0.0f);
        if (level == MB_CPU_BASELINE)
            lowest = p;
        assert_memory_equal(&p, &lowest, sizeof p);
    }
}

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

TEST(sgd_equals_its_twin)
{
    mb_update update = coefficients;
    check_updates(update, true, false);
    check_updates(update, false, false);
    update.nesterov = true;
    check_updates(update, true, false);
    update.momentum = 0.0f;
    check_updates(update, true, false);
}

TEST(adam_equals_its_twin)
{
    mb_update update = coefficients;
    check_updates(update, true, true);
    check_updates(update, false, true); /* neither keep nor l2 touches a bias */
    update.decay_factor = 1.0f;
    check_updates(update, true, true);
    update.l2 = 0.0f;
    check_updates(update, true, true);
}

/* A pixel that no image has lit: gradient 0, moments 0. The root is 0, and epsilon divides. */
TEST(adam_leaves_a_weight_without_gradient)
{
    static const float none[PARAMETERS];
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++) {
        mb_update update = coefficients;
        parameters p = {{0}, {0}, {0}};
        update.l2 = 0.0f;
        for (size_t i = 0; i < PARAMETERS; i++)
            p.w[i] = 2.0f;
        mb_kernels_at(level)->adam(&update, true, PARAMETERS, none, p.w, p.first, p.second);
        for (size_t i = 0; i < PARAMETERS; i++)
            assert_true(p.w[i] == 2.0f * 0.99f && p.first[i] == 0.0f && p.second[i] == 0.0f);
    }
}
