#include "train_defaults.h"

#include "cli.h"

#include <stdint.h>

double *mb_train_strength(int key, mb_augmentation *augmentation, const char **name)
{
    switch (key) {
    case KEY_ROTATE:
        *name = "--rotate";
        return &augmentation->rotate;
    case KEY_SCALE:
        *name = "--scale";
        return &augmentation->scale;
    case KEY_SHEAR:
        *name = "--shear";
        return &augmentation->shear;
    case KEY_SHIFT:
        *name = "--shift";
        return &augmentation->shift;
    case KEY_ELASTIC_ALPHA:
        *name = "--elastic-alpha";
        return &augmentation->elastic_alpha;
    default:
        *name = "--elastic-sigma";
        return &augmentation->elastic_sigma;
    }
}

/* Of the options whose default hangs on the optimizer. */
static char *with_defaults_of_each(int key, const char *text)
{
    const mb_training_options sgd = mb_training_defaults(MB_OPTIMIZER_SGD),
                              adam = mb_training_defaults(MB_OPTIMIZER_ADAM),
                              adamw = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    static const char all[] = "sgd %g, adam %g, adamw %g", adams[] = "adam %g, adamw %g";
    switch (key) {
    case KEY_LR:
        return mb_help_default(text, all, sgd.lr, adam.lr, adamw.lr);
    case KEY_WEIGHT_DECAY:
        return mb_help_default(text, all, sgd.weight_decay, adam.weight_decay, adamw.weight_decay);
    case KEY_LABEL_SMOOTHING:
        return mb_help_default(text, all, sgd.label_smoothing, adam.label_smoothing,
                               adamw.label_smoothing);
    case KEY_MOMENTUM:
        return mb_help_default(text, "%g", sgd.momentum);
    case KEY_BETA1:
        return mb_help_default(text, adams, adam.beta1, adamw.beta1);
    default:
        return mb_help_default(text, adams, adam.beta2, adamw.beta2);
    }
}

static char *with_default_strength(int key, const char *text, mb_augmentation augmentation)
{
    const char *name;
    return mb_help_default(text, "%g", *mb_train_strength(key, &augmentation, &name));
}

char *mb_train_default(int key, const char *text, const mb_train_arguments *arguments,
                       const mb_training_options *given)
{
    switch (key) {
    case KEY_DATA:
        return mb_help_default_data(text);
    case KEY_THREADS:
        return mb_help_default_threads(text);
    case KEY_NETWORK:
        return mb_help_default(text, "%s", arguments->network);
    case KEY_OUT:
        return mb_help_default(text, "%s", arguments->out);
    case KEY_CHECKPOINT_EVERY:
        return mb_help_default(text, "%s", arguments->checkpoint_every);
    case KEY_RESUME:
    case KEY_TENSORBOARD:
        return mb_help_default(text, "none");
    case KEY_VALIDATION:
        return mb_help_default(text, "%zu", given->validation);
    case KEY_PATIENCE:
        return mb_help_default(text, "%zu", given->patience);
    case KEY_EPOCHS:
        return mb_help_default(text, "%zu", given->epochs);
    case KEY_BATCH_SIZE:
        return mb_help_default(text, "%zu", given->batch_size);
    case KEY_SEED:
        return mb_help_default(text, "%zu", (size_t)given->seed);
    case KEY_OPTIMIZER:
        return mb_help_default(text, "%s", mb_optimizer_name(given->optimizer));
    case KEY_EMA:
        return mb_help_default(text, "%g", given->ema);
    case KEY_SCHEDULE:
        return mb_help_default(text, "%s", mb_schedule_name(given->schedule));
    case KEY_AUGMENT:
        return mb_help_default(text, "%s", mb_augmentation_name(given->augmentation.kind));
    case KEY_ROTATE:
    case KEY_SCALE:
    case KEY_SHEAR:
    case KEY_SHIFT:
    case KEY_ELASTIC_ALPHA:
    case KEY_ELASTIC_SIGMA:
        return with_default_strength(key, text, given->augmentation);
    case KEY_PLAIN_EPOCHS:
        return mb_help_default(text, "%zu", given->augmentation.plain_epochs);
    case KEY_LR:
    case KEY_MOMENTUM:
    case KEY_BETA1:
    case KEY_BETA2:
    case KEY_WEIGHT_DECAY:
    case KEY_LABEL_SMOOTHING:
        return with_defaults_of_each(key, text);
    default:
        return (char *)(uintptr_t)text;
    }
}
