/* A run as JSON: summary.json, and metrics.jsonl with a line an epoch. */
#ifndef MB_REPORT_SUMMARY_H
#define MB_REPORT_SUMMARY_H

#include "core/spread.h"
#include "core/status.h"
#include "report/format.h"
#include <mnist_blas/options.h>

#include <mnist_blas/checkpoint.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/training.h>

/* Digits that tell two doubles of interest apart without printing noise. */
enum { MB_SUMMARY_DIGITS = 9 };

/* The epoch, from 1, and how many of its steps were done. */
typedef struct mb_run_position {
    size_t epoch, step;
} mb_run_position;

/* All that a summary tells. Nothing in it is owned. An interrupted run may have no epoch; what is
 * told of the one that is kept is null then. */
typedef struct mb_run {
    const char
        *data; /* the folder as given; NULL: drawn digits, which the summary calls "synthetic" */
    const mb_network *network;
    const mb_machine_info *machine;
    const mb_training_options *options; /* its epochs: those that are finished */
    const mb_epoch_metrics *epochs;     /* (options->epochs) */
    const mb_epoch_metrics
        *selected; /* of the epoch after which the network was as it is: the last, or
                    * with patience the best; NULL: no epoch is finished */
    const mb_checkpoint_costs *checkpoints; /* NULL: none were asked for */
    const mb_run_position *interrupted;     /* where a signal ended it; NULL: it is whole */
} mb_run;

/* Seconds of all training phases, and the epochs' samples per second: least, median, most
 * (NaN without an epoch). */
double mb_run_seconds(const mb_run *run);
mb_status mb_run_speed(const mb_run *run, mb_spread *speed, mb_error *error);

/* "7 epochs", "7 epochs (epoch 5 is kept)": for sentences. Returns `text`. */
enum { MB_RUN_LENGTH = 2 * MB_COUNTED_LENGTH };
char *mb_format_run_length(const mb_run *run, char text[MB_RUN_LENGTH]);

/* Write FOLDER/summary.json and FOLDER/metrics.jsonl, each whole or not at all. MB_ERROR_IO,
 * MB_ERROR_MEMORY.
 */
mb_status mb_summary_write(const mb_run *run, const char *folder, mb_error *error);
mb_status mb_metrics_write(const mb_run *run, const char *folder, mb_error *error);

#endif
