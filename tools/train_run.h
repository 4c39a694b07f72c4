/* A training run of the program. */
#ifndef MB_TOOLS_TRAIN_RUN_H
#define MB_TOOLS_TRAIN_RUN_H

#include "output.h"
#include "progress.h"
#include "resume.h"

typedef struct mb_train_run {
    mb_train_arguments arguments;
    mb_checkpoint *from; /* to resume; NULL: a new run */
    mb_machine *machine;
    mb_dataset *dataset;
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
} mb_train_run;

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
