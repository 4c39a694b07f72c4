/* A sweep that is trained: by processes of this rank, and by those of other ranks. */
#ifndef MB_TOOLS_SWEEP_TRAINING_H
#define MB_TOOLS_SWEEP_TRAINING_H

#include "sweep_plan.h"
#include "sweep_print.h"
#include "workers.h"

/* What rank 0 knows of another one. */
typedef struct mb_sweep_other {
    bool ready;        /* takes runs */
    bool given_up;     /* its runs are those of others */
    bool left;         /* has no processes any more */
    size_t jobs, busy; /* runs at a time, and in progress */
    size_t rung;       /* the last one that it has been told */
    double heard;      /* when its last message came, in seconds; 0: never */
} mb_sweep_other;

typedef struct mb_sweep_training {
    mb_sweep_arguments arguments;
    mb_sweep_plan plan;
    mb_run_arguments first; /* of run 0, whose data all have */
    mb_train_run inputs;    /* machine and dataset; in a process its own machine */
    uint64_t read_seed;     /* with which the dataset was read */
    mb_sweep_output output;
    size_t jobs, place; /* runs at a time of this rank, and where among the cores of the computer */
    int lock;           /* of the folder */
    int signal;         /* that stops the sweep, here or on another rank; 0: none */
    mb_ranks *ranks;    /* NULL: this process alone */
    bool all_left;      /* all ranks have ended their work, and can be waited for */
    /* Of rank 0. */
    mb_sweep_other *others; /* (ranks); its own is not used. NULL: this process alone */
    bool stopping;          /* others have been told to end their work */
    double reported;        /* when others were told that this rank lives, in seconds */
} mb_sweep_training;

/* How long this process waits for jobs to end, before it looks for messages and signals. */
int mb_sweep_wait_ms(const mb_sweep_training *sweep);

/* True if a signal has come that stops the sweep. */
bool mb_sweep_is_stopped(mb_sweep_training *sweep);

/* ---- in a process of the pool; in sweep_worker.c ---- */

/* Locks the folder, after the processes of a sweep that was killed have saved their work. False:
 * they do not end, or this process is to end. *lock is for mb_folder_unlock. */
bool mb_sweep_lock(const char *folder, int *lock);

/* Trains a run, unless it is finished. context: the mb_sweep_training. As mb_train_execute. */
mb_status mb_sweep_train(void *context, size_t process, size_t number, mb_error *error);

/* ---- in the first process; in sweep.c ---- */

/* The number of a run of the rung in progress that nobody trains; from now on that rank does.
 * False: there is none. */
bool mb_sweep_next_run(mb_sweep_training *sweep, size_t rank, size_t *number);

/* The end of a run, whose result, if it is finished, is in sweep.runs. As mb_sweep_write. */
mb_status mb_sweep_end_run(mb_sweep_training *sweep, const mb_job_end *end, mb_error *error);

/* ---- rank 0 and the others; in sweep_first_rank.c. Without ranks these have no effect. ---- */

/* Waits until the other ranks have read the data, at most some seconds: they may join later.
 * MB_ERROR_MEMORY; errors of the others. */
mb_status mb_sweep_others_open(mb_sweep_training *sweep, mb_error *error);

/* Runs at a time, of all ranks. */
size_t mb_sweep_all_jobs(const mb_sweep_training *sweep);

/* Receives what other ranks report, and hands out runs. *busy: they have runs in progress. A rank
 * that is silent for some seconds is given up: its runs are handed out again. MB_ERROR_MEMORY;
 * errors of others, and of mb_sweep_end_run. */
mb_status mb_sweep_others_step(mb_sweep_training *sweep, bool *busy, mb_error *error);

/* Tells the others to end their work. */
void mb_sweep_others_stop(mb_sweep_training *sweep);

/* Waits for that. To be called in any case once ranks are open and all have agreed on that. */
void mb_sweep_others_close(mb_sweep_training *sweep);

/* ---- the other ranks; in sweep_other_rank.c ---- */

/* Trains the runs that rank 0 hands out. `status`, `error`: of what was prepared. Returns the exit
 * code. */
int mb_sweep_follow(mb_sweep_training *sweep, mb_status status, const mb_error *error);

#endif
