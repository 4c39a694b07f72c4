/* The data of a report, for its figures and its page. */
#ifndef MB_REPORT_REPORT_H
#define MB_REPORT_REPORT_H

#include "core/status.h"

#include <mnist_blas/evaluation.h>
#include <mnist_blas/history.h>
#include <mnist_blas/report.h>

/* All members are borrowed. */
typedef struct mb_report {
    const mb_run *run;
    const mb_dataset *dataset;       /* whose test split was classified */
    const mb_evaluation *evaluation; /* of the test split */
    const float *probabilities;      /* (test images, classes) */
    const char *command;             /* a shell command that repeats the run */
} mb_report;

#endif
