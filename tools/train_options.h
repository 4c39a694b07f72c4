/* The options of `train`. */
#ifndef MB_TOOLS_TRAIN_OPTIONS_H
#define MB_TOOLS_TRAIN_OPTIONS_H

#include "cli.h"

typedef struct mb_train_arguments {
    const char *data, *network, *out;
    size_t threads;          /* 0: not given */
    const char *tensorboard; /* folder of event files; NULL: none */
    bool quiet, no_report;
    mb_training_options training;
} mb_train_arguments;

/* From the command line, with the defaults filled in. Ends the program for --help and the like.
 * MB_INVALID. */
mb_status mb_train_arguments_parse(int argc, char **argv, mb_train_arguments *arguments,
                                   mb_error *error);

#endif
