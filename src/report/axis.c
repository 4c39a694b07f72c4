#include "report/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Narrower ranges, relative to their values, would need labels that no one reads. */
static const double narrowest = 1e-9;
static const double rounding = 1e-9;

/* Values this small count as 0: their powers of ten are out of reach. */
static const double nothing = 1e-150;

/* value * 10^exponent; negative powers of ten are not exact, quotients are rounded once. */
static double scale_by_ten(double value, int exponent)
{
    return exponent < 0 ? value / pow(10.0, -exponent) : value * pow(10.0, exponent);
}

/* "1e-07" becomes "1e-7", "2e+06" becomes "2e6". */
static void shorten_exponent(char *label)
{
    char *end = strchr(label, 'e');
    char *digits = end + 2 + strspn(end + 2, "0");
    end += end[1] == '-' ? 2 : 1;
    memmove(end, digits, strlen(digits) + 1);
}

/* True if values of that size are usually written without an exponent. */
static bool is_plain(double size) { return size >= 1e-4 && size < 1e6; }

/* Counts a tick and, if there is space, adds it: its last significant digit stands for 10^unit. */
static void add_tick(mb_axis *axis, double tick, int unit, bool plain)
{
    if (axis->ticks < MB_MAX_TICKS) {
        char *label = axis->label[axis->ticks];
        axis->tick[axis->ticks] = tick;
        if (tick == 0.0) {
            snprintf(label, MB_LABEL, "0");
        } else if (plain) {
            snprintf(label, MB_LABEL, "%.*f", unit < 0 ? -unit : 0, tick);
        } else {
            const int digits = (int)floor(log10(fabs(tick)) + rounding) - unit;
            snprintf(label, MB_LABEL, "%.*e", digits > 0 ? digits : 0, tick);
            shorten_exponent(label);
        }
    }
    axis->ticks++;
}

/* Ticks at the multiples of mantissa * 10^unit; counts those beyond MB_MAX_TICKS. */
static void add_linear(mb_axis *axis, int mantissa, int unit)
{
    const double step = scale_by_ten(mantissa, unit);
    const double first = ceil(axis->min / step - rounding);
    const double last = floor(axis->max / step + rounding);
    const bool plain = is_plain(fmax(fabs(first), fabs(last)) * step);
    axis->ticks = 0;
    for (double k = first; k <= last; k++)
        add_tick(axis, scale_by_ten(k * mantissa, unit), unit, plain);
}

mb_axis mb_axis_linear(double min, double max, double min_step)
{
    static const int mantissas[] = {1, 2, 5};
    mb_axis axis = {.min = min, .max = max};
    const double size = fmax(fabs(min), fabs(max));
    if (size < nothing) {
        axis.min = 0.0;
        axis.max = 1.0;
    } else if (max - min <= narrowest * size) {
        axis.min = min - 0.1 * size;
        axis.max = max + 0.1 * size;
    }
    /* the first step with few enough ticks; the one before had 9 or more, so this one has 3 */
    const int unit = (int)floor(log10(axis.max - axis.min)) - 1;
    for (int i = 0; i == 0 || axis.ticks > MB_MAX_TICKS; i++) {
        while (scale_by_ten(mantissas[i % 3], unit + i / 3) < min_step * (1.0 - rounding))
            i++;
        add_linear(&axis, mantissas[i % 3], unit + i / 3);
    }
    return axis;
}

/* Ticks of one set of mantissas in every `stride`-th decade; true if they are few enough. */
static bool add_log(mb_axis *axis, const int *mantissas, size_t count, int stride)
{
    const int first = (int)floor(log10(axis->min) - rounding);
    const int last = (int)floor(log10(axis->max) + rounding);
    axis->ticks = 0;
    for (int decade = first; decade <= last; decade++) {
        for (size_t i = 0; i < count && decade % stride == 0; i++) {
            const double tick = scale_by_ten(mantissas[i], decade);
            if (tick >= axis->min * (1.0 - rounding) && tick <= axis->max * (1.0 + rounding))
                add_tick(axis, tick, decade, is_plain(tick));
        }
    }
    return axis->ticks <= MB_MAX_TICKS;
}

mb_axis mb_axis_log(double min, double max)
{
    static const int three[] = {1, 2, 5}, two[] = {1, 3};
    mb_axis axis = {.min = min, .max = max, .log = true};
    if (max < 10.0 * min) {
        const double middle = sqrt(min) * sqrt(max);
        axis.min = middle / sqrt(10.0);
        axis.max = middle * sqrt(10.0);
    }
    if (add_log(&axis, three, 3, 1) || add_log(&axis, two, 2, 1))
        return axis;
    for (int stride = 1; !add_log(&axis, three, 1, stride); stride++)
        continue;
    return axis;
}

double mb_axis_position(const mb_axis *axis, double value)
{
    if (!axis->log)
        return (value - axis->min) / (axis->max - axis->min);
    if (value <= axis->min)
        return 0.0;
    return log(value / axis->min) / log(axis->max / axis->min);
}
