/* A comparison, for those who print and draw it. */
#ifndef MB_REPORT_COMPARISON_H
#define MB_REPORT_COMPARISON_H

#include "core/arena.h"
#include "core/digest.h"

#include <jansson.h>
#include <mnist_blas/comparison.h>

/* The values of all runs, (runs), as JSON; NULL: the run has none. */
typedef struct mb_value_column {
    const json_t **of_runs;
    bool descending; /* the best one is the largest */
} mb_value_column;

/* What a run's network predicts for the test images, and with what probability. */
typedef struct mb_run_predictions {
    mb_digest split;
    uint8_t *classes; /* (images); NULL: it has not classified them */
    float *confidences;
} mb_run_predictions;

typedef struct mb_comparison_storage {
    mb_comparison comparison;
    mb_arena arena;
    const mb_stored_run **runs; /* (runs) */
    mb_compared_value *values;  /* those of `comparison`, which may be changed */
    mb_value_column *columns;   /* (value_count) */
    mb_run_pair *pairs;
    const char **excluded;
    mb_run_predictions *predictions; /* (runs) */
    const mb_dataset *dataset;       /* of run 0; NULL: it is not classified */
} mb_comparison_storage;

/* True if the network of `run` predicts the class of the test image. */
bool mb_comparison_is_right(const mb_comparison *comparison, size_t run, size_t image);

/* The comparison as JSON; NULL if memory runs out. */
json_t *mb_comparison_object(const mb_comparison *comparison);

#endif
