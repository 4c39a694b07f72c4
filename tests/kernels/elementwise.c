/* ReLU, GELU and dropout. */
#include "check.h"

#include <math.h>
#include <string.h>

/* ---- relu ---- */

void mb_reference_relu_forward(size_t rows, size_t columns, float *z, size_t ld)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            if (z[r * ld + c] < 0.0f)
                z[r * ld + c] = 0.0f;
}

void mb_reference_relu_backward(size_t rows, size_t columns, const float *a, float *d, size_t ld)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            if (a[r * ld + c] <= 0.0f)
                d[r * ld + c] = 0.0f;
}

void mb_check_relu_forward(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, 60), columns = mb_test_random_size(1, 50);
    const size_t ld = columns + mb_test_random_size(0, 5);
    const mb_output z = mb_draw_output((rows - 1) * ld + columns, mb_draw_kind());
    MB_BOTH (k, i)
        k->relu_forward(rows, columns, z.at[i], ld);
    mb_check_equal();
}

void mb_check_relu_backward(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, 60), columns = mb_test_random_size(1, 50);
    const size_t ld = columns + mb_test_random_size(0, 5), n = (rows - 1) * ld + columns;
    const float *a = mb_draw_input(n, mb_draw_kind());
    const mb_output d = mb_draw_output(n, mb_draw_kind());
    MB_BOTH (k, i)
        k->relu_backward(rows, columns, a, d.at[i], ld);
    mb_check_equal();
}

static void run_relu_forward(const mb_kernels *kernels, mb_workload *w)
{
    kernels->relu_forward(w->rows, MB_UNITS1, w->out, MB_UNITS1);
}

static void run_relu_backward(const mb_kernels *kernels, mb_workload *w)
{
    kernels->relu_backward(w->rows, MB_UNITS1, w->a, w->out, MB_UNITS1);
}

MB_TIMING(relu_forward, "relu_forward", w->rows *MB_UNITS1, 8, 0, w->rows *MB_UNITS1)
MB_TIMING(relu_backward, "relu_backward", w->rows *MB_UNITS1, 12, 0, w->rows *MB_UNITS1)

/* ---- gelu ---- */

/* x Phi(x), 0 at -infinity; and its derivative. */
static double gelu(double x) { return x < -40.0 ? 0.0 : x * erfc(-x * sqrt(0.5)) / 2.0; }

static double gelu_slope(double x)
{
    const double inv_sqrt_2pi = 0.39894228040143267794;
    return fabs(x) > 40.0 ? (x > 0.0)
                          : erfc(-x * sqrt(0.5)) / 2.0 + x * exp(-x * x / 2.0) * inv_sqrt_2pi;
}

void mb_reference_gelu_forward(size_t rows, size_t columns, const float *x, float *out, size_t ld)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[r * ld + c] = (float)gelu((double)x[r * ld + c]);
}

void mb_reference_gelu_backward(size_t rows, size_t columns, const float *x, const float *d_out,
                                float *d_in, size_t ld)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            d_in[r * ld + c] =
                (float)((double)d_out[r * ld + c] * gelu_slope((double)x[r * ld + c]));
}

/* torch.nn.GELU of PyTorch 2.13 in float64, and its gradient. */
static const struct {
    float x;
    double out, slope;
} golden[] = {
    {-5.0f, -1.43325785934012e-06, -7.14694600180346e-06},
    {-3.0f, -0.00404969409489031, -0.0119456472041839},
    {-1.5f, -0.100210801903287, -0.12746919222998},
    {-0.75f, -0.169970514282651, 0.000774278260764816},
    {-0.5f, -0.154268769362993, 0.132504875343837},
    {-0.0009765625f, -0.000487900789053925, 0.499220816106287},
    {0.0009765625f, 0.000488661710946074, 0.500779183893713},
    {0.25f, 0.149676581420731, 0.695373354883636},
    {1.0f, 0.841344746068543, 1.08331547058769},
    {2.5f, 2.48447583668556, 1.03761108590815},
    {4.0f, 3.99987331503267, 1.00050364966123},
    {7.0f, 6.99999999999104, 1.00000000006266},
};

/* NaN is propagated; infinities and values far from 0 give the limits. */
static void check_gelu_ends(const mb_kernels *kernels)
{
    static const float x[] = {-INFINITY, -3e38f, -13.3f, -0.0f, 0.0f, 13.3f, 3e38f, INFINITY, NAN};
    static const float right[] = {0, 0, 0, 0, 0, 13.3f, 3e38f, INFINITY},
                       slopes[] = {0, 0, 0, 0.5f, 0.5f, 1, 1, 1};
    static const float ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    float y[9], d[9];
    kernels->gelu_forward(1, 9, x, y, 9);
    kernels->gelu_backward(1, 9, x, ones, d, 9);
    for (size_t i = 0; i < 8; i++)
        mb_check_that(y[i] == right[i] && d[i] == slopes[i], "%g and slope %g at %g", (double)y[i],
                      (double)d[i], (double)x[i]);
    mb_check_that(isnan(y[8]) && isnan(d[8]), "NaN becomes %g and %g", (double)y[8], (double)d[8]);
}

static void check_gelu_golden(const mb_kernels *kernels)
{
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const float one = 1.0f;
        float y, d;
        kernels->gelu_forward(1, 1, &golden[i].x, &y, 1);
        kernels->gelu_backward(1, 1, &golden[i].x, &one, &d, 1);
        mb_check_that(fabs((double)y - golden[i].out) <= 1e-6 * fabs(golden[i].out) &&
                          fabs((double)d - golden[i].slope) <= 2e-7,
                      "%.9g and slope %.9g at %g", (double)y, (double)d, (double)golden[i].x);
    }
}

/* The rounds go through every 631st float of both signs from 2^-31 to 35. */
static void draw_gelu_range(size_t n, float *x)
{
    const uint32_t first = 0x30000000u + (uint32_t)(mb_check_round() / 2 * n) * 631;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t bits = (first + i * 631) | (uint32_t)(mb_check_round() % 2) << 31;
        memcpy(&x[i], &bits, sizeof bits);
    }
}

/* Errors in units of the last place of the double result as a float; the exponential is 0 where it
 * is not normal. */
static void check_gelu_ulps(const mb_kernels *kernels)
{
    enum { N = 2400 };
    static float x[N], y[N];
    draw_gelu_range(N, x);
    kernels->gelu_forward(1, N, x, y, N);
    for (size_t i = 0; i < N; i++) {
        const double right = gelu((double)x[i]), error = fabs((double)y[i] - right);
        mb_check_that(error <= 5e-39 || error <= 7.0 * ldexp(1.0, ilogb(right) - 23),
                      "%.9g at %.9g", (double)y[i], (double)x[i]);
    }
}

static void check_gelu_slopes(const mb_kernels *kernels)
{
    enum { N = 2400 };
    static float x[N], d[N], ones[N];
    draw_gelu_range(N, x);
    for (size_t i = 0; i < N; i++)
        ones[i] = 1.0f;
    kernels->gelu_backward(1, N, x, ones, d, N);
    for (size_t i = 0; i < N; i++)
        mb_check_that(fabs((double)d[i] - gelu_slope((double)x[i])) <= 2e-7, "slope %.9g at %.9g",
                      (double)d[i], (double)x[i]);
}

void mb_check_gelu_forward(const mb_kernels *kernels)
{
    if (mb_check_round() == 0) {
        check_gelu_ends(kernels);
        check_gelu_golden(kernels);
    }
    check_gelu_ulps(kernels);
    const size_t rows = mb_test_random_size(1, 60), columns = mb_test_random_size(1, 50);
    const size_t ld = columns + mb_test_random_size(0, 5), n = (rows - 1) * ld + columns;
    const float *x = mb_draw_input(n, MB_ANY);
    const mb_output out = mb_draw_output(n, MB_ANY);
    MB_BOTH (k, i)
        k->gelu_forward(rows, columns, x, out.at[i], ld);
    mb_check_near(1e-6);
}

void mb_check_gelu_backward(const mb_kernels *kernels)
{
    check_gelu_slopes(kernels);
    const size_t rows = mb_test_random_size(1, 60), columns = mb_test_random_size(1, 50);
    const size_t ld = columns + mb_test_random_size(0, 5), n = (rows - 1) * ld + columns;
    const float *x = mb_draw_input(n, MB_ANY), *d_out = mb_draw_input(n, MB_ANY);
    const mb_output d_in = mb_draw_output(n, MB_ANY);
    MB_BOTH (k, i)
        k->gelu_backward(rows, columns, x, d_out, d_in.at[i], ld);
    mb_check_near(1e-6);
}

static void run_gelu_forward(const mb_kernels *kernels, mb_workload *w)
{
    kernels->gelu_forward(w->rows, MB_UNITS1, w->a, w->out, MB_UNITS1);
}

static void run_gelu_backward(const mb_kernels *kernels, mb_workload *w)
{
    kernels->gelu_backward(w->rows, MB_UNITS1, w->a, w->positive, w->out, MB_UNITS1);
}

MB_TIMING(gelu_forward, "gelu_forward", w->rows *MB_UNITS1, 8, 0, w->rows *MB_UNITS1)
MB_TIMING(gelu_backward, "gelu_backward", w->rows *MB_UNITS1, 12, 0, w->rows *MB_UNITS1)

/* ---- dropout ---- */

/* Wellons's lowbias32. */
static uint32_t hash_of(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

void mb_reference_dropout(size_t n, uint64_t key, size_t first, uint32_t dropped, float scale,
                          float *x)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t h =
            hash_of(hash_of((uint32_t)(first + i) + (uint32_t)key) ^ (uint32_t)(key >> 32));
        x[i] = h < dropped ? 0.0f : x[i] * scale;
    }
}

/* The fraction of a million elements that is dropped is the rate, within 5 standard deviations; so
 * it is for every eighth element, for pairs of neighbours, and for the first elements of many keys.
 */
static void check_rate(const mb_kernels *kernels, double rate)
{
    enum { N = 1 << 20, PART = 8192 };
    static float x[PART];
    const uint32_t dropped = (uint32_t)(rate * 0x1p32);
    const double variance = rate * (1.0 - rate), both = rate * rate;
    size_t by_place[8] = {0}, all = 0, pairs = 0, first = 0;
    for (size_t part = 0; part < N / PART; part++) {
        for (size_t i = 0; i < PART; i++)
            x[i] = 1.0f;
        kernels->dropout(PART, part / 4 * 0x9e3779b97f4a7c15u, part % 4 * PART, dropped, 1.0f, x);
        for (size_t i = 0; i < PART; i++) {
            by_place[i % 8] += x[i] == 0.0f;
            pairs += i > 0 && x[i] == 0.0f && x[i - 1] == 0.0f;
        }
    }
    for (size_t i = 0; i < 8; all += by_place[i++])
        mb_check_that(fabs((double)by_place[i] - rate * N / 8) <= 5 * sqrt(variance * N / 8),
                      "rate %g: %zu of %d", rate, by_place[i], N / 8);
    for (size_t key = 0; key < N; key += 64) {
        float one = 1.0f;
        kernels->dropout(1, key, 0, dropped, 1.0f, &one);
        first += one == 0.0f;
    }
    mb_check_that(
        fabs((double)all - rate * N) <= 5 * sqrt(variance * N) &&
            fabs((double)pairs - both * (N - N / PART)) <= 8 * sqrt(both * (1 - both) * N) &&
            fabs((double)first - rate * N / 64) <= 5 * sqrt(variance * N / 64),
        "rate %g: %zu of %d, %zu pairs, %zu of %d first", rate, all, N, pairs, first, N / 64);
}

void mb_check_dropout(const mb_kernels *kernels)
{
    static const double rates[] = {0.0, 0.01, 0.25, 0.5, 0.9};
    if (mb_check_round() < 5)
        check_rate(kernels, rates[mb_check_round()]);
    const size_t n = mb_test_random_size(0, 400), first = mb_test_random_size(0, 1 << 20);
    const uint64_t key = mb_rng_next(mb_test_rng());
    const uint32_t dropped = (uint32_t)mb_rng_next(mb_test_rng());
    const float scale = 1.0f + mb_rng_uniform(mb_test_rng());
    const mb_output x = mb_draw_output(n, MB_ANY);
    MB_BOTH (k, i)
        k->dropout(n, key, first, dropped, scale, x.at[i]);
    mb_check_equal();
}

/* A quarter of the elements after cnn's pool. The others grow from run to run, which does not
 * affect the time. */
enum { DROPPED = 12 * 12 * 64 };

static void run_dropout(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t s = 0; s < mb_workload_samples(w, DROPPED); s++)
        kernels->dropout(DROPPED, 0x0123456789abcdefu + s, 0, 1u << 30, 4.0f / 3.0f,
                         w->out + s * DROPPED);
}

MB_TIMING(dropout, "dropout:cnn", mb_workload_samples(w, DROPPED) * DROPPED, 8, 0,
          mb_workload_samples(w, DROPPED) * DROPPED)
