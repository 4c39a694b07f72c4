/* How fast one set of threads trains: what a tuner compares. */
#ifndef MB_TRAIN_TUNE_H
#define MB_TRAIN_TUNE_H

#include "core/status.h"

#include <mnist_blas/training.h>

/* What is to be trained while the clock runs. */
typedef struct mb_speed_trial {
    const mb_dataset *dataset;
    const char *network; /* a spec */
    mb_training_options options;
    size_t samples; /* training images of a measurement, at most all */
} mb_speed_trial;

/* Opens a machine as asked, trains a new network on the first `samples` images, one epoch to warm
 * up and one that is timed, and closes all of it. *seconds is that epoch's training phase. Errors
 * as of mb_machine_open, mb_network_open and mb_train. */
mb_status mb_speed_trial_run(const mb_speed_trial *job, const mb_machine_options *machine,
                             double *seconds, mb_error *error);

#endif
