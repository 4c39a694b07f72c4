#include "core/spread.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

mb_spread mb_spread_of(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return (mb_spread){values[0], 0.5 * (values[(count - 1) / 2] + values[count / 2]),
                       values[count - 1]};
}
