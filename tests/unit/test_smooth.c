#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "random.h"
#include "report/smooth.h"

#include <math.h>

enum { MOST = 2048 };

static double values[MOST], smooth[MOST];

static const size_t counts[] = {1, 2, 3, 10, 100, 1173, MOST};
enum { COUNTS = sizeof counts / sizeof counts[0] };

static double unit(void) { return (double)mb_rng_uniform(mb_test_rng()); }

static void straight_lines_stay(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNTS; c++) {
        for (size_t i = 0; i < counts[c]; i++)
            values[i] = 3.0 - 0.001 * (double)i;
        mb_smooth(values, counts[c], smooth);
        for (size_t i = 0; i < counts[c]; i++)
            assert_true(fabs(smooth[i] - values[i]) < 1e-9);
    }
}

static void nothing_leaves_the_range(void **state)
{
    (void)state;
    for (size_t c = 0; c < COUNTS; c++) {
        for (size_t i = 0; i < counts[c]; i++)
            values[i] = unit() < 0.1 ? 1.0 : 1e-7;
        mb_smooth(values, counts[c], smooth);
        for (size_t i = 0; i < counts[c]; i++)
            assert_true(smooth[i] >= 1e-7 && smooth[i] <= 1.0);
    }
}

/* Noise of variance 1/12 about 0.5 becomes less than a tenth of that. */
static void noise_is_smoothed(void **state)
{
    (void)state;
    double variance = 0.0;
    for (size_t i = 0; i < MOST; i++)
        values[i] = unit();
    mb_smooth(values, MOST, smooth);
    for (size_t i = MOST / 4; i < MOST; i++)
        variance += (smooth[i] - 0.5) * (smooth[i] - 0.5) / (0.75 * MOST);
    assert_true(variance < 1.0 / 120.0);
}

static void a_steep_beginning_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        values[i] = 0.1 + 2.2 * exp(-(double)i / 10.0);
    mb_smooth(values, MOST, smooth);
    assert_true(fabs(smooth[0] - 2.3) < 0.1);
    assert_true(fabs(smooth[20] - values[20]) < 0.1);
}

#define CASE(name) cmocka_unit_test_setup(name, mb_test_seed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(straight_lines_stay),
        CASE(nothing_leaves_the_range),
        CASE(noise_is_smoothed),
        CASE(a_steep_beginning_is_kept),
    };
    return cmocka_run_group_tests_name("smooth", tests, NULL, NULL);
}
