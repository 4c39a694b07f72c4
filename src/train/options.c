#include "train/options.h"

#include <math.h>

const char *mb_optimizer_name(mb_optimizer_kind kind)
{
    static const char *const names[] = {
        [MB_OPTIMIZER_SGD] = "sgd", [MB_OPTIMIZER_ADAM] = "adam", [MB_OPTIMIZER_ADAMW] = "adamw"};
    return names[kind];
}

const char *mb_schedule_name(mb_schedule_kind kind)
{
    static const char *const names[] = {[MB_SCHEDULE_CONSTANT] = "constant",
                                        [MB_SCHEDULE_COSINE] = "cosine",
                                        [MB_SCHEDULE_ONECYCLE] = "onecycle"};
    return names[kind];
}

const char *mb_augmentation_name(mb_augmentation_kind kind)
{
    static const char *const names[] = {[MB_AUGMENT_NONE] = "off",
                                        [MB_AUGMENT_AFFINE] = "affine",
                                        [MB_AUGMENT_ELASTIC] = "elastic"};
    return names[kind];
}

mb_training_options mb_training_defaults(mb_optimizer_kind optimizer)
{
    mb_training_options options = {
        .epochs = 5,
        .batch_size = 64,
        .optimizer = optimizer,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
        .momentum = 0.9,
        .schedule = MB_SCHEDULE_ONECYCLE,
        .augmentation = {.rotate = 10.0,
                         .scale = 0.1,
                         .shear = 0.1,
                         .shift = 2.0,
                         .elastic_alpha =
                             20.0, /* the paper, without an affine map below it, has 34 for MNIST */
                         .elastic_sigma = 4.0},
        .seed = 1,
    };
    switch (optimizer) {
    case MB_OPTIMIZER_SGD:
        options.lr = 0.1;
        options.weight_decay = 1e-4;
        break;
    case MB_OPTIMIZER_ADAM:
        options.lr = 4e-3;
        break;
    case MB_OPTIMIZER_ADAMW:
        /* Of the grids over rates, decays, betas and smoothing, the best on 10,000 held-out MNIST
         * images. */
        options.lr = 5e-3;
        options.weight_decay = 0.1;
        options.beta2 = 0.98;
        options.label_smoothing = 0.03;
        break;
    }
    return options;
}

static mb_status check_augmentation(const mb_augmentation *augmentation, size_t epochs,
                                    mb_error *error)
{
    const mb_augmentation *a = augmentation;
    if (!(a->rotate >= 0.0 && a->rotate <= 180.0))
        return mb_fail(error, MB_ERROR_INVALID, "rotate: %g is not in 0 to 180 degrees", a->rotate);
    if (!(a->scale >= 0.0 && a->scale <= 0.9))
        return mb_fail(error, MB_ERROR_INVALID, "scale: %g is not in 0 to 0.9", a->scale);
    if (!(a->shear >= 0.0 && a->shear <= 2.0))
        return mb_fail(error, MB_ERROR_INVALID, "shear: %g is not in 0 to 2", a->shear);
    if (!(a->shift >= 0.0 && a->shift <= 1000.0))
        return mb_fail(error, MB_ERROR_INVALID, "shift: %g is not in 0 to 1000 pixels", a->shift);
    if (!(a->elastic_alpha >= 0.0 && a->elastic_alpha <= 1e4))
        return mb_fail(error, MB_ERROR_INVALID, "elastic alpha: %g is not in 0 to 10000 pixels",
                       a->elastic_alpha);
    if (!(a->elastic_sigma >= 0.1 && a->elastic_sigma <= 100.0))
        return mb_fail(error, MB_ERROR_INVALID, "elastic sigma: %g is not in 0.1 to 100 pixels",
                       a->elastic_sigma);
    if (a->plain_epochs > epochs)
        return mb_fail(error, MB_ERROR_INVALID, "plain epochs: %zu is not in 0 to %zu, the epochs",
                       a->plain_epochs, epochs);
    return MB_OK;
}

/* All comparisons are false for NaN, so each range is asked for and its opposite refused. */
mb_status mb_training_options_check(const mb_training_options *options, size_t samples,
                                    mb_error *error)
{
    const mb_training_options *o = options;
    if (o->epochs < 1 || o->epochs > MB_MAX_EPOCHS)
        return mb_fail(error, MB_ERROR_INVALID, "epochs: %zu is not in 1 to %d", o->epochs,
                       MB_MAX_EPOCHS);
    if (o->validation >= samples)
        return mb_fail(error, MB_ERROR_INVALID, "validation: %zu images cannot be held out of %zu",
                       o->validation, samples);
    if (o->batch_size < 1 || o->batch_size > samples - o->validation)
        return mb_fail(error, MB_ERROR_INVALID,
                       "batch size: %zu is not in 1 to %zu, the training images", o->batch_size,
                       samples - o->validation);
    if (o->patience > 0 && o->validation == 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "patience: %zu needs images held out to tell which epoch is best: "
                       "validation is 0",
                       o->patience);
    if (!(o->lr > 0.0 && o->lr <= 1e6))
        return mb_fail(error, MB_ERROR_INVALID, "learning rate: %g is not in 0 (excluded) to 1e6",
                       o->lr);
    if (!(o->momentum >= 0.0 && o->momentum < 1.0))
        return mb_fail(error, MB_ERROR_INVALID, "momentum: %g is not in 0 to 1 (excluded)",
                       o->momentum);
    if (!(o->weight_decay >= 0.0 && o->weight_decay <= 1e6))
        return mb_fail(error, MB_ERROR_INVALID, "weight decay: %g is not in 0 to 1e6",
                       o->weight_decay);
    if (!(o->beta1 >= 0.0 && o->beta1 < 1.0) || !(o->beta2 >= 0.0 && o->beta2 < 1.0))
        return mb_fail(error, MB_ERROR_INVALID,
                       "betas: %g and %g are not both in 0 to 1 (excluded)", o->beta1, o->beta2);
    if (!(o->label_smoothing >= 0.0 && o->label_smoothing < 1.0))
        return mb_fail(error, MB_ERROR_INVALID, "label smoothing: %g is not in 0 to 1 (excluded)",
                       o->label_smoothing);
    if (!(o->ema >= 0.0 && o->ema < 1.0))
        return mb_fail(error, MB_ERROR_INVALID, "ema: %g is not in 0 to 1 (excluded)", o->ema);
    if (!(o->epsilon > 0.0 && isfinite(o->epsilon)))
        return mb_fail(error, MB_ERROR_INVALID, "epsilon: %g is not above 0", o->epsilon);
    return check_augmentation(&o->augmentation, o->epochs, error);
}
