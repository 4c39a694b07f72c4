/* Learning rate by step. */
#ifndef MB_NN_SCHEDULE_H
#define MB_NN_SCHEDULE_H

#include <mnist_blas/training.h>

/* The learning rate of step number `step` (from 0) of `steps`, the whole run's. */
double mb_schedule_lr(const mb_training_options *options, size_t step, size_t steps);

#endif
