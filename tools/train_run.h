/* A training run of the program. */
#ifndef MB_TOOLS_TRAIN_RUN_H
#define MB_TOOLS_TRAIN_RUN_H

#include "output.h"
#include "progress.h"
#include "resume.h"

typedef struct mb_train_run {
    mb_train_arguments arguments;
    mb_checkpoint *from; /* to resume; NULL: a new run */
    mb_ranks *ranks;     /* that train together; rank 0 prints and writes; NULL: one process */
    size_t ranks_without_data; /* that got rank 0's */
    mb_machine *machine;
    mb_dataset *dataset;
    bool shares_inputs; /* machine and dataset are the caller's, and stay open */
    mb_network *network;
    mb_evaluation *evaluation; /* of the finished network */
    mb_training_events events;
    mb_trainer *trainer;
    char *command;       /* that repeats the run; NULL before its end, and if memory is out */
    char *start;         /* the folder in which the program was started; NULL: not known */
    int lock;            /* of the run folder */
    char *checkpoint;    /* path of the file to write */
    bool has_checkpoint; /* that file is of this run */
    mb_run_notes notes;
    mb_tensorboard *board; /* NULL: not requested */
    char *board_folder;
    mb_output output, errors; /* stdout and stderr */
    mb_progress_view view;
    int signal; /* that stopped it; 0: none */
    /* Asked about 20 times per second, as signals are: true stops training. NULL: never. */
    bool (*stop)(void *context);
    void *stop_context;
    bool stopped;                      /* before all epochs were trained */
    double asked_at, longest_interval; /* seconds; of the questions whether to stop, over ranks */
} mb_train_run;

/* Reads the dataset that the arguments name, with the run's machine. As mb_data_open_or_synthesize
 * and mb_dataset_set_form. */
mb_status mb_train_open_data(mb_train_run *run, mb_error *error);

/* Opens the run's machine, dataset and network, with all ranks. */
mb_status mb_train_open_inputs(mb_train_run *run, mb_error *error);

/* Rank 0 prints and writes files. */
bool mb_train_is_first_rank(const mb_train_run *run);

/* MB_ERROR_INVALID if options or network do not suit the run's dataset; MB_ERROR_MEMORY. */
mb_status mb_train_check(const mb_train_run *run, mb_error *error);

/* Trains as the arguments say, and writes the run folder. run->lock is -1 before, run->output and
 * run->errors are open. A run that was stopped has saved a checkpoint, and has not failed. */
mb_status mb_train_execute(mb_train_run *run, mb_error *error);

/* Frees what the run has opened, and its arguments and checkpoint. */
void mb_train_close(mb_train_run *run);

/* Tests learning rates instead of training: prints which to take, and draws lr_find.png in the run
 * folder. As mb_lr_find and mb_lr_find_draw. */
mb_status mb_train_find_lr(mb_train_run *run, mb_error *error);

/* Prints data, network, options and machine, and where a resumed run goes on. */
void mb_train_print_beginning(mb_train_run *run);

/* Prints the result of a run that has finished. MB_ERROR_MEMORY. */
mb_status mb_train_print_end(mb_train_run *run, const mb_run *result, mb_error *error);

/* One line on stderr: where the run stopped, and the command that resumes it. */
void mb_train_print_interruption(mb_train_run *run);

#endif
