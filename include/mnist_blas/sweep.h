/* Sweeps: runs that differ in some options, their table, and which to train. */
#ifndef MNIST_BLAS_SWEEP_H
#define MNIST_BLAS_SWEEP_H

#include <mnist_blas/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- which combinations to train ---- */

enum { MB_MAX_COMBINATIONS = 10000 };

/* Chooses `count` of the combinations 0 .. total - 1 at random, without repetition, in ascending
 * order: Knuth, "The art of computer programming", volume 2, algorithm S. The same seed gives the
 * same ones. count <= total <= MB_MAX_COMBINATIONS; chosen: (count). */
MB_API void mb_sample_combinations(size_t total, size_t count, uint64_t seed, size_t *chosen);

/* A rung of successive halving: its best configurations are trained with more epochs in the next.
 */
typedef struct mb_rung {
    size_t configurations, epochs;
} mb_rung;

enum { MB_HALVING_RATE = 3, MB_MAX_RUNGS = 9 };

/* The rungs of successive halving (Li et al., "Hyperband", 2018): each has a third of the
 * configurations of the one before and three times its epochs, rounded down, up to `epochs` in the
 * last. There are as many as both numbers, at least 1 and at most MB_MAX_COMBINATIONS and
 * MB_MAX_EPOCHS, allow. Returns their number. */
MB_API size_t mb_halving_rungs(size_t configurations, size_t epochs, mb_rung rungs[MB_MAX_RUNGS]);

/* ---- the runs ---- */

/* The metric that ranks runs, never one of the test images. */
typedef enum mb_sweep_metric {
    MB_SWEEP_BY_ACCURACY, /* on the validation images */
    MB_SWEEP_BY_LOSS,     /* on the validation images */
    MB_SWEEP_BY_NOTHING   /* runs stay in their order */
} mb_sweep_metric;

typedef enum mb_sweep_state { MB_SWEEP_WAITING, MB_SWEEP_FINISHED, MB_SWEEP_FAILED } mb_sweep_state;

typedef struct mb_sweep_run {
    const char *name;          /* its folder in that of the sweep */
    const char *const *values; /* (options) as a command line has them */
    size_t rung;               /* of successive halving, from 0; else 0 */
    mb_sweep_state state;
    const char *failure; /* of a failed run: why; else NULL */
    /* Of a finished run. */
    size_t epochs;                               /* trained */
    double validation_accuracy, validation_loss; /* NaN without validation images */
    double seconds;                              /* of training */
    bool has_report;                             /* report.html */
} mb_sweep_run;

/* The caller owns everything in it. */
typedef struct mb_sweep {
    const char *command;        /* shell command, of what decides which runs there are */
    const char *resume;         /* the same with the folder: goes on with the sweep */
    const char *const *options; /* (option_count) names of the options that vary */
    size_t option_count;
    mb_sweep_run *runs; /* (run_count) */
    size_t run_count;
    mb_sweep_metric by;
} mb_sweep;

/* Runs that differ in the option "seed" only. Means are those of the finished runs, NaN without
 * one. */
typedef struct mb_sweep_configuration {
    size_t first; /* number of its first run */
    size_t finished, failed;
    double validation_accuracy, validation_loss, seconds;
    double accuracy_deviation, loss_deviation; /* sample standard deviations; NaN below two runs */
} mb_sweep_configuration;

/* Ranks the configurations of the runs that have ended, best first: those without a failed run
 * before the others, those of later rungs before the others, equal ones in the order of their runs.
 * With `each_run`, each run is a configuration of its own. *ranked, (*count), is on the heap; the
 * caller frees it. MB_ERROR_MEMORY. */
MB_API mb_status mb_sweep_rank(const mb_sweep *sweep, bool each_run,
                               mb_sweep_configuration **ranked, size_t *count, mb_error *error);

/* "lr 0.003, network mlp": the values of a run, without that of "seed" if `configuration`. Cut off
 * at `size`. Returns `text`. */
MB_API char *mb_sweep_describe(const mb_sweep *sweep, const mb_sweep_run *run, bool configuration,
                               char *text, size_t size);

/* ---- the files of a sweep's folder ---- */

/* Makes the folder, which exists, that of the sweep, by FOLDER/sweep.json with the command.
 * MB_ERROR_INVALID: it is that of a sweep with another command; MB_ERROR_IO; MB_ERROR_FORMAT:
 * sweep.json is not that of a sweep; MB_ERROR_MEMORY. */
MB_API mb_status mb_sweep_claim(const char *folder, const char *command, mb_error *error);

/* Reads the result of the run in FOLDER/NAME into *run, whose name is set, if there is a whole one
 * of a run that this command repeats; else leaves *run as it is. The program's name, with which
 * commands begin, does not matter. MB_ERROR_MEMORY. */
MB_API mb_status mb_sweep_read_run(const char *folder, const char *command, mb_sweep_run *run,
                                   mb_error *error);

/* Writes FOLDER/sweep.csv (RFC 4180, lines end with LF), whole or not at all: a line per run that
 * has ended, in the order of the runs, with the columns run, those of the options, state,
 * epochs_trained, validation_accuracy, validation_loss, seconds and failure; unknown values are
 * empty. MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_sweep_write(const mb_sweep *sweep, const char *folder, mb_error *error);

/* Writes FOLDER/sweep.html, whole or not at all: the runs, sorted, and of each option a picture of
 * its effect. MB_ERROR_UNAVAILABLE: no MB_FEATURE_REPORT, or no font is installed; MB_ERROR_IO;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_sweep_report(const mb_sweep *sweep, const char *folder, mb_error *error);

#ifdef __cplusplus
}
#endif
#endif
