#include "random.h"
#include "report/smooth.h"
#include "test.h"

#include <math.h>

enum { MAX = 2048 };

static double values[MAX], smooth[MAX];

static const size_t counts[] = {1, 2, 3, 10, 100, 1173, MAX};
enum { COUNTS = sizeof counts / sizeof counts[0] };

static double unit(void) { return (double)mb_rng_uniform(mb_test_rng()); }

TEST(straight_lines_stay)
{
    for (size_t c = 0; c < COUNTS; c++) {
        for (size_t i = 0; i < counts[c]; i++)
            values[i] = 3.0 - 0.001 * (double)i;
        mb_smooth(values, counts[c], smooth);
        for (size_t i = 0; i < counts[c]; i++)
            assert_true(fabs(smooth[i] - values[i]) < 1e-9);
    }
}

TEST(nothing_leaves_the_range)
{
    for (size_t c = 0; c < COUNTS; c++) {
        for (size_t i = 0; i < counts[c]; i++)
            values[i] = unit() < 0.1 ? 1.0 : 1e-7;
        mb_smooth(values, counts[c], smooth);
        for (size_t i = 0; i < counts[c]; i++)
            assert_true(smooth[i] >= 1e-7 && smooth[i] <= 1.0);
    }
}

/* Noise of variance 1/12 about 0.5 becomes less than a tenth of that. */
TEST(noise_is_smoothed)
{
    double variance = 0.0;
    for (size_t i = 0; i < MAX; i++)
        values[i] = unit();
    mb_smooth(values, MAX, smooth);
    for (size_t i = MAX / 4; i < MAX; i++)
        variance += (smooth[i] - 0.5) * (smooth[i] - 0.5) / (0.75 * MAX);
    assert_true(variance < 1.0 / 120.0);
}

TEST(a_steep_beginning_stays)
{
    for (size_t i = 0; i < MAX; i++)
        values[i] = 0.1 + 2.2 * exp(-(double)i / 10.0);
    mb_smooth(values, MAX, smooth);
    assert_true(fabs(smooth[0] - 2.3) < 0.1);
    assert_true(fabs(smooth[20] - values[20]) < 0.1);
}
