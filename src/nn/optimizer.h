/* The optimizers: from options to one update. */
#ifndef MB_NN_OPTIMIZER_H
#define MB_NN_OPTIMIZER_H

#include "kernels/kernels.h"

#include <mnist_blas/training.h>

/* The kernel of options->optimizer. */
mb_update_fn *mb_optimizer_kernel(const mb_training_options *options, const mb_kernels *kernels);

/* Update `step` (from 0) at learning rate lr: bias corrections as in algorithm 1 of Kingma and Ba,
 * "Adam", 2015, with epsilon added to the corrected root as PyTorch does. */
mb_update mb_optimizer_update(const mb_training_options *options, double lr, size_t step);

#endif
