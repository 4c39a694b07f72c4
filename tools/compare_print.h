/* A comparison as text. */
#ifndef MB_TOOLS_COMPARE_PRINT_H
#define MB_TOOLS_COMPARE_PRINT_H

#include <mnist_blas/comparison.h>

/* Prints results and options that differ, a row per run, and the pairs. Columns that are wider
 * together than `width` are printed below each other. */
void mb_comparison_print_text(const mb_comparison *comparison, size_t width);

#endif
