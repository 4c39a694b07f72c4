/* What summary.json has besides the members of an mb_stored_run. */
#ifndef MB_REPORT_STORED_RUN_H
#define MB_REPORT_STORED_RUN_H

#include <jansson.h>
#include <mnist_blas/report.h>

/* The object of summary.json, until the run is closed. */
const json_t *mb_stored_run_summary(const mb_stored_run *stored);

#endif
