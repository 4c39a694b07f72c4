/* mnist_blas train */
#include "cli.h"
#include "data.h"
#include "progress.h"
#include "run_report.h"
#include "train_command.h"
#include "train_options.h"

#include "core/clock.h"
#include "core/file.h"
#include "report/summary.h"
#include "report/tensorboard.h"
#include "train/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All that a run holds. */
typedef struct train_run {
    mb_train_arguments arguments;
    mb_machine *machine;
    mb_dataset *dataset;
    mb_network *network;
    mb_tensorboard *board; /* NULL: not asked for */
    mb_progress_view view;
    mb_epoch_metrics *epochs; /* (training.epochs) filled as they come */
    mb_loss_curve curve;
} train_run;

/* The run folder, whose name is not empty, with those above it. Done before training, so that a
 * run's work is not lost for want of a place. */
static mb_status make_folder(const char *folder, mb_error *error)
{
    char *path = strdup(folder);
    if (path == NULL)
        return mb_fail_memory(error, folder, strlen(folder));
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777); /* what matters is whether the whole is there in the end */
        *slash = '/';
    }
    mb_status status = MB_OK;
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        status = mb_fail(error, MB_IO, "%s: cannot be made: %s", folder, strerror(errno));
    struct stat info;
    if (status == MB_OK && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)))
        status = mb_fail(error, MB_IO, "%s: is not a folder", folder);
    if (status == MB_OK && access(path, W_OK | X_OK) != 0)
        status = mb_fail(error, MB_IO, "%s: cannot be written: %s", folder, strerror(errno));
    if (status == MB_OK)
        mb_file_sweep(path);
    free(path);
    return status;
}

static mb_status open_board(const char *folder, mb_tensorboard **board, mb_error *error)
{
    const mb_status status = make_folder(folder, error);
    return status == MB_OK ? mb_tensorboard_open(folder, board, error) : status;
}

static mb_status open_run(train_run *run, mb_error *error)
{
    const mb_train_arguments *arguments = &run->arguments;
    const mb_machine_options options = {.threads = arguments->threads};
    mb_status status = mb_machine_open(&options, &run->machine, error);
    if (status == MB_OK)
        status = mb_data_open_or_draw(arguments->data, run->machine, &run->dataset, error);
    if (status != MB_OK)
        return status;
    const mb_shape input = {1, run->dataset->rows, run->dataset->columns};
    status = mb_training_check(&arguments->training, run->dataset->train.count, error);
    if (status == MB_OK)
        status = mb_network_open(run->machine, arguments->network, input, run->dataset->classes,
                                 &run->network, error);
    if (status == MB_OK)
        status = make_folder(arguments->out, error);
    if (status == MB_OK && arguments->tensorboard != NULL)
        status = open_board(arguments->tensorboard, &run->board, error);
    run->epochs = calloc(arguments->training.epochs, sizeof *run->epochs);
    if (status == MB_OK && run->epochs == NULL)
        status = mb_fail_memory(error, "epochs", arguments->training.epochs);
    return status;
}

static void print_augmentation(const mb_augmentation *augmentation)
{
    if (augmentation->kind == MB_AS_IT_IS)
        return;
    printf("augment  %s: rotate %g, scale %g, shear %g, shift %g",
           mb_augmentation_name(augmentation->kind), augmentation->rotate, augmentation->scale,
           augmentation->shear, augmentation->shift);
    if (augmentation->kind == MB_ELASTIC)
        printf(", alpha %g, sigma %g", augmentation->elastic_alpha, augmentation->elastic_sigma);
    puts("");
}

static void print_beginning(const train_run *run)
{
    const mb_machine_info *machine = mb_machine_describe(run->machine);
    const mb_dataset *data = run->dataset;
    const mb_training_options *training = &run->arguments.training;
    printf("data     %s: %zu + %zu images of %zux%zu, %zu classes\n",
           data->folder != NULL ? data->folder : "drawn digits", data->train.count,
           data->test.count, data->rows, data->columns, data->classes);
    printf("network  %s, %zu parameters\n", mb_network_spec(run->network),
           mb_network_parameters(run->network));
    printf("training %s, lr %g %s, weight decay %g, batch size %zu, seed %llu\n",
           mb_optimizer_name(training->optimizer), training->lr,
           mb_schedule_name(training->schedule), training->weight_decay, training->batch_size,
           (unsigned long long)training->seed);
    print_augmentation(&training->augmentation);
    printf("machine  %s: %zu thread%s, OpenBLAS %s %s\n", machine->cpu, machine->threads,
           machine->threads > 1 ? "s" : "", machine->blas_version, machine->blas_core);
    fflush(stdout);
}

static void on_progress(void *context, const mb_progress *progress)
{
    train_run *run = context;
    mb_progress_show(&run->view, progress);
    if (progress->steps_done == progress->steps)
        mb_loss_curve_add(&run->curve, progress->step_loss, progress->steps);
}

static void on_epoch(void *context, const mb_epoch_metrics *metrics)
{
    train_run *run = context;
    mb_progress_show_epoch(&run->view, metrics);
    mb_tensorboard_add(run->board, metrics);
    run->epochs[metrics->epoch - 1] = *metrics;
}

static mb_status write_run(const train_run *run, const mb_run *result, mb_error *error)
{
    const char *out = run->arguments.out;
    char *model = mb_path_join(out, "model.safetensors");
    mb_status status = model != NULL ? mb_model_save(run->network, model, error)
                                     : mb_fail_memory(error, out, strlen(out));
    if (status == MB_OK)
        status = mb_metrics_write(result, out, error);
    if (status == MB_OK)
        status = mb_summary_write(result, out, error);
    free(model);
    return status;
}

static mb_status print_end(const train_run *run, const mb_run *result, mb_error *error)
{
    mb_spread speed;
    const mb_status status = mb_run_speed(result, &speed, error);
    if (status != MB_OK)
        return status;
    const size_t epochs = run->arguments.training.epochs;
    const mb_terminal *terminal = &run->view.terminal;
    printf("%stest accuracy %.2f %%%s after %zu epoch%s in %.2f s, %.0f samples/s (median), model "
           "in %s/model.safetensors\n",
           mb_terminal_style(terminal, MB_BOLD), 100.0 * run->epochs[epochs - 1].test_accuracy,
           mb_terminal_style(terminal, MB_PLAIN), epochs, epochs > 1 ? "s" : "",
           mb_run_seconds(result), speed.median, run->arguments.out);
    return MB_OK;
}

/* After the result is on the screen: nobody waits for pictures to see it. That they cannot be drawn
 * here is no failure of the run. */
static mb_status report(const train_run *run, const mb_run *result, mb_error *error)
{
    const char *out = run->arguments.out;
    mb_error why = {0};
    if (!mb_report_built()) {
        if (!run->view.quiet)
            puts("report   left out: this build has no cairo");
        return MB_OK;
    }
    char *command = mb_train_command(&run->arguments, result->data);
    if (command == NULL)
        return mb_fail_memory(error, "report", sizeof *result);
    fflush(stdout);
    const mb_status status =
        mb_run_report(run->machine, result, run->dataset, &run->curve, command, out, &why);
    free(command);
    if (status == MB_UNAVAILABLE)
        fprintf(stderr, "mnist_blas: warning: %s\n", why.text);
    else if (status != MB_OK)
        *error = why;
    else if (!run->view.quiet)
        printf("report   %s/report.html\n", out);
    return status == MB_UNAVAILABLE ? MB_OK : status;
}

static mb_status train(train_run *run, mb_error *error)
{
    const mb_training_options *training = &run->arguments.training;
    mb_status status = open_run(run, error);
    if (status != MB_OK)
        return status;
    run->view.quiet = run->arguments.quiet;
    mb_report_warnings(run->machine);
    if (!run->view.quiet)
        print_beginning(run);
    mb_network_initialise(run->network, training->seed);
    const mb_training_events events = {run, on_progress, on_epoch};
    mb_progress_begin(&run->view);
    status = mb_train(run->machine, run->network, run->dataset, training, &events, error);
    mb_progress_end(&run->view);
    if (status != MB_OK)
        return status;
    const mb_run result = {run->dataset->folder, run->network, mb_machine_describe(run->machine),
                           training, run->epochs};
    status = write_run(run, &result, error);
    if (status == MB_OK)
        status = print_end(run, &result, error);
    return status == MB_OK && !run->arguments.no_report ? report(run, &result, error) : status;
}

int mb_command_train(int argc, char **argv)
{
    train_run run = {0};
    mb_error error;
    mb_status status = mb_train_arguments_parse(argc, argv, &run.arguments, &error);
    if (status == MB_OK)
        status = train(&run, &error);
    /* What it could not write costs nothing else of a run. */
    const mb_status closed = mb_tensorboard_close(run.board, status == MB_OK ? &error : NULL);
    status = status == MB_OK ? closed : status;
    free(run.epochs);
    mb_network_close(run.network);
    mb_dataset_close(run.dataset);
    mb_machine_close(run.machine);
    return status == MB_OK ? MB_EXIT_DONE : mb_report_error(&error);
}
