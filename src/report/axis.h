/* The ticks of an axis and their labels. */
#ifndef MB_REPORT_AXIS_H
#define MB_REPORT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum { MB_MIN_TICKS = 3, MB_MAX_TICKS = 8, MB_LABEL = 32 };

typedef struct mb_axis {
    double min, max; /* of the data, min < max */
    bool log;
    size_t ticks;
    double tick[MB_MAX_TICKS]; /* ascending, within min .. max except for rounding */
    char label[MB_MAX_TICKS][MB_LABEL];
} mb_axis;

/* A linear axis; min and max are finite and below 1e150 in size. Ticks are multiples of 1, 2 or 5
 * times a power of ten that is at least `min_step` (0: any), 3 to 8 of them if that allows. A range
 * that is too narrow for its values becomes a tenth of them wide to either side, 0 to 0 becomes 0
 * to 1. */
mb_axis mb_axis_linear(double min, double max, double min_step);

/* A logarithmic axis, 0 < min; at least a decade wide. Ticks are 1, 2 and 5 in each decade, or 1
 * and 3, or 1, or 1 in every second decade, third, ...: the first of these that gives at most 8. */
mb_axis mb_axis_log(double min, double max);

/* Position of a value along the axis: 0 at min, 1 at max. Values below the min of a logarithmic
 * axis are at 0. */
double mb_axis_position(const mb_axis *axis, double value);

#endif
