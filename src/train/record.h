/* What a training run has come to so far: what its report is drawn from, and what a checkpoint
 * keeps. */
#ifndef MB_TRAIN_RECORD_H
#define MB_TRAIN_RECORD_H

#include "core/status.h"
#include "train/loss_curve.h"

#include <mnist_blas/training.h>

typedef struct mb_record {
    mb_epoch_metrics *epochs; /* (finished) filled as they come */
    size_t finished;
    mb_loss_curve curve; /* of the finished epochs */
} mb_record;

/* An empty record with room for `epochs` epochs; mb_record_close frees it. MB_MEMORY. */
mb_status mb_record_open(size_t epochs, mb_record *record, mb_error *error);

/* Adds a finished epoch, and the mean losses of its steps. */
void mb_record_add(mb_record *record, const mb_epoch_metrics *metrics, const float *step_loss,
                   size_t steps);

/* The index of the finished epoch with the highest validation accuracy, the first of those alike.
 * There must be one. */
size_t mb_record_best(const mb_record *record);

/* Frees what it holds; {0} is fine. */
void mb_record_close(mb_record *record);

#endif
