/* A line through noise. */
#ifndef MB_REPORT_SMOOTH_H
#define MB_REPORT_SMOOTH_H

#include <stddef.h>

/* smooth (count): at each of `values` (count), the value there of the straight line that fits its
 * neighbours best, weighted by a Gaussian of their distance (local linear regression: Cleveland,
 * "Robust locally weighted regression", 1979). A straight line stays as it is up to its ends, and
 * nothing leaves the range of the neighbours. The Gaussian is count/80 points wide, and narrower
 * near the beginning, where a loss falls fastest. */
void mb_smooth(const double *values, size_t count, double *smooth);

#endif
