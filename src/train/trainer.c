/* Training: epochs of intervals of steps. An interval is one parallel region of about 50 ms;
 * between intervals the caller's thread is alone, reports progress and writes checkpoints. */
#include "train/trainer.h"

#include "core/clock.h"
#include "data/sampler.h"
#include "machine/machine.h"
#include "nn/plan_ranks.h"
#include "nn/schedule.h"
#include "train/rank_check.h"

#include <math.h>
#include <string.h>

/* Epochs of the decay of the schedule plateau. */
static size_t decay_epochs(const mb_trainer *trainer) { return trainer->options->patience; }

/* The history tells when it begins; at the latest so that it ends with the last epoch. */
static size_t find_decay(const mb_trainer *trainer)
{
    const size_t epochs = trainer->options->epochs, decay = decay_epochs(trainer);
    return mb_min_size(mb_history_plateau(&trainer->history, trainer->options->patience),
                       epochs > decay ? epochs - decay : 0);
}

double mb_trainer_lr(const mb_trainer *trainer, size_t step)
{
    const mb_training_options *options = trainer->options;
    const size_t done = trainer->epoch * trainer->steps + step;
    if (options->schedule == MB_SCHEDULE_PLATEAU)
        return mb_schedule_plateau_lr(options, done, trainer->decay_from * trainer->steps,
                                      decay_epochs(trainer) * trainer->steps);
    return mb_schedule_lr(options, done, options->epochs * trainer->steps);
}

static void report_progress(const mb_trainer *trainer)
{
    if (trainer->events == NULL || trainer->events->progress == NULL)
        return;
    const mb_data_loader *loader = &trainer->training.loader;
    const mb_epoch_stats *stats = &trainer->training.stats;
    const mb_progress progress = {
        .epoch = trainer->epoch + 1,
        .epochs = trainer->options->epochs,
        .samples_done = mb_min_size(trainer->step * loader->batch_size, loader->samples),
        .samples = loader->samples,
        .seconds = trainer->seconds,
        .loss = stats->samples > 0 ? stats->loss / (double)stats->samples : NAN,
        .steps_done = trainer->step,
        .steps = trainer->steps,
        .step_loss = stats->step_loss};
    trainer->events->progress(trainer->events->context, &progress);
}

static mb_status fail_diverged(const mb_trainer *trainer, size_t step, mb_error *error)
{
    return mb_fail(error, MB_ERROR_DIVERGED,
                   "training: the loss is not finite at step %zu of epoch %zu, learning rate %g: "
                   "try a smaller one",
                   step, trainer->epoch + 1, mb_trainer_lr(trainer, step - 1));
}

void mb_trainer_start_epoch(mb_trainer *trainer)
{
    const double started = mb_seconds();
    const mb_epoch_stats resumed = trainer->training.stats;
    trainer->decay_from = find_decay(trainer);
    mb_sampler_shuffle(trainer->options->seed, trainer->epoch, trainer->training.loader.samples,
                       trainer->order);
    for (size_t i = 0; trainer->split != NULL && i < trainer->training.loader.samples; i++)
        trainer->order[i] = trainer->split[trainer->order[i]];
    mb_epoch_start(&trainer->training, trainer->order, trainer->epoch);
    if (trainer->step > 0) {
        trainer->training.stats.loss = resumed.loss;
        trainer->training.stats.steps = resumed.steps;
        trainer->training.stats.samples = resumed.samples;
        trainer->training.stats.correct = resumed.correct;
    }
    trainer->seconds += mb_seconds() - started;
    mb_thread_tuner_start_epoch(&trainer->thread_tuner, trainer->steps - trainer->step);
}

/* The first interval has a single step, which may take a second: its time is not known yet. */
static size_t steps_of_interval(const mb_trainer *trainer)
{
    const size_t usual = mb_max_size(trainer->interval_steps, 1),
                 multiple = trainer->interval_multiple;
    const size_t wanted = mb_thread_tuner_steps(&trainer->thread_tuner, usual);
    const size_t left = mb_min_size(trainer->steps - trainer->step, wanted);
    return multiple == 0 ? left
                         : mb_min_size(left, multiple - mb_trainer_total_steps(trainer) % multiple);
}

static mb_status train_interval(mb_trainer *trainer, mb_error *error)
{
    const double started = mb_seconds();
    const size_t count = mb_ranks_broadcast(trainer->ranks, steps_of_interval(trainer));
    const size_t ran = mb_epoch_run(&trainer->training, mb_machine_team(trainer->machine),
                                    trainer->thread_tuner.threads, trainer->step, count);
    const double took = mb_seconds() - started;
    if (!trainer->training.stats.finite)
        return fail_diverged(trainer, trainer->step + ran, error);
    trainer->step += ran;
    trainer->seconds += took;
    if (trainer->interval_steps > 0) /* the first step runs on a cold cache and does not count */
        mb_thread_tuner_record(&trainer->thread_tuner, ran, took,
                               1e-9 * (double)trainer->training.cpu_nanoseconds);
    trainer->interval_steps = mb_epoch_interval(ran, took);
    report_progress(trainer);
    mb_checkpoint_after_interval(trainer);
    return MB_OK;
}

/* The clock may not advance in a short epoch. */
static double per_second(double amount, double seconds)
{
    return seconds > 0.0 ? amount / seconds : 0.0;
}

static mb_epoch_metrics training_metrics(const mb_trainer *trainer)
{
    const mb_epoch_stats *stats = &trainer->training.stats;
    const double samples = (double)stats->samples;
    const double flops = samples * mb_network_training_flops(trainer->training.network);
    return (mb_epoch_metrics){.epoch = trainer->epoch + 1,
                              .epochs = trainer->options->epochs,
                              .train_loss = stats->loss / samples,
                              .train_accuracy = (double)stats->correct / samples,
                              .train_excess_loss =
                                  stats->loss / samples - mb_trainer_loss_min(trainer),
                              .validation_accuracy = NAN,
                              .validation_loss = NAN,
                              .lr = mb_trainer_lr(trainer, trainer->steps - 1),
                              .threads = trainer->thread_tuner.threads,
                              .seconds = trainer->seconds,
                              .samples_per_second = per_second(samples, trainer->seconds),
                              .gflops = per_second(1e-9 * flops, trainer->seconds)};
}

/* False if events->stop requested a stop. */
static bool evaluate(mb_trainer *trainer, mb_evaluator *evaluator, double *accuracy, double *loss)
{
    const mb_epoch_stats *stats =
        mb_evaluator_run(evaluator, mb_machine_team(trainer->machine), trainer->events);
    const double samples = (double)evaluator->epoch.loader.samples;
    if (stats == NULL)
        return false;
    *accuracy = (double)stats->correct / samples;
    *loss = stats->finite ? stats->loss / samples : NAN;
    return true;
}

/* Completes an array that has the layout of the parameters; NULL: none. */
static void share(const mb_trainer *trainer, float *array)
{
    if (array != NULL)
        mb_plan_exchange_copies(&trainer->training.full, trainer->training.network->parameters,
                                array);
}

void mb_trainer_share_state(const mb_trainer *trainer)
{
    share(trainer, trainer->trainable.m);
    share(trainer, trainer->trainable.v);
    share(trainer, trainer->trainable.ema);
}

bool mb_trainer_must_stop(const mb_trainer *trainer)
{
    return mb_ranks_any(trainer->ranks, mb_events_stop(trainer->events));
}

static bool evaluate_epoch(mb_trainer *trainer, mb_epoch_metrics *metrics)
{
    share(trainer, trainer->trainable.ema);
    if (trainer->trainable.ema != NULL)
        mb_network_copy_state(trainer->training.network, trainer->trainable.ema);
    return evaluate(trainer, &trainer->test, &metrics->test_accuracy, &metrics->test_loss) &&
           (trainer->validation.order == NULL ||
            evaluate(trainer, &trainer->validation, &metrics->validation_accuracy,
                     &metrics->validation_loss));
}

static void save_best(mb_trainer *trainer)
{
    const mb_network *network = trainer->evaluated;
    if (trainer->best != NULL && mb_history_best(&trainer->history) == trainer->epoch)
        memcpy(trainer->best, network->parameters,
               network->parameter_elements * sizeof *trainer->best);
}

/* A stop during the evaluation leaves the epoch with all steps done: a resumed run evaluates it. */
static void finish_epoch(mb_trainer *trainer)
{
    mb_epoch_metrics metrics = training_metrics(trainer);
    trainer->stopped = !evaluate_epoch(trainer, &metrics);
    if (trainer->stopped)
        return;
    mb_history_add(&trainer->history, &metrics, trainer->training.stats.step_loss, trainer->steps);
    save_best(trainer);
    trainer->epoch++;
    trainer->step = 0;
    trainer->seconds = 0.0;
    if (trainer->events != NULL && trainer->events->epoch != NULL)
        trainer->events->epoch(trainer->events->context, &metrics);
    mb_checkpoint_after_epoch(trainer);
}

mb_status mb_trainer_run_epoch(mb_trainer *trainer, mb_error *error)
{
    mb_status status = MB_OK;
    mb_trainer_start_epoch(trainer);
    trainer->stopped = mb_trainer_must_stop(trainer);
    while (status == MB_OK && trainer->step < trainer->steps && !trainer->stopped) {
        status = train_interval(trainer, error);
        trainer->stopped = mb_trainer_must_stop(trainer);
    }
    if (status == MB_OK && !trainer->stopped)
        finish_epoch(trainer);
    return status;
}

/* No later loss shows if the last update diverged. */
static mb_status check_parameters(const mb_network *network, mb_error *error)
{
    for (size_t i = 0; i < network->parameter_elements; i++)
        if (!isfinite(network->parameters[i]))
            return mb_fail(error, MB_ERROR_DIVERGED,
                           "training: the last step left a parameter that is not finite: try a "
                           "smaller learning rate");
    return MB_OK;
}

size_t mb_trainer_total_steps(const mb_trainer *trainer)
{
    return trainer->epoch * trainer->steps + trainer->step;
}

bool mb_trainer_is_done(const mb_trainer *trainer)
{
    const mb_training_options *options = trainer->options;
    if (trainer->epoch >= options->epochs || options->patience == 0)
        return trainer->epoch >= options->epochs;
    return options->schedule == MB_SCHEDULE_PLATEAU
               ? trainer->epoch >= find_decay(trainer) + decay_epochs(trainer)
               : mb_history_plateau(&trainer->history, options->patience) <= trainer->epoch;
}

mb_status mb_trainer_run(mb_trainer *trainer, mb_error *error)
{
    mb_status status = mb_trainer_check_ranks(trainer, error);
    trainer->stopped = false;
    while (status == MB_OK && !mb_trainer_is_done(trainer) && !trainer->stopped)
        status = mb_trainer_run_epoch(trainer, error);
    return status == MB_OK ? check_parameters(trainer->training.network, error) : status;
}

mb_training_position mb_trainer_position(const mb_trainer *trainer)
{
    return (mb_training_position){.epoch = trainer->epoch,
                                  .step = trainer->step,
                                  .steps = trainer->steps,
                                  .stopped = trainer->stopped,
                                  .done = mb_trainer_is_done(trainer)};
}

const mb_history *mb_trainer_history(const mb_trainer *trainer) { return &trainer->history; }

double mb_trainer_loss_min(const mb_trainer *trainer)
{
    return mb_loss_min(trainer->options->label_smoothing, trainer->evaluated->classes,
                       trainer->trainable.class_weights);
}

const mb_epoch_metrics *mb_trainer_selected_epoch(const mb_trainer *trainer)
{
    const mb_history *history = &trainer->history;
    if (history->finished == 0)
        return NULL;
    return &history
                ->epochs[trainer->best != NULL ? mb_history_best(history) : history->finished - 1];
}

mb_status mb_trainer_finalize(mb_trainer *trainer, mb_error *error)
{
    mb_network *network = trainer->network;
    const float *result = trainer->trainable.ema;
    share(trainer, trainer->trainable.ema);
    if (result != NULL)
        mb_network_copy_state(network, trainer->trainable.ema);
    if (trainer->best != NULL && trainer->history.finished > 0)
        result = trainer->best;
    if (result != NULL)
        memcpy(network->parameters, result, network->parameter_elements * sizeof *result);
    if (trainer->validation.order == NULL || !mb_trainer_is_done(trainer))
        return MB_OK;
    mb_calibration calibration;
    const mb_status status =
        mb_calibrate(trainer->machine, network, &trainer->validation.source.split,
                     trainer->options->temperature, &calibration, error);
    if (status == MB_OK)
        trainer->calibration = calibration;
    return status;
}

const mb_calibration *mb_trainer_calibration(const mb_trainer *trainer)
{
    return trainer->calibration.samples > 0 ? &trainer->calibration : NULL;
}

mb_status mb_train(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                   const mb_training_options *options, const mb_training_events *events,
                   mb_error *error)
{
    mb_trainer *trainer = NULL;
    mb_status status = mb_trainer_open(machine, network, dataset, options, events, &trainer, error);
    if (status != MB_OK)
        return status;
    status = mb_trainer_run(trainer, error);
    const mb_status finalized = mb_trainer_finalize(trainer, status == MB_OK ? error : NULL);
    mb_trainer_close(trainer);
    return status == MB_OK ? finalized : status;
}
