/* mnist_blas train */
#include "library_text.h"
#include "run_folder.h"
#include "signals.h"
#include "train_command.h"
#include "train_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static mb_status open_run(mb_train_run *run, mb_error *error)
{
    const mb_train_arguments *arguments = &run->arguments;
    mb_status status = mb_train_open_inputs(run, error);
    if (status == MB_OK && mb_train_is_first_rank(run))
        status = mb_run_folder_open(arguments->out, &run->lock, error);
    if (status == MB_OK && mb_train_is_first_rank(run) && arguments->tensorboard != NULL)
        status = mb_run_board_open(arguments->tensorboard, run->from != NULL, &run->board_folder,
                                   &run->board, error);
    return status;
}

/* The policy exists even without --checkpoint-every: a signal may stop the run. */
static mb_status set_checkpoints(mb_train_run *run, mb_error *error)
{
    const mb_train_arguments *arguments = &run->arguments;
    run->checkpoint = mb_join(arguments->out, "checkpoint");
    if (run->checkpoint == NULL)
        return mb_fail_memory(error, "checkpoint", strlen(arguments->out));
    run->has_checkpoint =
        arguments->resume != NULL && mb_is_same_file(arguments->resume, run->checkpoint);
    run->start = getcwd(NULL, 0);
    if (run->start == NULL && errno == ENOMEM)
        return mb_fail_memory(error, "checkpoint", 1);
    mb_resume_notes(arguments, run->start, &run->notes);
    const mb_checkpoint_policy policy = {.path = run->checkpoint,
                                         .every_steps = arguments->checkpoint_steps,
                                         .every_epoch = arguments->checkpoint_epochs,
                                         .notes = run->notes.notes,
                                         .note_count = run->notes.count};
    return mb_trainer_set_checkpoints(run->trainer, &policy, error);
}

/* The initial state: parameters drawn from the seed, or the checkpoint's. */
static mb_status open_training(mb_train_run *run, mb_error *error)
{
    mb_network_initialise(run->network, run->arguments.training.seed);
    mb_status status =
        mb_trainer_open(run->machine, run->network, run->dataset, &run->arguments.training,
                        &run->events, &run->trainer, error);
    if (status == MB_OK && run->from != NULL)
        status = mb_trainer_restore(run->trainer, run->from, error);
    if (status == MB_OK && run->from != NULL)
        mb_tensorboard_resume(run->board, mb_trainer_position(run->trainer).epoch);
    return status == MB_OK ? set_checkpoints(run, error) : status;
}

/* Training continues: the disk may have space by its end. A folder that was removed is made again.
 */
static void on_checkpoint_failed(void *context, const mb_error *error)
{
    mb_train_run *run = context;
    mb_folder_prepare(run->arguments.out, NULL);
    mb_progress_clear(&run->view);
    mb_output_print(&run->errors, "mnist_blas: warning: %s\n", error->text);
}

static void on_progress(void *context, const mb_progress *progress)
{
    mb_train_run *run = context;
    mb_progress_show(&run->view, progress);
}

static void on_epoch(void *context, const mb_epoch_metrics *metrics)
{
    mb_train_run *run = context;
    mb_progress_show_epoch(&run->view, metrics);
    mb_tensorboard_add(run->board, metrics);
}

/* A signal ends a rank also while it waits for one that has ended. Between two calls of on_stop
 * there are some steps, which take their time; before the second call it is not known. */
static void set_deadline(mb_train_run *run)
{
    enum { ANSWER_S = 5, FIRST_S = 60 };
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    const double took = run->asked_at > 0.0 ? seconds - run->asked_at : 0.0;
    run->longest_interval = took > run->longest_interval ? took : run->longest_interval;
    mb_signals_set_deadline(run->asked_at > 0.0 ? ANSWER_S + (unsigned)(2.0 * run->longest_interval)
                                                : FIRST_S);
    run->asked_at = seconds;
}

static bool on_stop(void *context)
{
    mb_train_run *run = context;
    if (run->ranks != NULL)
        set_deadline(run);
    run->signal = mb_signals_received();
    return run->signal != 0 || (run->stop != NULL && run->stop(run->stop_context));
}

/* Before this run's first file: a checkpoint of another run must not stand beside its model. */
static mb_status set_other_checkpoint_aside(mb_train_run *run, mb_error *error)
{
    bool renamed = false;
    mb_status status = MB_OK;
    if (!run->has_checkpoint)
        status = mb_set_checkpoint_aside(run->checkpoint, &renamed, error);
    if (renamed)
        mb_output_print(&run->errors, "mnist_blas: warning: %s of another run is now %s.old\n",
                        run->checkpoint, run->checkpoint);
    run->has_checkpoint = true;
    return status;
}

/* The network is evaluated once it is saved, unless a signal stopped the run. */
static mb_status write_run(mb_train_run *run, mb_run *result, mb_error *error)
{
    const char *out = run->arguments.out;
    mb_error removal_error;
    mb_status status = mb_run_save_model(run->network, out, &removal_error, error);
    if (removal_error.text[0] != '\0')
        mb_output_print(&run->errors, "mnist_blas: warning: %s\n", removal_error.text);
    if (status == MB_OK && result->command == NULL)
        status = mb_fail_memory(error, "command", 1);
    if (status == MB_OK)
        status = mb_metrics_write(result, out, error);
    if (status == MB_OK && result->interrupted == NULL)
        status =
            mb_evaluate(run->machine, run->network, &run->dataset->test, &run->evaluation, error);
    result->evaluation = run->evaluation;
    return status == MB_OK ? mb_summary_write(result, out, error) : status;
}

/* Pictures are drawn last, after the result is printed. A build or a machine that cannot draw is
 * not a failure of the run. */
static mb_status report(mb_train_run *run, const mb_run *result, mb_error *error)
{
    const char *out = run->arguments.out;
    mb_error why = {0};
    char line[256];
    if (!mb_has_feature(MB_FEATURE_REPORT)) {
        if (!run->view.quiet)
            mb_output_print(&run->output, "report   left out: this build has no cairo\n");
        return MB_OK;
    }
    const int text = mb_library_text_begin(); /* fontconfig's, if it has no configuration */
    const mb_status status = mb_report_write(run->machine, result, out, &why);
    mb_library_text_end(text, line, sizeof line);
    if (line[0] != '\0')
        mb_output_print(&run->errors, "mnist_blas: warning: report: %s\n", line);
    if (status == MB_ERROR_UNAVAILABLE)
        mb_output_print(&run->errors, "mnist_blas: warning: %s\n", why.text);
    else if (status != MB_OK)
        *error = why;
    else if (!run->view.quiet)
        mb_output_print(&run->output, "report   %s/report.html\n", out);
    return status == MB_ERROR_UNAVAILABLE ? MB_OK : status;
}

/* All results are saved: from here on a signal may end the process at once. One that came after the
 * last step was deferred until now. */
static mb_status report_unless_stopped(mb_train_run *run, const mb_run *result, mb_error *error)
{
    mb_signals_defer(false);
    run->signal = mb_signals_received();
    if (run->signal == 0)
        return run->arguments.no_report ? MB_OK : report(run, result, error);
    mb_output_print(&run->errors, "mnist_blas: %s: training finished; report skipped\n",
                    mb_signals_name(run->signal));
    return MB_OK;
}

/* What ranks do while the first one saves the results. */
static mb_status help_to_save(mb_train_run *run, mb_error *error)
{
    const mb_train_arguments *arguments = &run->arguments;
    const bool writes_checkpoints = arguments->checkpoint_steps > 0 || arguments->checkpoint_epochs;
    mb_status status = MB_OK;
    if (writes_checkpoints || mb_trainer_position(run->trainer).stopped)
        status = mb_trainer_save(run->trainer, error);
    mb_trainer_finalize(run->trainer, NULL);
    return status;
}

/* Writes the results of a run that has finished or was stopped, except the pictures. */
static mb_status save(mb_train_run *run, mb_error *error)
{
    const mb_train_arguments *arguments = &run->arguments;
    const bool writes_checkpoints = arguments->checkpoint_steps > 0 || arguments->checkpoint_epochs;
    const mb_training_position at = mb_trainer_position(run->trainer);
    mb_error first = {0}, second = {0}, uncalibrated = {0};
    run->command = mb_train_command(arguments, run->dataset->folder);
    mb_folder_prepare(arguments->out, NULL); /* made again if it was removed */
    if (set_other_checkpoint_aside(run, &first) != MB_OK)
        mb_output_print(&run->errors, "mnist_blas: warning: %s\n", first.text);
    first = (mb_error){0};
    if (writes_checkpoints || at.stopped)
        mb_trainer_save(run->trainer, &first);
    mb_trainer_finalize(run->trainer, &uncalibrated);
    const mb_checkpoint_costs costs = mb_trainer_checkpoint_costs(run->trainer);
    const mb_run_position position = {at.epoch + 1, at.step};
    mb_run result = {.dataset = run->dataset,
                     .network = run->network,
                     .machine = mb_machine_describe(run->machine),
                     .options = &arguments->training,
                     .reading = &arguments->reading,
                     .history = mb_trainer_history(run->trainer),
                     .selected = mb_trainer_selected_epoch(run->trainer),
                     .calibration = mb_trainer_calibration(run->trainer),
                     .checkpoints = writes_checkpoints ? &costs : NULL,
                     .interrupted = at.stopped ? &position : NULL,
                     .command = run->command};
    /* The model is written even if the checkpoint could not be, or no temperature was found. */
    mb_status status = write_run(run, &result, &second);
    if (status == MB_OK && !at.stopped)
        status = mb_train_print_end(run, &result, &second);
    *error = first.status != MB_OK ? first : second;
    if (error->status == MB_OK && !at.stopped)
        report_unless_stopped(run, &result, error);
    if (error->status == MB_OK)
        *error = uncalibrated;
    return error->status;
}

mb_status mb_train_execute(mb_train_run *run, mb_error *error)
{
    run->events = (mb_training_events){.context = run,
                                       .progress = on_progress,
                                       .epoch = on_epoch,
                                       .stop = on_stop,
                                       .checkpoint_failed = on_checkpoint_failed};
    run->view.quiet = run->arguments.quiet;
    run->view.output = &run->output;
    mb_status status = open_run(run, error);
    if (status == MB_OK && !run->arguments.lr_find)
        status = open_training(run, error);
    if (status == MB_OK && run->ranks != NULL && run->arguments.lr_find)
        status = mb_fail(error, MB_ERROR_INVALID,
                         "--lr-find: runs as one process: start it "
                         "without mpirun");
    status = mb_ranks_agree(run->ranks, status, error);
    if (status != MB_OK)
        return status;
    if (!run->shares_inputs && mb_train_is_first_rank(run))
        mb_report_warnings(MB_PROGRAM, run->machine);
    if (run->arguments.lr_find)
        return mb_train_find_lr(run, error);
    mb_error why;
    if (run->from != NULL && mb_checkpoint_check_blas(run->from, run->machine, &why) != MB_OK)
        mb_output_print(&run->errors, "mnist_blas: warning: %s\n", why.text);
    if (run->board_folder != NULL && strcmp(run->board_folder, run->arguments.tensorboard) != 0)
        mb_output_print(&run->errors,
                        "mnist_blas: warning: --tensorboard %s: has event files of another run; "
                        "those of this run go to %s\n",
                        run->arguments.tensorboard, run->board_folder);
    if (!run->view.quiet)
        mb_train_print_beginning(run);
    if (mb_train_is_first_rank(run) &&
        (run->arguments.checkpoint_steps > 0 || run->arguments.checkpoint_epochs))
        status = set_other_checkpoint_aside(run, error);
    status = mb_ranks_agree(run->ranks, status, error);
    if (status != MB_OK)
        return status;
    mb_progress_begin(&run->view);
    mb_signals_defer(true);
    status = mb_trainer_run(run->trainer, error);
    mb_progress_end(&run->view);
    run->signal = (int)mb_ranks_max(run->ranks, (size_t)run->signal);
    mb_signals_set_deadline(0);
    if (status == MB_OK)
        status = mb_train_is_first_rank(run) ? save(run, error) : help_to_save(run, error);
    status = mb_ranks_agree(run->ranks, status, error);
    run->stopped = mb_trainer_position(run->trainer).stopped;
    if (status == MB_OK && run->stopped && run->signal != 0)
        mb_train_print_interruption(run);
    return status;
}

void mb_train_close(mb_train_run *run)
{
    mb_trainer_close(run->trainer);
    mb_evaluation_free(run->evaluation);
    mb_folder_unlock(run->lock);
    free(run->checkpoint);
    free(run->command);
    free(run->start);
    free(run->board_folder);
    mb_train_arguments_free(&run->arguments);
    mb_network_close(run->network);
    if (!run->shares_inputs) {
        mb_dataset_close(run->dataset);
        mb_machine_close(run->machine);
    }
    mb_checkpoint_close(run->from);
}
