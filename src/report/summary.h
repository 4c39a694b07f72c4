/* A run as JSON: summary.json, and metrics.jsonl with a line an epoch. */
#ifndef MB_REPORT_SUMMARY_H
#define MB_REPORT_SUMMARY_H

#include "core/status.h"

#include <mnist_blas/machine.h>
#include <mnist_blas/training.h>

/* Digits that tell two doubles of interest apart without printing noise. */
enum { MB_SUMMARY_DIGITS = 9 };

/* All that a summary tells. Nothing in it is owned. */
typedef struct mb_run {
    const char
        *data; /* the folder as given; NULL: drawn digits, which the summary calls "synthetic" */
    const mb_network *network;
    const mb_machine_info *machine;
    const mb_training_options *options;
    const mb_epoch_metrics *epochs; /* (options->epochs) */
} mb_run;

/* "sgd", "adam", "adamw"; "constant", "cosine", "onecycle"; "off", "affine", "elastic": as the
 * options spell them. */
const char *mb_optimizer_name(mb_optimizer_kind kind);
const char *mb_augmentation_name(mb_augmentation_kind kind);
const char *mb_schedule_name(mb_schedule_kind kind);

/* Seconds of all training phases, and the epochs' samples per second: least, median, most. */
double mb_run_seconds(const mb_run *run);
typedef struct mb_spread {
    double min, median, max;
} mb_spread;
mb_status mb_run_speed(const mb_run *run, mb_spread *speed, mb_error *error);

/* Write FOLDER/summary.json and FOLDER/metrics.jsonl, each whole or not at all. MB_IO, MB_MEMORY.
 */
mb_status mb_summary_write(const mb_run *run, const char *folder, mb_error *error);
mb_status mb_metrics_write(const mb_run *run, const char *folder, mb_error *error);

#endif
