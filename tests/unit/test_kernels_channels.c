#include "kernels/kernels.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The kernels that add up and scale by channel, and dropout, at every level that this CPU has,
 * against naive twins. Where the kernel's order of additions is its own affair, the twin adds in
 * double, and the levels must have the same bits. All of a buffer is compared, what is behind the
 * results included. */

enum { MOST = 8192, ROUNDS = 60, CHANNELS = 128 };

static float a[MOST], b[MOST], found[MOST], wanted[MOST];
static float by_a[CHANNELS], by_b[CHANNELS], shift[CHANNELS];

typedef void check_fn(const mb_kernels *kernels);

static void at_each_level(check_fn *check)
{
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++)
        for (size_t round = 0; round < ROUNDS; round++)
            check(mb_kernels_at(level));
}

static void draw_output(void)
{
    mb_test_random_floats(found, MOST);
    memcpy(wanted, found, sizeof wanted);
}

static void check_sum_rows(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(0, 60), columns = mb_test_random_size(1, 120);
    const size_t ld = columns + mb_test_random_size(0, 9);
    mb_test_random_floats(a, MOST);
    draw_output();
    kernels->sum_rows(rows, columns, a, ld, found);
    for (size_t r = 0; r < rows; r++) {
        double sum = (double)wanted[r];
        for (size_t c = 0; c < columns; c++)
            sum += (double)a[r * ld + c];
        assert_true(fabs((double)found[r] - sum) <= 1e-4);
    }
    mb_kernels_at(MB_CPU_BASELINE)->sum_rows(rows, columns, a, ld, wanted);
    assert_memory_equal(found, wanted, sizeof found);
}

/* (rows, columns) and what of them are channels. */
typedef struct matrix {
    bool planes;
    size_t rows, columns;
} matrix;

static matrix draw_matrix(void)
{
    const matrix m = {mb_test_random_size(0, 1) == 1, mb_test_random_size(1, 90),
                      mb_test_random_size(1, 90)};
    mb_test_random_floats(a, MOST);
    mb_test_random_floats(b, MOST);
    mb_test_random_floats(by_a, CHANNELS);
    mb_test_random_floats(by_b, CHANNELS);
    mb_test_random_floats(shift, CHANNELS);
    draw_output();
    return m;
}

static size_t channel_of(matrix m, size_t i) { return m.planes ? i / m.columns : i % m.columns; }

static void check_sum_products(const mb_kernels *kernels)
{
    const matrix m = draw_matrix();
    double sums[CHANNELS], products[CHANNELS], sum[CHANNELS], product[CHANNELS];
    for (size_t c = 0; c < CHANNELS; c++) {
        sums[c] = sum[c] = (double)by_a[c];
        products[c] = product[c] = (double)by_b[c];
    }
    kernels->batchnorm_reduce(m.planes, m.rows, m.columns, a, b, sums, products);
    for (size_t i = 0; i < m.rows * m.columns; i++) {
        sum[channel_of(m, i)] += (double)a[i];
        product[channel_of(m, i)] += (double)a[i] * (double)b[i];
    }
    for (size_t c = 0; c < CHANNELS; c++) {
        assert_true(fabs(sums[c] - sum[c]) <= 1e-12);
        assert_true(fabs(products[c] - product[c]) <= 1e-12);
        sum[c] = (double)by_a[c];
        product[c] = (double)by_b[c];
    }
    mb_kernels_at(MB_CPU_BASELINE)
        ->batchnorm_reduce(m.planes, m.rows, m.columns, a, b, sum, product);
    assert_memory_equal(sums, sum, sizeof sums);
    assert_memory_equal(products, product, sizeof products);
}

/* Squares of numbers far from 0 do not cancel: in double, mean square - squared mean = variance. */
static void check_far_sums(const mb_kernels *kernels)
{
    const bool planes = mb_test_random_size(0, 1) == 1;
    const size_t n = mb_test_random_size(100, MOST);
    double sum = 0.0, square = 0.0, variance = 0.0;
    for (size_t i = 0; i < n; i++)
        a[i] = 1000.0f + (float)(i % 2);
    kernels->batchnorm_reduce(planes, planes ? 1 : n, planes ? n : 1, a, a, &sum, &square);
    for (size_t i = 0; i < n; i++)
        variance += pow((double)a[i] - sum / (double)n, 2.0) / (double)n;
    assert_true(fabs(square / (double)n - pow(sum / (double)n, 2.0) - variance) <= 1e-6);
}

static void check_scale_shift(const mb_kernels *kernels)
{
    const matrix m = draw_matrix();
    for (size_t i = 0; i < m.rows * m.columns; i++) {
        const size_t c = channel_of(m, i);
        wanted[i] = a[i] * by_a[c] + shift[c];
    }
    kernels->batchnorm_forward(m.planes, m.rows, m.columns, by_a, shift, a, found);
    assert_memory_equal(found, wanted, sizeof found);
}

static void check_scale_two_shift(const mb_kernels *kernels)
{
    const matrix m = draw_matrix();
    for (size_t i = 0; i < m.rows * m.columns; i++) {
        const size_t c = channel_of(m, i);
        wanted[i] = a[i] * by_a[c] + b[i] * by_b[c] + shift[c];
    }
    kernels->batchnorm_backward(m.planes, m.rows, m.columns, by_a, by_b, shift, a, b, found);
    assert_memory_equal(found, wanted, sizeof found);
}

/* Wellons's lowbias32. */
static uint32_t hash_of(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

/* What number i is, is a matter of (key, i), whatever the piece of memory that is asked for. */
static void check_dropout(const mb_kernels *kernels)
{
    const size_t n = mb_test_random_size(0, 400), first = mb_test_random_size(0, 1 << 20);
    const uint64_t key = mb_rng_next(mb_test_rng());
    const uint32_t dropped = (uint32_t)mb_rng_next(mb_test_rng());
    const float scale = 1.0f + mb_rng_uniform(mb_test_rng());
    draw_output();
    for (size_t i = 0; i < n; i++) {
        const uint32_t hash =
            hash_of(hash_of((uint32_t)(first + i) + (uint32_t)key) ^ (uint32_t)(key >> 32));
        wanted[i] = hash < dropped ? 0.0f : wanted[i] * scale;
    }
    kernels->dropout(n, key, first, dropped, scale, found);
    assert_memory_equal(found, wanted, sizeof found);
}

/* Of a million numbers as many go as should, within five standard deviations; so it is in each
 * eighth of the numbers' places, in each of many keys' first numbers, and for pairs of neighbours.
 */
TEST(dropout_has_its_rate)
{
    enum { N = 1 << 20, PART = MOST };
    static const double rates[] = {0.0, 0.01, 0.25, 0.5, 0.9};
    for (size_t r = 0; r < 5; r++) {
        const double rate = rates[r];
        size_t by_place[8] = {0}, all = 0, pairs = 0, first_ones = 0;
        for (size_t part = 0; part < N / PART; part++) {
            for (size_t i = 0; i < PART; i++)
                found[i] = 1.0f;
            mb_kernels_best()->dropout(PART, part / 4 * 0x9e3779b97f4a7c15u, part % 4 * PART,
                                       (uint32_t)(rate * 0x1p32), 1.0f, found);
            for (size_t i = 0; i < PART; i++) {
                by_place[i % 8] += found[i] == 0.0f;
                pairs += i > 0 && found[i] == 0.0f && found[i - 1] == 0.0f;
            }
        }
        for (size_t i = 0; i < 8; i++) {
            all += by_place[i];
            assert_true(fabs((double)by_place[i] - rate * N / 8.0) <=
                        5.0 * sqrt(rate * (1.0 - rate) * N / 8.0));
        }
        assert_true(fabs((double)all - rate * N) <= 5.0 * sqrt(rate * (1.0 - rate) * N));
        assert_true(fabs((double)pairs - rate * rate * (N - N / PART)) <=
                    8.0 * sqrt(rate * rate * (1.0 - rate * rate) * N));
        for (size_t key = 0; key < N; key += 64) {
            float one = 1.0f;
            mb_kernels_best()->dropout(1, key, 0, (uint32_t)(rate * 0x1p32), 1.0f, &one);
            first_ones += one == 0.0f;
        }
        assert_true(fabs((double)first_ones - rate * N / 64.0) <=
                    5.0 * sqrt(rate * (1.0 - rate) * N / 64.0));
    }
}

#define LEVELS_EQUAL_TWIN(name, check)                                                             \
    TEST(name) { at_each_level(check); }

LEVELS_EQUAL_TWIN(rows_are_summed, check_sum_rows)
LEVELS_EQUAL_TWIN(channels_are_summed, check_sum_products)
LEVELS_EQUAL_TWIN(sums_of_squares_do_not_cancel, check_far_sums)
LEVELS_EQUAL_TWIN(channels_are_scaled, check_scale_shift)
LEVELS_EQUAL_TWIN(two_are_scaled_and_added, check_scale_two_shift)
LEVELS_EQUAL_TWIN(dropout_is_a_hash_of_key_and_place, check_dropout)
