#include "nn/optimizer.h"

#include <math.h>
#include <stddef.h>

/* Properties of the optimizers, by mb_optimizer_kind. */
static const struct optimizer {
    size_t kernel;        /* offset of its mb_update_fn in mb_kernels */
    bool corrects_bias;   /* of the moments */
    bool decouples_decay; /* weight decay acts on the weights, not on the gradient */
} optimizers[] = {
    [MB_OPTIMIZER_SGD] = {.kernel = offsetof(mb_kernels, sgd)},
    [MB_OPTIMIZER_ADAM] = {.kernel = offsetof(mb_kernels, adam), .corrects_bias = true},
    [MB_OPTIMIZER_ADAMW] = {.kernel = offsetof(mb_kernels, adam),
                            .corrects_bias = true,
                            .decouples_decay = true},
    [MB_OPTIMIZER_LION] = {.kernel = offsetof(mb_kernels, lion), .decouples_decay = true},
};

mb_update_fn *mb_optimizer_kernel(const mb_training_options *options, const mb_kernels *kernels)
{
    const size_t offset = optimizers[options->optimizer].kernel;
    return *(mb_update_fn *const *)(const void *)((const char *)kernels + offset);
}

mb_update mb_optimizer_update(const mb_training_options *options, double lr, size_t step)
{
    const struct optimizer *optimizer = &optimizers[options->optimizer];
    const double decay = options->weight_decay, t = (double)step + 1.0;
    const double correction1 = 1.0 - pow(options->beta1, t);
    const double correction2 = 1.0 - pow(options->beta2, t);
    return (mb_update){
        .lr = (float)(optimizer->corrects_bias ? lr / correction1 : lr),
        .decay_factor = optimizer->decouples_decay ? (float)(1.0 - lr * decay) : 1.0f,
        .l2 = optimizer->decouples_decay ? 0.0f : (float)decay,
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
