/* Event files for TensorBoard: a file a run, a record an epoch. */
#ifndef MB_REPORT_TENSORBOARD_H
#define MB_REPORT_TENSORBOARD_H

#include "core/status.h"

#include <mnist_blas/training.h>

typedef struct mb_tensorboard mb_tensorboard;

/* Starts a new file in `folder`, which is there, and closes it with mb_tensorboard_close. Unlike
 * other files this one grows under its name, so that TensorBoard shows a run while it goes on: each
 * record has its length and checksum, is written at once, and readers stop before one that is not
 * whole. MB_ERROR_UNAVAILABLE: no MB_FEATURE_TENSORBOARD; MB_ERROR_IO; MB_ERROR_MEMORY. */
mb_status mb_tensorboard_open(const char *folder, mb_tensorboard **board, mb_error *error);

/* Adds loss, accuracies, learning rate and samples per second of an epoch. What goes wrong is kept
 * for mb_tensorboard_close, and nothing is added any more; NULL is fine. */
void mb_tensorboard_add(mb_tensorboard *board, const mb_epoch_metrics *metrics);

/* Closes the file and frees; NULL is fine. The first error of the calls before, MB_ERROR_IO or
 * MB_ERROR_MEMORY: the file then holds the records before that. */
mb_status mb_tensorboard_close(mb_tensorboard *board, mb_error *error);

#endif
