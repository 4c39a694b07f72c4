/* Ranks that train together have the same run: options, data, kernels and state. Tiles are cut by
 * these; ranks that differed would send each other parts that do not fit. */
#ifndef MB_TRAIN_RANK_CHECK_H
#define MB_TRAIN_RANK_CHECK_H

#include "train/trainer.h"

/* Called by all ranks together, before the first step. MB_ERROR_INVALID on all, with the first
 * difference of the first rank whose run is not that of rank 0; MB_ERROR_MEMORY. */
mb_status mb_trainer_check_ranks(mb_trainer *trainer, mb_error *error);

#endif
