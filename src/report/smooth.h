/* Smoothing of noisy values. */
#ifndef MB_REPORT_SMOOTH_H
#define MB_REPORT_SMOOTH_H

#include <stddef.h>

/* Local linear regression with Gaussian weights (Cleveland, "Robust locally weighted regression",
 * 1979): smooth[i] is the value at i of the straight line that fits values[i]'s neighbours best.
 * Straight lines stay as they are up to their ends, and results stay within the range of the
 * neighbours. The Gaussian is count/80 values wide, and narrower near the beginning, where a loss
 * falls fastest. Both arrays: (count). */
void mb_smooth(const double *values, size_t count, double *smooth);

#endif
