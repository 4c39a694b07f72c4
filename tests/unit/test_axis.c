#include "random.h"
#include "report/axis.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double unit(void) { return (double)mb_rng_uniform(mb_test_rng()); }

/* Ticks ascend within the axis, and each label reads as its tick and as no other. */
static void check(const mb_axis *axis)
{
    const double slack = 1e-6 * (axis->max - axis->min);
    assert_in_range(axis->ticks, MB_MIN_TICKS, MB_MAX_TICKS);
    for (size_t i = 0; i < axis->ticks; i++) {
        assert_true(axis->tick[i] >= axis->min - slack && axis->tick[i] <= axis->max + slack);
        char *end = NULL;
        const double read = strtod(axis->label[i], &end);
        assert_true(end != axis->label[i] && *end == '\0');
        assert_true(fabs(read - axis->tick[i]) <= 1e-9 * fabs(axis->tick[i]) + DBL_MIN);
        assert_true(i == 0 || axis->tick[i] > axis->tick[i - 1]);
        assert_true(i == 0 || strcmp(axis->label[i], axis->label[i - 1]) != 0);
    }
}

static void check_linear(const mb_axis *axis)
{
    check(axis);
    const double step = axis->tick[1] - axis->tick[0];
    const double mantissa = step / pow(10.0, floor(log10(step) + 1e-6));
    assert_true(fabs(mantissa - 1.0) < 1e-4 || fabs(mantissa - 2.0) < 1e-4 ||
                fabs(mantissa - 5.0) < 1e-4);
    for (size_t i = 0; i < axis->ticks; i++) {
        assert_true(fabs(axis->tick[i] - axis->tick[0] - (double)i * step) < 1e-4 * step);
        const double multiple = axis->tick[i] / step;
        assert_true(fabs(multiple) > 1e5 || fabs(multiple - round(multiple)) < 1e-4);
    }
    /* one more does not fit at either end */
    assert_true(axis->tick[0] - step < axis->min + 1e-6 * step);
    assert_true(axis->tick[axis->ticks - 1] + step > axis->max - 1e-6 * step);
}

TEST(linear_ticks_are_round)
{
    for (int i = 0; i < 20000; i++) {
        const double span = pow(10.0, -30.0 + 60.0 * unit());
        const double min = (unit() - 0.5) * span * pow(10.0, 5.0 * unit());
        const mb_axis axis = mb_axis_linear(min, min + span, 0.0);
        assert_true(axis.min == min && axis.max == min + span);
        check_linear(&axis);
    }
}

TEST(known_ranges)
{
    static const struct {
        double min, max, min_step;
        const char *labels;
    } known[] = {{0, 5, 1, "0 1 2 3 4 5"},
                 {0, 1, 0, "0 0.2 0.4 0.6 0.8 1.0"},
                 {0, 2, 1, "0 1 2"},
                 {0, 1000, 1, "0 200 400 600 800 1000"},
                 {-1, 1, 0, "-1.0 -0.5 0 0.5 1.0"},
                 {97.1, 98.4, 0, "97.2 97.4 97.6 97.8 98.0 98.2 98.4"},
                 {0, 3e-7, 0, "0 5e-8 1.0e-7 1.5e-7 2.0e-7 2.5e-7 3.0e-7"},
                 {0, 4e6, 0, "0 1e6 2e6 3e6 4e6"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const mb_axis axis = mb_axis_linear(known[i].min, known[i].max, known[i].min_step);
        char labels[MB_MAX_TICKS * MB_LABEL] = "";
        for (size_t tick = 0; tick < axis.ticks; tick++) {
            strcat(labels, tick > 0 ? " " : "");
            strcat(labels, axis.label[tick]);
        }
        assert_string_equal(labels, known[i].labels);
    }
}

TEST(ranges_without_width_are_widened)
{
    static const double at[] = {0.0, 1.0, -3.5, 1e-100, 1e100, -1e-7, 98.37};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        const mb_axis axis = mb_axis_linear(at[i], at[i], 0.0);
        assert_true(axis.min <= at[i] && at[i] <= axis.max);
        check_linear(&axis);
        const mb_axis near = mb_axis_linear(at[i], nextafter(at[i], INFINITY), 0.0);
        check_linear(&near);
    }
}

/* A logarithmic axis has powers of ten, or these and others that are 2, 3 or 5 times them. */
TEST(logarithmic_ticks_are_round)
{
    for (int i = 0; i < 20000; i++) {
        const double min = pow(10.0, -20.0 + 30.0 * unit());
        const mb_axis axis = mb_axis_log(min, min * pow(10.0, 20.0 * unit() * unit()));
        check(&axis);
        for (size_t tick = 0; tick < axis.ticks; tick++) {
            const double ten = pow(10.0, floor(log10(axis.tick[tick]) + 1e-9));
            const double mantissa = axis.tick[tick] / ten;
            assert_true(fabs(mantissa - round(mantissa)) < 1e-6);
            assert_true(mantissa < 3.5 || mantissa > 4.5);
            assert_true(mantissa < 5.5);
        }
    }
}

TEST(positions_are_fractions_of_the_axis)
{
    const mb_axis line = mb_axis_linear(-2.0, 6.0, 0.0), log = mb_axis_log(0.01, 100.0);
    assert_true(mb_axis_position(&line, -2.0) == 0.0 && mb_axis_position(&line, 6.0) == 1.0);
    assert_true(mb_axis_position(&line, 0.0) == 0.25 && mb_axis_position(&line, 8.0) == 1.25);
    assert_true(mb_axis_position(&log, 0.01) == 0.0 && mb_axis_position(&log, 100.0) == 1.0);
    assert_true(fabs(mb_axis_position(&log, 1.0) - 0.5) < 1e-15);
    assert_true(mb_axis_position(&log, 0.0) == 0.0 && mb_axis_position(&log, -1.0) == 0.0);
}
