/* The figures of a comparison. Each function draws one into *figure and fills in name, title, text,
 * size and bytes; the caller frees text and bytes. MB_ERROR_UNAVAILABLE: no font is installed;
 * MB_ERROR_MEMORY. */
#ifndef MB_REPORT_COMPARISON_FIGURES_H
#define MB_REPORT_COMPARISON_FIGURES_H

#include "report/figures.h"

#include <mnist_blas/comparison.h>

/* Loss and accuracy by epoch, of the first runs, this many at most. */
enum { MB_MAX_CURVES = 10 };
mb_status mb_draw_curves(const mb_comparison *comparison, mb_figure *figure, mb_error *error);

/* Test images that one network of a pair classifies correctly and the other does not. */
mb_status mb_draw_disagreements(const mb_comparison *comparison, const mb_run_pair *pair,
                                mb_figure *figure, mb_error *error);

#endif
