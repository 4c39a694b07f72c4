/* What training options may be. */
#ifndef MB_TRAIN_OPTIONS_H
#define MB_TRAIN_OPTIONS_H

#include "core/status.h"

#include <mnist_blas/training.h>

/* The most epochs of a run. */
enum { MB_MAX_EPOCHS = 1000000 };

/* "sgd", "adam", "adamw"; "constant", "cosine", "onecycle"; "off", "affine", "elastic": as the
 * options spell them. */
const char *mb_optimizer_name(mb_optimizer_kind kind);
const char *mb_schedule_name(mb_schedule_kind kind);
const char *mb_augmentation_name(mb_augmentation_kind kind);

/* MB_ERROR_INVALID, with the option's name, where one is out of range for `samples` training
 * images. */
mb_status mb_training_options_check(const mb_training_options *options, size_t samples,
                                    mb_error *error);

#endif
