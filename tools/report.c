/* mnist_blas report RUN */
#include "data.h"
#include "resume.h"
#include "run_data.h"
#include "run_folder.h"
#include "train_command.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct report_arguments {
    const char *data;
    size_t threads;
} report_arguments;

static const mb_option options[] = {
    MB_OPTION_DATA_UNSET("Options:", offsetof(report_arguments, data),
                         "folder or file that has the images", "those of the run"),
    MB_OPTION_THREADS("Options:", offsetof(report_arguments, threads)),
    {0},
};

/* A run as its folder has it: in a checkpoint, or, of a finished run, in summary.json,
 * metrics.jsonl and model.safetensors. */
typedef struct stored_run {
    const char *folder;
    mb_train_arguments arguments; /* of the checkpoint */
    mb_checkpoint *checkpoint;
    mb_trainer *trainer;
    mb_stored_run *stored;
    mb_machine *machine;
    mb_dataset *dataset;
    mb_network *network;
    mb_evaluation *evaluation;
    char *command;
    int lock;
} stored_run;

static mb_status open_folder(stored_run *run, size_t threads, mb_error *error)
{
    const mb_machine_options machine_options = {.threads = threads};
    const mb_status status = mb_run_folder_open(run->folder, &run->lock, error);
    return status == MB_OK ? mb_machine_open(&machine_options, &run->machine, error) : status;
}

/* ---- from the checkpoint ---- */

static mb_status read_checkpoint(stored_run *run, char *path, const char *data, mb_error *error)
{
    char train[] = "train", resume[] = "--resume", option[] = "--data";
    char *given = data != NULL ? strdup(data) : NULL;
    char *argv[] = {train, resume, path, given != NULL ? option : NULL, given, NULL};
    const mb_status status =
        mb_resume_parse(given != NULL ? 5 : 3, argv, &run->arguments, &run->checkpoint, error);
    if (status == MB_OK && data != NULL)
        run->arguments.data = data;
    free(given);
    return status;
}

static mb_status restore(stored_run *run, mb_error *error)
{
    const mb_image_form form = mb_checkpoint_describe(run->checkpoint)->form;
    mb_status status = mb_run_data_open(run->machine, run->arguments.data, run->arguments.synthetic,
                                        &run->arguments.reading, form, &run->dataset, error);
    if (status == MB_OK)
        status = mb_checkpoint_check_data(run->checkpoint, run->dataset, error);
    if (status == MB_OK)
        status = mb_checkpoint_network(run->checkpoint, run->machine,
                                       mb_images_shape(&run->dataset->train.images),
                                       run->dataset->classes, &run->network, error);
    if (status == MB_OK)
        status = mb_trainer_open(run->machine, run->network, run->dataset, &run->arguments.training,
                                 NULL, &run->trainer, error);
    if (status == MB_OK)
        status = mb_trainer_restore(run->trainer, run->checkpoint, error);
    if (status == MB_OK && mb_trainer_position(run->trainer).epoch == 0)
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: the run has not finished an epoch",
                         run->arguments.resume);
    return status;
}

/* True if summary.json describes the state in the checkpoint: its epochs took the same times. */
static bool is_described(const mb_run *summary, const mb_run *checkpoint)
{
    const mb_history *one = summary->history, *other = checkpoint->history;
    const mb_run_position *at = summary->interrupted, *is_at = checkpoint->interrupted;
    bool same = one->finished == other->finished && (at == NULL) == (is_at == NULL) &&
                (at == NULL || (at->epoch == is_at->epoch && at->step == is_at->step));
    for (size_t i = 0; same && i < one->finished; i++)
        same = fabs(one->epochs[i].seconds - other->epochs[i].seconds) <
               1e-8 * other->epochs[i].seconds;
    return same;
}

static mb_status report_checkpoint(stored_run *run, mb_error *error)
{
    mb_status status = restore(run, error);
    if (status != MB_OK)
        return status;
    const mb_training_position at = mb_trainer_position(run->trainer);
    const mb_run_position position = {at.epoch + 1, at.step};
    mb_error uncalibrated = {0}; /* as after training, the report is drawn nevertheless */
    mb_trainer_finalize(run->trainer, &uncalibrated);
    run->command = mb_train_command(&run->arguments, run->dataset->folder);
    if (run->command == NULL)
        return mb_fail_memory(error, "report", sizeof *run);
    mb_run result = {.machine = mb_machine_describe(run->machine),
                     .options = &run->arguments.training,
                     .reading = &run->arguments.reading,
                     .history = mb_trainer_history(run->trainer),
                     .selected = mb_trainer_selected_epoch(run->trainer),
                     .calibration = mb_trainer_calibration(run->trainer),
                     .interrupted = at.done ? NULL : &position,
                     .command = run->command};
    if (run->stored != NULL && is_described(&run->stored->run, &result))
        result = run->stored->run;
    result.dataset = run->dataset;
    result.network = run->network;
    status = mb_report_write(run->machine, &result, run->folder, error);
    if (status == MB_OK && uncalibrated.status != MB_OK)
        *error = uncalibrated;
    return status == MB_OK ? uncalibrated.status : status;
}

/* ---- from summary.json and the model ---- */

static mb_status report_summary(stored_run *run, const char *data, mb_error *error)
{
    mb_run result = run->stored->run;
    mb_error why;
    if (result.interrupted != NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: the run was stopped, and has no checkpoint",
                       run->folder);
    mb_status status = mb_run_model_open(run->machine, run->folder, run->stored, data,
                                         &run->network, &run->dataset, error);
    if (status == MB_OK)
        status = mb_training_options_check(result.options, run->dataset, error);
    if (status == MB_OK)
        status =
            mb_evaluate(run->machine, run->network, &run->dataset->test, &run->evaluation, error);
    if (status != MB_OK)
        return status;
    status = mb_stored_run_check(run->stored, mb_machine_describe(run->machine), run->dataset,
                                 run->evaluation, &why);
    if (status != MB_OK)
        return mb_fail(error, status, "%s: %s", run->folder, why.text);
    result.dataset = run->dataset;
    result.network = run->network;
    result.evaluation = run->evaluation;
    return mb_report_write(run->machine, &result, run->folder, error);
}

/* ---- the command ---- */

static void close_run(stored_run *run)
{
    mb_trainer_close(run->trainer);
    mb_folder_unlock(run->lock);
    mb_stored_run_close(run->stored);
    mb_train_arguments_free(&run->arguments);
    mb_evaluation_free(run->evaluation);
    mb_network_close(run->network);
    mb_dataset_close(run->dataset);
    mb_machine_close(run->machine);
    mb_checkpoint_close(run->checkpoint);
    free(run->command);
}

static mb_status report(const report_arguments *arguments, const char *folder, char *checkpoint,
                        mb_error *error)
{
    stored_run run = {.folder = folder, .lock = -1};
    mb_error why = {0};
    const bool has_checkpoint = access(checkpoint, F_OK) == 0;
    mb_status status = mb_stored_run_read(folder, &run.stored, &why);
    if (has_checkpoint && status != MB_ERROR_MEMORY)
        status = read_checkpoint(&run, checkpoint, arguments->data, error);
    else if (status != MB_OK)
        mb_fail(error, status, has_checkpoint ? "%s" : "%s (and %s does not exist)", why.text,
                checkpoint);
    if (status == MB_OK)
        status = open_folder(&run, arguments->threads, error);
    if (status == MB_OK)
        status = has_checkpoint ? report_checkpoint(&run, error)
                                : report_summary(&run, arguments->data, error);
    if (status == MB_OK) {
        mb_report_warnings(MB_PROGRAM, run.machine);
        printf("report   %s/report.html\n", folder);
    }
    close_run(&run);
    return status;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    char *path = mb_join(operands[0], "checkpoint");
    const mb_status status = path != NULL ? report(arguments, operands[0], path, error)
                                          : mb_fail_memory(error, operands[0], 1);
    free(path);
    return status;
}

const mb_command mb_command_report = {
    .name = "report",
    .operands = "RUN",
    .brief = "draw the report of a run that has none",
    .about =
        "Writes pictures, report.html and try.html of a run that was stopped, or that trained with "
        "--no-report, into its folder: the report that the run itself would have written. "
        "It is drawn from the checkpoint, or without one from summary.json, metrics.jsonl, "
        "model.safetensors and the data.",
    .examples = "Examples:\n"
                "  mnist_blas report mnist_blas_out",
    .groups = {{options, 0}},
    .size = sizeof(report_arguments),
    .run = run,
};
