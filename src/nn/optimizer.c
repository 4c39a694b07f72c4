#include "nn/optimizer.h"

#include <math.h>

mb_update_fn *mb_optimizer_kernel(const mb_training_options *options, const mb_kernels *kernels)
{
    return options->optimizer == MB_OPTIMIZER_SGD ? kernels->sgd : kernels->adam;
}

mb_update mb_optimizer_update(const mb_training_options *options, double lr, size_t step)
{
    const double decay = options->weight_decay, t = (double)step + 1.0;
    const double correction1 = 1.0 - pow(options->beta1, t);
    const double correction2 = 1.0 - pow(options->beta2, t);
    const bool decoupled = options->optimizer == MB_OPTIMIZER_ADAMW;
    return (mb_update){
        .lr = (float)(options->optimizer == MB_OPTIMIZER_SGD ? lr : lr / correction1),
        .decay_factor = decoupled ? (float)(1.0 - lr * decay) : 1.0f,
        .l2 = decoupled ? 0.0f : (float)decay,
        .momentum = (float)options->momentum,
        .nesterov = options->nesterov,
        .beta1 = (float)options->beta1,
        .beta2 = (float)options->beta2,
        .one_minus_beta1 = (float)(1.0 - options->beta1),
        .one_minus_beta2 = (float)(1.0 - options->beta2),
        .inv_sqrt_correction2 = (float)(1.0 / sqrt(correction2)),
        .epsilon = (float)options->epsilon,
        .ema_rate = (float)(1.0 - fmin(options->ema, t / (t + 9.0))),
    };
}
