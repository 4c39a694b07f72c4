/* The arguments of `sweep`. */
#ifndef MB_TOOLS_SWEEP_OPTIONS_H
#define MB_TOOLS_SWEEP_OPTIONS_H

#include "train_options.h"

#include <mnist_blas/sweep.h>

/* An option of `train` that was given, and its values, all different. */
typedef struct mb_sweep_axis {
    const mb_option *option;
    char **values; /* (count) texts for the command line, on the heap; of a flag: "on" */
    size_t count;
} mb_sweep_axis;

typedef struct mb_sweep_arguments {
    mb_train_arguments train; /* the defaults, for help; those given are axes */
    mb_sweep_axis axes[MB_MAX_OPTIONS];
    size_t axis_count;
    const char *out, *checkpoint_every;
    size_t jobs;   /* runs at a time; 0: not given */
    size_t random; /* configurations chosen at random; 0: all */
    uint64_t sweep_seed;
    unsigned by; /* an mb_sweep_metric */
    bool halving, report, quiet;
} mb_sweep_arguments;

/* Names of the metrics of --by. */
extern const mb_enum mb_sweep_metric_names;

/* Parses the command line; *arguments is the caller's in any case, for mb_sweep_arguments_free.
 * Ends the program for --help and the like. MB_ERROR_INVALID; MB_ERROR_MEMORY. */
mb_status mb_sweep_arguments_parse(int argc, char **argv, mb_sweep_arguments *arguments,
                                   mb_error *error);

void mb_sweep_arguments_free(mb_sweep_arguments *arguments);

/* The axis of this option; NULL: it was not given. */
const mb_sweep_axis *mb_sweep_axis_of(const mb_sweep_arguments *arguments, const char *name);

/* Runs the command; in sweep.c. */
int mb_sweep_main(int argc, char **argv);

#endif
