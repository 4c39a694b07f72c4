/* ReLU and dropout. */
#include "check.h"

#include <math.h>

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

/* A quarter of the elements after cnn's pool. Those that stay grow from run to run, which does not
 * change the time. */
enum { DROPPED = 12 * 12 * 64 };

static void run_dropout(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t s = 0; s < mb_workload_samples(w, DROPPED); s++)
        kernels->dropout(DROPPED, 0x0123456789abcdefu + s, 0, 1u << 30, 4.0f / 3.0f,
                         w->out + s * DROPPED);
}

MB_TIMING(dropout, "dropout:cnn", mb_workload_samples(w, DROPPED) * DROPPED, 8, 0,
          mb_workload_samples(w, DROPPED) * DROPPED)
