/* Learning-rate schedules. */
#ifndef MB_NN_SCHEDULE_H
#define MB_NN_SCHEDULE_H

#include <mnist_blas/training.h>

/* The learning rate of step `step` (from 0) of the run's `steps`. */
double mb_schedule_lr(const mb_training_options *options, size_t step, size_t steps);

#endif
