/* What a training run has come to so far: what its report is drawn from, and what a checkpoint
 * keeps. */
#ifndef MB_TRAIN_HISTORY_H
#define MB_TRAIN_HISTORY_H

#include "core/status.h"
#include "train/loss_curve.h"

#include <mnist_blas/training.h>

typedef struct mb_history {
    mb_epoch_metrics *epochs; /* (finished) filled as they come */
    size_t finished;
    mb_loss_curve curve; /* of the finished epochs */
} mb_history;

/* An empty record with room for `epochs` epochs; mb_history_close frees it. MB_ERROR_MEMORY. */
mb_status mb_history_open(size_t epochs, mb_history *record, mb_error *error);

/* Adds a finished epoch, and the mean losses of its steps. */
void mb_history_add(mb_history *record, const mb_epoch_metrics *metrics, const float *step_loss,
                    size_t steps);

/* The index of the finished epoch with the highest validation accuracy, the first of those alike.
 * There must be one. */
size_t mb_history_best(const mb_history *record);

/* Frees what it holds; {0} is fine. */
void mb_history_close(mb_history *record);

#endif
