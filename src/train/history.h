/* Recording the history of a training run (mnist_blas/history.h). */
#ifndef MB_TRAIN_HISTORY_H
#define MB_TRAIN_HISTORY_H

#include "core/status.h"

#include <mnist_blas/history.h>

/* An empty history with capacity for `epochs` epochs; mb_history_close frees it.
 * MB_ERROR_MEMORY. */
mb_status mb_history_open(size_t epochs, mb_history *history, mb_error *error);

/* Adds a finished epoch and the mean losses of its steps. */
void mb_history_add(mb_history *history, const mb_epoch_metrics *metrics, const float *step_loss,
                    size_t steps);

/* Adds the losses of the next `count` steps. */
void mb_loss_curve_add(mb_loss_curve *curve, const float *losses, size_t count);

/* The index of the finished epoch with the highest validation accuracy, the earliest on ties. There
 * must be one. */
size_t mb_history_best(const mb_history *history);

/* The number of epochs after which `patience` of them had not improved the validation accuracy for
 * the first time; SIZE_MAX: not yet. */
size_t mb_history_plateau(const mb_history *history, size_t patience);

/* Frees; {0} is fine. */
void mb_history_close(mb_history *history);

#endif
