/* An evaluation as JSON. */
#ifndef MB_REPORT_SCORES_H
#define MB_REPORT_SCORES_H

#include <jansson.h>
#include <mnist_blas/evaluation.h>

/* "macro", "class_scores" and "confusion": means over the classes, an object per class, with its
 * "name" and before all "class_names" unless `names` is NULL, a row per true class. A class without
 * images has null scores. NULL if memory runs out. */
json_t *mb_scores_object(const mb_evaluation *evaluation, const char *const *names);

#endif
