/* The keys of train's options, and what --help says of their defaults. */
#ifndef MB_TOOLS_TRAIN_DEFAULTS_H
#define MB_TOOLS_TRAIN_DEFAULTS_H

#include "train_options.h"

enum {
    KEY_DATA = 256,
    KEY_NETWORK,
    KEY_EPOCHS,
    KEY_BATCH_SIZE,
    KEY_OPTIMIZER,
    KEY_LR,
    KEY_MOMENTUM,
    KEY_NESTEROV,
    KEY_BETA1,
    KEY_BETA2,
    KEY_WEIGHT_DECAY,
    KEY_SCHEDULE,
    KEY_LABEL_SMOOTHING,
    KEY_EMA,
    KEY_VALIDATION,
    KEY_PATIENCE,
    KEY_SEED,
    KEY_AUGMENT,
    KEY_ROTATE,
    KEY_SCALE,
    KEY_SHEAR,
    KEY_SHIFT,
    KEY_ELASTIC_ALPHA,
    KEY_ELASTIC_SIGMA,
    KEY_PLAIN_EPOCHS,
    KEY_THREADS,
    KEY_OUT,
    KEY_CHECKPOINT_EVERY,
    KEY_RESUME,
    KEY_TENSORBOARD,
    KEY_NO_REPORT,
    KEY_QUIET,
};

/* The strength that an option of augmentation sets; *name becomes the option's. */
double *mb_train_strength(int key, mb_augmentation *augmentation, const char **name);

/* For argp's help filter: the option's text with its default after it, taken from where the program
 * takes it: the arguments, or `given`, the training options before any is read. */
char *mb_train_default(int key, const char *text, const mb_train_arguments *arguments,
                       const mb_training_options *given);

#endif
