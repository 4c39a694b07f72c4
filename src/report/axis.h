/* Where the numbers along an axis stand, and how they are written. */
#ifndef MB_REPORT_AXIS_H
#define MB_REPORT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum { MB_MIN_TICKS = 3, MB_MAX_TICKS = 8, MB_LABEL = 32 };

typedef struct mb_axis {
    double least, most; /* of the data, least < most */
    bool log;
    size_t ticks;
    double tick[MB_MAX_TICKS]; /* ascending, within least .. most but for rounding */
    char label[MB_MAX_TICKS][MB_LABEL];
} mb_axis;

/* An axis from `least` to `most`, finite and below 1e150 in size. Ticks are multiples of 1, 2 or 5
 * times a power of ten that is at least `least_step` (0: any), 3 to 8 of them where that allows.
 * A range too narrow for its numbers is made a tenth of them wide to either side; 0 to 0 becomes 0
 * to 1. */
mb_axis mb_axis_linear(double least, double most, double least_step);

/* A logarithmic axis, 0 < least; made a decade wide if it is less. Ticks are 1, 2 and 5 in each
 * decade, or 1 and 3, or 1, or 1 in every second decade, third, ...: the first that are at most 8.
 */
mb_axis mb_axis_log(double least, double most);

/* How far along the axis a value lies: 0 at `least`, 1 at `most`. On a logarithmic axis whatever is
 * below `least` lies at 0. */
double mb_axis_position(const mb_axis *axis, double value);

#endif
