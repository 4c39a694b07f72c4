#include "nn/optimizer.h"
#include "test.h"

#include <math.h>
#include <mnist_blas/options.h>

static mb_training_options options_of(mb_optimizer_kind kind)
{
    return (mb_training_options){.optimizer = kind,
                                 .momentum = 0.8,
                                 .nesterov = true,
                                 .weight_decay = 0.01,
                                 .beta1 = 0.9,
                                 .beta2 = 0.99,
                                 .epsilon = 1e-7};
}

TEST(each_kind_has_its_kernel)
{
    const mb_kernels *kernels = mb_kernels_best();
    mb_training_options options = options_of(MB_OPTIMIZER_SGD);
    assert_true(mb_optimizer_kernel(&options, kernels) == kernels->sgd);
    options = options_of(MB_OPTIMIZER_ADAM);
    assert_true(mb_optimizer_kernel(&options, kernels) == kernels->adam);
    options = options_of(MB_OPTIMIZER_ADAMW);
    assert_true(mb_optimizer_kernel(&options, kernels) == kernels->adam);
}

/* The learning rate is unchanged at every step; weight decay is added to the gradient. */
TEST(sgd_has_no_bias_to_correct)
{
    const mb_training_options options = options_of(MB_OPTIMIZER_SGD);
    for (size_t step = 0; step < 3; step++) {
        const mb_update update = mb_optimizer_update(&options, 0.5, step);
        assert_true(update.lr == 0.5f);
        assert_true(update.decay_factor == 1.0f);
        assert_true(update.l2 == 0.01f);
        assert_true(update.momentum == 0.8f);
        assert_true(update.nesterov);
    }
}

/* With m and v the moments, PyTorch's step is
 * lr * (m / (1 - beta1^t)) / (sqrt(v) / sqrt(1 - beta2^t) + epsilon), t from 1. */
TEST(adam_corrects_the_moments_bias)
{
    static const size_t steps[] = {0, 1, 9, 999, 1000000};
    const mb_training_options options = options_of(MB_OPTIMIZER_ADAM);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const double t = (double)steps[i] + 1.0;
        const mb_update update = mb_optimizer_update(&options, 0.001, steps[i]);
        assert_true(update.lr == (float)(0.001 / (1.0 - pow(0.9, t))));
        assert_true(update.inv_sqrt_correction2 == (float)(1.0 / sqrt(1.0 - pow(0.99, t))));
        assert_true(update.decay_factor == 1.0f);
        assert_true(update.l2 == 0.01f);
        assert_true(update.epsilon == 1e-7f);
        assert_true(update.beta1 == 0.9f && update.beta2 == 0.99f);
    }
    const mb_update first = mb_optimizer_update(&options, 0.001, 0);
    assert_true(fabsf(first.lr - 0.01f) < 1e-8f);                   /* 0.001 / 0.1 */
    assert_true(fabsf(first.inv_sqrt_correction2 - 10.0f) < 1e-5f); /* 1 / sqrt(0.01) */
}

/* 1 - beta is computed in double: (float)1 - (float)0.999 has a relative error of 4e-5. */
TEST(what_is_left_of_the_betas_is_exact)
{
    mb_training_options options = options_of(MB_OPTIMIZER_ADAM);
    options.beta2 = 0.999;
    const mb_update update = mb_optimizer_update(&options, 1.0, 4);
    assert_true(update.one_minus_beta1 == (float)(1.0 - 0.9));
    assert_true(update.one_minus_beta2 == (float)(1.0 - 0.999));
}

TEST(adamw_decays_apart_from_the_gradient)
{
    const mb_training_options options = options_of(MB_OPTIMIZER_ADAMW);
    const mb_update update = mb_optimizer_update(&options, 0.5, 7);
    assert_true(update.decay_factor ==
                (float)(1.0 - 0.5 * 0.01)); /* by the learning rate without bias correction */
    assert_true(update.l2 == 0.0f);
    assert_true(update.lr == (float)(0.5 / (1.0 - pow(0.9, 8.0))));
}

TEST(without_decay_weights_are_kept_whole)
{
    for (mb_optimizer_kind kind = MB_OPTIMIZER_SGD; kind < mb_optimizer_names.count; kind++) {
        mb_training_options options = options_of(kind);
        options.weight_decay = 0.0;
        const mb_update update = mb_optimizer_update(&options, 0.5, 3);
        assert_true(update.decay_factor == 1.0f);
        assert_true(update.l2 == 0.0f);
    }
}

/* Betas of 0 give sign descent, not a division by 0. */
TEST(betas_may_be_0)
{
    mb_training_options options = options_of(MB_OPTIMIZER_ADAM);
    options.beta1 = options.beta2 = 0.0;
    const mb_update update = mb_optimizer_update(&options, 0.25, 0);
    assert_true(update.lr == 0.25f);
    assert_true(update.inv_sqrt_correction2 == 1.0f);
    assert_true(update.one_minus_beta1 == 1.0f && update.one_minus_beta2 == 1.0f);
}
