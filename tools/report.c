/* mnist_blas report RUN */
#include "data.h"
#include "resume.h"
#include "run_folder.h"
#include "train_command.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct report_arguments {
    const char *data;
    size_t threads;
} report_arguments;

static const mb_option options[] = {
    MB_OPTION_DATA("Options:", offsetof(report_arguments, data), "the four IDX files"),
    MB_OPTION_THREADS("Options:", offsetof(report_arguments, threads)),
    {0},
};

/* A run as its checkpoint has it. */
typedef struct stored_run {
    mb_train_arguments arguments;
    mb_checkpoint *checkpoint;
    mb_machine *machine;
    mb_dataset *dataset;
    mb_network *network;
    mb_trainer *trainer;
    int lock;
} stored_run;

static mb_status open_data(stored_run *run, mb_error *error)
{
    mb_status status = run->arguments.synthetic
                           ? mb_data_synthesize(run->machine, &run->dataset, error)
                           : mb_data_open(run->arguments.data, MB_SPLIT_TRAIN | MB_SPLIT_TEST,
                                          &run->dataset, error);
    if (status == MB_OK)
        status =
            mb_dataset_set_form(run->dataset, mb_checkpoint_describe(run->checkpoint)->form, error);
    return status == MB_OK ? mb_checkpoint_check_data(run->checkpoint, run->dataset, error)
                           : status;
}

static mb_status open_run(stored_run *run, size_t threads, mb_error *error)
{
    const mb_machine_options machine_options = {.threads = threads};
    mb_status status = mb_run_folder_open(run->arguments.out, &run->lock, error);
    if (status == MB_OK)
        status = mb_machine_open(&machine_options, &run->machine, error);
    if (status == MB_OK)
        status = open_data(run, error);
    if (status == MB_OK)
        status = mb_checkpoint_network(run->checkpoint, run->machine,
                                       mb_images_shape(&run->dataset->train.images),
                                       run->dataset->classes, &run->network, error);
    if (status == MB_OK)
        status = mb_trainer_open(run->machine, run->network, run->dataset, &run->arguments.training,
                                 NULL, &run->trainer, error);
    return status == MB_OK ? mb_trainer_restore(run->trainer, run->checkpoint, error) : status;
}

static mb_status write_report(stored_run *run, mb_error *error)
{
    const mb_training_position at = mb_trainer_position(run->trainer);
    const mb_run_position position = {at.epoch + 1, at.step};
    if (at.epoch == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: the run has not finished an epoch",
                       run->arguments.resume);
    mb_trainer_finalize(run->trainer);
    const mb_run result = {.dataset = run->dataset,
                           .network = run->network,
                           .machine = mb_machine_describe(run->machine),
                           .options = &run->arguments.training,
                           .history = mb_trainer_history(run->trainer),
                           .selected = mb_trainer_selected_epoch(run->trainer),
                           .interrupted = at.done ? NULL : &position};
    char *command = mb_train_command(&run->arguments, run->dataset->folder);
    const mb_status status =
        command != NULL ? mb_report_write(run->machine, &result, command, run->arguments.out, error)
                        : mb_fail_memory(error, "report", sizeof result);
    free(command);
    return status;
}

static mb_status report(const report_arguments *arguments, char *path, mb_error *error)
{
    char train[] = "train", resume[] = "--resume", data[] = "--data";
    char *given = arguments->data != NULL ? strdup(arguments->data) : NULL;
    char *argv[] = {train, resume, path, given != NULL ? data : NULL, given, NULL};
    stored_run run = {.lock = -1};
    mb_status status =
        mb_resume_parse(given != NULL ? 5 : 3, argv, &run.arguments, &run.checkpoint, error);
    if (status == MB_ERROR_IO) {
        const mb_error why = *error;
        mb_fail(error, status, "%s: a run has one if it was stopped, or with --checkpoint-every",
                why.text);
    }
    if (status == MB_OK)
        status = open_run(&run, arguments->threads, error);
    if (status == MB_OK)
        status = write_report(&run, error);
    if (status == MB_OK) {
        mb_report_warnings(MB_PROGRAM, run.machine);
        printf("report   %s/report.html\n", run.arguments.out);
    }
    mb_trainer_close(run.trainer);
    mb_folder_unlock(run.lock);
    mb_train_arguments_free(&run.arguments);
    mb_network_close(run.network);
    mb_dataset_close(run.dataset);
    mb_machine_close(run.machine);
    mb_checkpoint_close(run.checkpoint);
    free(given);
    return status;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    char *path = mb_join(operands[0], "checkpoint");
    const mb_status status =
        path != NULL ? report(arguments, path, error) : mb_fail_memory(error, operands[0], 1);
    free(path);
    return status;
}

const mb_command mb_command_report = {
    .name = "report",
    .operands = "RUN",
    .brief = "draw the report of a stopped run",
    .about = "Writes pictures and report.html of a run that was stopped, or that trained with "
             "--no-report, into its folder, which has a checkpoint.",
    .examples = "Examples:\n"
                "  mnist_blas report mnist_blas_out",
    .groups = {{options, 0}},
    .size = sizeof(report_arguments),
    .run = run,
};
