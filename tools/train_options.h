/* The arguments of `train`. */
#ifndef MB_TOOLS_TRAIN_OPTIONS_H
#define MB_TOOLS_TRAIN_OPTIONS_H

#include "cli.h"

typedef struct mb_train_arguments {
    const char *data, *network, *out;
    const char *resume;           /* a checkpoint; NULL: a run from its beginning */
    const char *checkpoint_every; /* never, epoch, steps, or both with a comma */
    size_t checkpoint_steps;      /* its value in steps; 0: not by steps */
    bool checkpoint_epochs;
    bool synthetic;       /* trains on the synthetic digits that the checkpoint began with */
    bool epochs_extended; /* resumed with more epochs, and not as if it had begun with them */
    size_t threads;       /* 0: not given */
    unsigned ground;      /* of mb_ground_choices */
    unsigned standardize; /* MB_STANDARDIZE_AUTO, ... */
    mb_data_options reading;
    const char *tensorboard; /* folder of event files; NULL: none */
    const char *resumed_out; /* run folder of the checkpoint; NULL: none is resumed */
    char *owned[2];          /* texts of a resumed run */
    bool quiet, no_report, lr_find;
    mb_training_options training;
} mb_train_arguments;

/* Options of data and network that no other table has: of mb_train_arguments. */
extern const mb_option mb_train_model_options[];

/* Sets all of mb_train_arguments. */
void mb_train_set_defaults(void *arguments);

/* Parses the command line. Options not given are as in `base` or, if that is NULL, default, with
 * the chosen optimizer. Ends the program for --help and the like. MB_ERROR_INVALID. */
mb_status mb_train_arguments_parse(int argc, char **argv, const mb_train_arguments *base,
                                   mb_train_arguments *arguments, mb_error *error);

/* Frees the texts of a resumed run; {0} is fine. */
void mb_train_arguments_free(mb_train_arguments *arguments);

/* Runs the command; in train.c. */
int mb_train_main(int argc, char **argv);

#endif
