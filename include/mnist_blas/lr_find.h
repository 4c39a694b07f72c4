/* Which learning rate suits a network, its data and its optimizer: the learning-rate range test. */
#ifndef MNIST_BLAS_LR_FIND_H
#define MNIST_BLAS_LR_FIND_H

#include <mnist_blas/dataset.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/network.h>
#include <mnist_blas/training.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MB_LR_FIND_STEPS = 300 };

typedef struct mb_lr_find_result {
    size_t count; /* steps that were made, up to MB_LR_FIND_STEPS */
    /* (count) learning rate of each step, loss of its batch before the update, and the same
     * smoothed, in nats. */
    double lr[MB_LR_FIND_STEPS], loss[MB_LR_FIND_STEPS], smoothed[MB_LR_FIND_STEPS];
    double steepest_lr;  /* learning rate at which the smoothed loss falls fastest */
    double min_loss_lr;  /* learning rate of the least smoothed loss */
    double suggested_lr; /* half of `min_loss_lr` */
} mb_lr_find_result;

/* Trains `network` with the optimizer, batch size, loss and augmentation of `options`, while the
 * learning rate grows by the same factor from step to step, from 1e-6 to 10; ends early when the
 * loss has passed four times its minimum, or is not finite (Smith, "Cyclical learning rates for
 * training neural networks", 2017). Learning rate, schedule, epochs, patience, moving average and
 * plain epochs of `options` do not count; held-out images are not trained on. The network, which
 * should be as mb_network_initialise leaves it, is of no use afterwards.
 * MB_ERROR_DIVERGED: the loss falls at no learning rate; statuses of mb_trainer_open. */
MB_API mb_status mb_lr_find(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                            const mb_training_options *options, mb_lr_find_result *result,
                            mb_error *error);

/* Draws the losses over the learning rates into the PNG file `path`. MB_ERROR_UNAVAILABLE: this
 * build cannot draw, or no font is installed; MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_lr_find_draw(const mb_lr_find_result *result, const char *path,
                                 mb_error *error);

#ifdef __cplusplus
}
#endif
#endif
