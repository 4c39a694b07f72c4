/* Minimum, median and maximum of measurements. */
#ifndef MB_CORE_SPREAD_H
#define MB_CORE_SPREAD_H

#include <stddef.h>

typedef struct mb_spread {
    double min, median, max;
} mb_spread;

/* Of `count` values, at least 1, which are sorted. */
mb_spread mb_spread_of(double *values, size_t count);

#endif
