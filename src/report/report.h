/* The report of a run: pictures, and a page that shows them. */
#ifndef MB_REPORT_REPORT_H
#define MB_REPORT_REPORT_H

#include "report/summary.h"

#include <mnist_blas/dataset.h>
#include <mnist_blas/evaluation.h>

/* The contents of a report. Nothing in it is owned. */
typedef struct mb_report {
    const mb_run *run;
    const mb_dataset *dataset;       /* whose test split was classified */
    const mb_evaluation *evaluation; /* of the test split */
    const float *probabilities;      /* (test images, classes) */
    const mb_loss_curve *curve;
    const char *command; /* a shell command that repeats the run */
} mb_report;

/* Writes the pictures and report.html into `folder`, each file whole or not at all, and removes
 * pictures that this run does not have. MB_ERROR_UNAVAILABLE: no MB_FEATURE_REPORT, or no font is
 * installed; MB_ERROR_IO; MB_ERROR_MEMORY. */
mb_status mb_report_write(const mb_report *report, const char *folder, mb_error *error);

#endif
