/* The picture of an option's effect. */
#ifndef MB_REPORT_SWEEP_EFFECT_H
#define MB_REPORT_SWEEP_EFFECT_H

#include "report/figures.h"

#include <mnist_blas/sweep.h>

/* Draws the error of each finished run of the sweep (of its first rung, with halving) over its
 * value of an option, and the mean of each value; values are in ascending order, or as they come if
 * they are not numbers. figure->format is set. MB_ERROR_UNAVAILABLE: no font is installed;
 * MB_ERROR_MEMORY. */
mb_status mb_draw_sweep_effect(const mb_sweep *sweep, size_t option, mb_figure *figure,
                               mb_error *error);

#endif
