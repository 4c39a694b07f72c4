#include "report/axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Ranges narrower than this share of their numbers would need labels that no one reads. */
static const double narrowest = 1e-9;
static const double rounding = 1e-9;

/* Numbers this small are as good as 0, and their powers of ten are out of reach. */
static const double nothing = 1e-150;

/* "1e-07" becomes "1e-7", "2e+06" becomes "2e6". */
static void shorten_exponent(char *label)
{
    char *end = strchr(label, 'e');
    if (end == NULL)
        return;
    char *digits = end + 2 + strspn(end + 2, "0");
    end += end[1] == '-' ? 2 : 1;
    memmove(end, digits, strlen(digits) + 1);
}

/* Plain where numbers of that size are usually plain. */
static bool is_plain(double size) { return size >= 1e-4 && size < 1e6; }

/* A label for `tick`, whose last digit of interest stands for 10^unit. */
static void write_label(char label[MB_LABEL], double tick, int unit, bool plain)
{
    if (tick == 0.0) {
        snprintf(label, MB_LABEL, "0");
    } else if (plain) {
        snprintf(label, MB_LABEL, "%.*f", unit < 0 ? -unit : 0, tick);
    } else {
        const int digits = (int)floor(log10(fabs(tick)) + rounding) - unit + 1;
        snprintf(label, MB_LABEL, "%.*e", digits > 1 ? digits - 1 : 0, tick);
        shorten_exponent(label);
    }
}

/* Ticks at the multiples of mantissa * 10^unit. */
static void place_linear(mb_axis *axis, int mantissa, int unit)
{
    const double step = (double)mantissa * pow(10.0, unit);
    const double first = ceil(axis->least / step - rounding);
    const double last = floor(axis->most / step + rounding);
    const bool plain = is_plain(fmax(fabs(first), fabs(last)) * step);
    axis->ticks = 0;
    for (double k = first; k <= last && axis->ticks < MB_MAX_TICKS; k++) {
        double tick = k * (double)mantissa;
        tick = unit < 0 ? tick / pow(10.0, -unit) : tick * pow(10.0, unit);
        write_label(axis->label[axis->ticks], tick, unit, plain);
        axis->tick[axis->ticks++] = tick;
    }
}

static double count_linear(const mb_axis *axis, double step)
{
    return floor(axis->most / step + rounding) - ceil(axis->least / step - rounding) + 1.0;
}

mb_axis mb_axis_linear(double least, double most, double least_step)
{
    static const int mantissas[] = {1, 2, 5};
    mb_axis axis = {.least = least, .most = most};
    const double size = fmax(fabs(least), fabs(most));
    if (size < nothing) {
        axis.least = 0.0;
        axis.most = 1.0;
    } else if (most - least <= narrowest * size) {
        axis.least = least - 0.1 * size;
        axis.most = most + 0.1 * size;
    }
    /* the first step with few enough ticks; the one before had 9 or more, so this one has 3 */
    const int unit = (int)floor(log10(axis.most - axis.least)) - 1;
    for (int i = 0; axis.ticks == 0; i++) {
        const double step = mantissas[i % 3] * pow(10.0, unit + i / 3);
        if (count_linear(&axis, step) <= MB_MAX_TICKS && step >= least_step * (1.0 - rounding))
            place_linear(&axis, mantissas[i % 3], unit + i / 3);
        if (step > size && step > least_step && step > axis.most - axis.least)
            break; /* a least step beyond the whole range: no ticks */
    }
    return axis;
}

/* Ticks of one pattern of mantissas, in every `stride`-th decade; how many they are, of which the
 * first MB_MAX_TICKS are kept. */
static size_t place_log(mb_axis *axis, const int *mantissas, size_t count, int stride)
{
    size_t ticks = 0;
    const int first = (int)floor(log10(axis->least) - rounding);
    const int last = (int)floor(log10(axis->most) + rounding);
    for (int decade = first; decade <= last; decade++) {
        for (size_t i = 0; i < count && decade % stride == 0; i++) {
            const double tick = decade < 0 ? (double)mantissas[i] / pow(10.0, -decade)
                                           : (double)mantissas[i] * pow(10.0, decade);
            if (tick < axis->least * (1.0 - rounding) || tick > axis->most * (1.0 + rounding))
                continue;
            if (ticks < MB_MAX_TICKS) {
                axis->tick[ticks] = tick;
                write_label(axis->label[ticks], tick, decade, is_plain(tick));
            }
            ticks++;
        }
    }
    axis->ticks = ticks < MB_MAX_TICKS ? ticks : MB_MAX_TICKS;
    return ticks;
}

mb_axis mb_axis_log(double least, double most)
{
    static const int three[] = {1, 2, 5}, two[] = {1, 3};
    mb_axis axis = {.least = least, .most = most, .log = true};
    if (most < 10.0 * least) {
        const double middle = sqrt(least) * sqrt(most);
        axis.least = middle / sqrt(10.0);
        axis.most = middle * sqrt(10.0);
    }
    if (place_log(&axis, three, 3, 1) <= MB_MAX_TICKS ||
        place_log(&axis, two, 2, 1) <= MB_MAX_TICKS)
        return axis;
    for (int stride = 1; place_log(&axis, three, 1, stride) > MB_MAX_TICKS; stride++)
        continue;
    return axis;
}

double mb_axis_position(const mb_axis *axis, double value)
{
    if (!axis->log)
        return (value - axis->least) / (axis->most - axis->least);
    if (value <= axis->least)
        return 0.0;
    return log(value / axis->least) / log(axis->most / axis->least);
}
