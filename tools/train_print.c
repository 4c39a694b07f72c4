/* What train prints before and after training. */
#include "data.h"
#include "signals.h"
#include "train_command.h"
#include "train_run.h"

#include <stdlib.h>
#include <string.h>

static void print_augmentation(mb_train_run *run)
{
    const mb_training_options *training = &run->arguments.training;
    const mb_augmentation_kind kind = training->augmentation.kind;
    char strengths[256];
    if (kind != MB_AUGMENT_NONE)
        mb_output_print(&run->output, "augment  %s: %s\n", mb_augmentation_name(kind),
                        mb_options_describe(mb_training_option_table, training,
                                            &mb_augmentation_names, strengths, sizeof strengths));
}

static void print_loss(mb_train_run *run)
{
    const mb_training_options *training = &run->arguments.training;
    const bool weighted = training->class_weights != MB_CLASS_WEIGHTS_NONE;
    if (training->label_smoothing > 0.0)
        mb_output_print(&run->output, "loss     %slabel smoothing %g: at least %.4f in training\n",
                        weighted ? "balanced class weights, " : "", training->label_smoothing,
                        mb_trainer_loss_min(run->trainer));
    else if (weighted)
        mb_output_print(&run->output, "loss     balanced class weights\n");
}

static void print_resumption(mb_train_run *run)
{
    const mb_training_position at = mb_trainer_position(run->trainer);
    const mb_training_options *training = &run->arguments.training;
    const char *path = mb_checkpoint_describe(run->from)->path;
    if (!at.done)
        mb_output_print(&run->output, "resumed  %s: step %zu of %zu in epoch %zu/%zu\n", path,
                        at.step, at.steps, at.epoch + 1, training->epochs);
    else
        mb_output_print(&run->output, "resumed  %s: all %zu epochs are trained\n", path, at.epoch);
    if (strcmp(run->arguments.out, run->arguments.resumed_out) != 0)
        mb_output_print(&run->output, "out      %s, not %s\n", run->arguments.out,
                        run->arguments.resumed_out);
    mb_resume_print_changes(run->from, training, &run->output);
}

/* With less arithmetic per rank and step, messages take much of the time. */
static const double enough_flops = 1e8;

/* The smallest power of two that gives each rank so much. */
static size_t enough_samples(double flops_per_sample, size_t ranks)
{
    size_t batch = 1;
    while ((double)batch * flops_per_sample < enough_flops * (double)ranks)
        batch *= 2;
    return batch;
}

static void print_ranks(mb_train_run *run)
{
    const mb_ranks_info ranks = mb_ranks_describe(run->ranks);
    const size_t batch = run->arguments.training.batch_size;
    if (ranks.count == 1)
        return;
    mb_output_print(&run->output, "ranks    %zu, of which %zu on this computer, %s\n", ranks.count,
                    ranks.local_count, ranks.library);
    if (run->ranks_without_data > 0)
        mb_output_print(&run->output, "         %zu found no data, and got rank 0's\n",
                        run->ranks_without_data);
    const double sample = mb_network_training_flops(run->network);
    if ((double)batch * sample < enough_flops * (double)ranks.count)
        mb_output_print(
            &run->output,
            "         a batch of %zu gives each rank %.2g MFLOP a step, little beside its "
            "messages: --batch-size %zu would help\n",
            batch, 1e-6 * (double)batch * sample / (double)ranks.count,
            enough_samples(sample, ranks.count));
}

void mb_train_print_beginning(mb_train_run *run)
{
    const mb_machine_info *machine = mb_machine_describe(run->machine);
    const mb_dataset *data = run->dataset;
    const mb_training_options *training = &run->arguments.training;
    char folder[1024]; /* a checkpoint may have named it */
    mb_printable(data->folder != NULL ? data->folder : "synthetic digits", folder, sizeof folder);
    mb_output_print(&run->output, "data     %s: %zu + %zu images of %zux%zu%s, %zu classes%s%s\n",
                    folder, data->train.images.count, data->test.images.count,
                    data->train.images.rows, data->train.images.columns,
                    data->train.images.channels > 1 ? " in color" : "", data->classes,
                    data->form.ground == MB_GROUND_LIGHT ? ", light ground, inverted" : "",
                    mb_form_is_standardized(&data->form) ? ", standardized" : "");
    if (data->validation > 0)
        mb_output_print(&run->output, "         the last %zu training images are for validation\n",
                        data->validation);
    mb_output_print(&run->output, "network  %s, %zu parameters\n", mb_network_spec(run->network),
                    mb_network_parameter_count(run->network));
    mb_output_print(
        &run->output, "training %s, lr %g %s, weight decay %g, batch size %zu, seed %llu\n",
        mb_optimizer_name(training->optimizer), training->lr, mb_schedule_name(training->schedule),
        training->weight_decay, training->batch_size, (unsigned long long)training->seed);
    print_loss(run);
    print_augmentation(run);
    print_ranks(run);
    mb_output_print(&run->output, "machine  %s: %zu thread%s, OpenBLAS %s %s\n", machine->cpu,
                    machine->threads, machine->threads > 1 ? "s" : "", machine->blas_version,
                    machine->blas_core);
    if (run->from != NULL)
        print_resumption(run);
}

/* What the validation images gave. */
static void print_calibration(mb_train_run *run, const mb_run *result)
{
    const mb_calibration *calibration = result->calibration;
    const mb_evaluation *evaluation = result->evaluation;
    if (calibration == NULL || run->view.quiet)
        return;
    if (result->options->temperature)
        mb_output_print(&run->output,
                        "temperature %.4g, fitted on %zu validation images: calibration error "
                        "%.2f %% to %.2f %%, loss %.4f to %.4f\n",
                        calibration->temperature, calibration->samples,
                        100.0 * calibration->error_before, 100.0 * calibration->error,
                        calibration->loss_before, calibration->loss);
    if (evaluation->threshold > 0.0)
        mb_output_print(&run->output,
                        "threshold   %.6g by the validation images (error at most 0.1 %%): "
                        "%.2f %% of the test images, %.2f %% of these wrong\n",
                        evaluation->threshold, 100.0 * evaluation->coverage,
                        100.0 * evaluation->selective_risk);
}

mb_status mb_train_print_end(mb_train_run *run, const mb_run *result, mb_error *error)
{
    mb_run_totals totals;
    const mb_status status = mb_run_sum_up(result, &totals, error);
    if (status != MB_OK)
        return status;
    char length[MB_RUN_LENGTH], chance[MB_CHANCE_TEXT], untested[MB_UNTESTED_TEXT];
    const mb_terminal *terminal = &run->view.terminal;
    mb_output_print(
        &run->output,
        "%stest accuracy %.2f %%%s after %s in %.2f s, %.0f samples/s (median), model in "
        "%s/model.safetensors\n",
        mb_terminal_style(terminal, MB_STYLE_BOLD), 100.0 * result->evaluation->accuracy,
        mb_terminal_style(terminal, MB_STYLE_PLAIN), mb_run_length(result, length), totals.seconds,
        totals.median_speed, run->arguments.out);
    print_calibration(run, result);
    if (*mb_data_untested(&run->dataset->test, run->dataset->class_names, run->dataset->classes,
                          untested) != '\0')
        mb_output_print(&run->output, "%s\n", untested);
    if (mb_data_is_chance(run->dataset, result->selected->test_accuracy, chance))
        mb_output_print(&run->errors, "mnist_blas: warning: %s\n", chance);
    return MB_OK;
}

void mb_train_print_interruption(mb_train_run *run)
{
    const mb_training_position at = mb_trainer_position(run->trainer);
    char *command = mb_resume_command(run->checkpoint, run->board_folder);
    mb_output_print(&run->errors,
                    "mnist_blas: %s: stopped at step %zu of %zu in epoch %zu/%zu; to go on: %s\n",
                    mb_signals_name(run->signal), at.step, at.steps, at.epoch + 1,
                    run->arguments.training.epochs, command != NULL ? command : run->checkpoint);
    free(command);
}
