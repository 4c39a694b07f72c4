/* An evaluation as text. */
#ifndef MB_TOOLS_EVALUATE_PRINT_H
#define MB_TOOLS_EVALUATE_PRINT_H

#include <mnist_blas/evaluation.h>
#include <mnist_blas/robustness.h>

/* Prints accuracy, scores per class, and the confusion matrix or, if that is wider than `width`
 * columns, the classes confused most often. Classes are named by their numbers if `names` is NULL.
 */
void mb_evaluation_print_text(const mb_evaluation *evaluation, const char *const *names,
                              const char *model, size_t width);

/* Prints the accuracies, a table of two lines for each kind of distortion. */
void mb_robustness_print_text(const mb_robustness *robustness);

#endif
