/* The runs of a sweep: which there are, and how each is trained. */
#ifndef MB_TOOLS_SWEEP_PLAN_H
#define MB_TOOLS_SWEEP_PLAN_H

#include "sweep_options.h"
#include "train_run.h"

typedef struct mb_planned_run {
    size_t configuration; /* number of the combination of values, except those of --seed */
    size_t seed;          /* number of the value of --seed */
    size_t epochs;        /* of its rung; 0: as the options say */
    char *name, *folder;  /* of the run folder: its own, and with that of the sweep */
    const char **values;  /* (options of the sweep) */
    char *epochs_text;    /* with --halving */
    char *command;        /* that repeats the run; NULL before mb_sweep_plan_check */
    unsigned deaths;      /* of processes that trained it */
    bool taken;           /* by a process */
    size_t rank;          /* if taken: of that process */
} mb_planned_run;

typedef struct mb_sweep_plan {
    const mb_sweep_arguments *arguments;
    const mb_sweep_axis *varying[MB_MAX_OPTIONS]; /* (sweep.option_count, less epochs of rungs) */
    const char *names[MB_MAX_OPTIONS];            /* (sweep.option_count) */
    size_t varying_count, seeds;
    mb_rung rungs[MB_MAX_RUNGS];
    size_t rung_count, rung; /* the one in progress */
    size_t rung_start;       /* its first run */
    mb_planned_run *planned; /* (sweep.run_count), with room for all rungs */
    mb_sweep sweep;          /* their results */
    char *command, *resume;
} mb_sweep_plan;

/* Writes the command of the sweep on the data in `data` (NULL: synthetic digits), with all that
 * decides which runs there are, and the one that goes on with it. MB_ERROR_MEMORY. */
mb_status mb_sweep_plan_command(mb_sweep_plan *plan, const char *data, mb_error *error);

/* A run as `train` has it. */
enum { MB_MAX_RUN_WORDS = MB_MAX_OPTIONS + 8 };
typedef struct mb_run_arguments {
    char *words[MB_MAX_RUN_WORDS +
                1]; /* its command line, ended by NULL; all but the first on the heap */
    int word_count;
    mb_train_arguments train; /* with texts of the words */
    mb_checkpoint *from;      /* to resume; NULL: a new run */
} mb_run_arguments;

/* Plans the runs, with halving those of the first rung. *plan is the caller's in any case, for
 * mb_sweep_plan_close. MB_ERROR_INVALID: too many runs; MB_ERROR_MEMORY. */
mb_status mb_sweep_plan_open(const mb_sweep_arguments *arguments, mb_sweep_plan *plan,
                             mb_error *error);

/* The arguments of `train` for run `number`. With `resumes`, those that resume it from the
 * checkpoint in its folder, if there is one of that run. *run is the caller's in any case, for
 * mb_run_arguments_free. MB_ERROR_INVALID: options that do not go together; MB_ERROR_MEMORY. */
mb_status mb_sweep_plan_arguments(const mb_sweep_plan *plan, size_t number, bool resumes,
                                  mb_run_arguments *run, mb_error *error);

/* Frees the words, the arguments and the checkpoint. */
void mb_run_arguments_free(mb_run_arguments *run);

/* Checks the runs of the rung in progress with the dataset and, of the first rung, the machine of
 * `inputs`. To be called before they are read or trained. As mb_sweep_plan_arguments and
 * mb_train_check; also MB_ERROR_INVALID if --by has nothing to choose by. */
mb_status mb_sweep_plan_check(mb_sweep_plan *plan, const mb_train_run *inputs, mb_error *error);

/* Reads results that are there already. MB_ERROR_MEMORY. */
mb_status mb_sweep_plan_read(mb_sweep_plan *plan, mb_error *error);

/* Begins the next rung, without a run. */
void mb_sweep_plan_begin_rung(mb_sweep_plan *plan);

/* Adds the runs of a configuration to the rung in progress. MB_ERROR_MEMORY. */
mb_status mb_sweep_plan_add(mb_sweep_plan *plan, size_t configuration, mb_error *error);

/* Plans the next rung, of the best configurations of this one; *any is false if there is none.
 * MB_ERROR_MEMORY. */
mb_status mb_sweep_plan_next_rung(mb_sweep_plan *plan, bool *any, mb_error *error);

void mb_sweep_plan_close(mb_sweep_plan *plan);

#endif
