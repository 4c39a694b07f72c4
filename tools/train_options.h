/* The options of `train`. */
#ifndef MB_TOOLS_TRAIN_OPTIONS_H
#define MB_TOOLS_TRAIN_OPTIONS_H

#include "cli.h"

typedef struct mb_train_arguments {
    const char *data, *network, *out;
    const char *resume;           /* a checkpoint; NULL: a run from its beginning */
    const char *checkpoint_every; /* as given: never, epoch, steps, or both with a comma */
    size_t checkpoint_steps;      /* what it says; 0: not at steps */
    bool checkpoint_epochs;
    bool synthetic;       /* digits, which the checkpoint began with; nothing else is looked for */
    bool epochs_extended; /* was given more epochs than it began with, and is not as if it had begun
                             so */
    size_t threads;       /* 0: not given */
    const char *tensorboard; /* folder of event files; NULL: none */
    bool quiet, no_report;
    mb_training_options training;
} mb_train_arguments;

/* From the command line, with what is not given as in `base`; NULL: with the defaults. Ends the
 * program for --help and the like. MB_ERROR_INVALID. */
mb_status mb_train_arguments_parse(int argc, char **argv, const mb_train_arguments *base,
                                   mb_train_arguments *arguments, mb_error *error);

#endif
