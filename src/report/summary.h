/* A run as JSON: summary.json, which is also the model of the page, and the lines of
 * metrics.jsonl. */
#ifndef MB_REPORT_SUMMARY_H
#define MB_REPORT_SUMMARY_H

#include "core/status.h"

#include <jansson.h>
#include <mnist_blas/report.h>

/* Both NULL if memory runs out; the caller has the reference. */
json_t *mb_summary_object(const mb_run *run);
json_t *mb_metrics_object(const mb_epoch_metrics *epoch);

#endif
