/* Learning-rate schedules. */
#ifndef MB_NN_SCHEDULE_H
#define MB_NN_SCHEDULE_H

#include <mnist_blas/training.h>

/* The learning rate of step `step` (from 0) of the run's `steps`. */
double mb_schedule_lr(const mb_training_options *options, size_t step, size_t steps);

/* The learning rate of step `step` of the schedule plateau, which decays over the steps decay_from
 * .. decay_from + decay_steps - 1. */
double mb_schedule_plateau_lr(const mb_training_options *options, size_t step, size_t decay_from,
                              size_t decay_steps);

#endif
