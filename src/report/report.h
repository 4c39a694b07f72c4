/* The data of a report, for its figures and its page. */
#ifndef MB_REPORT_REPORT_H
#define MB_REPORT_REPORT_H

#include "core/status.h"

#include <mnist_blas/report.h>

/* All members are borrowed. */
typedef struct mb_report {
    const mb_run *run;          /* with an evaluation */
    const float *probabilities; /* (test images, classes) */
} mb_report;

#endif
