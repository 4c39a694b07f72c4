/* Training: epochs of intervals of steps. An interval is one parallel region of about 50 ms;
 * between intervals the caller's thread is alone, reports progress and writes checkpoints. */
#include "train/trainer.h"

#include "core/clock.h"
#include "data/sampler.h"
#include "machine/machine.h"
#include "nn/schedule.h"

#include <math.h>
#include <string.h>

static double lr_of_step(const mb_trainer *t, size_t step)
{
    return mb_schedule_lr(t->options, t->epoch * t->steps + step, t->options->epochs * t->steps);
}

static void report_progress(const mb_trainer *t)
{
    if (t->events == NULL || t->events->progress == NULL)
        return;
    const mb_data_loader *loader = &t->training.loader;
    const mb_epoch_stats *stats = &t->training.stats;
    const mb_progress progress = {
        .epoch = t->epoch + 1,
        .epochs = t->options->epochs,
        .samples_done = mb_min_size(t->step * loader->batch_size, loader->samples),
        .samples = loader->samples,
        .seconds = t->seconds,
        .loss = stats->samples > 0 ? stats->loss / (double)stats->samples : NAN,
        .steps_done = t->step,
        .steps = t->steps,
        .step_loss = stats->step_loss};
    t->events->progress(t->events->context, &progress);
}

static mb_status fail_diverged(const mb_trainer *t, size_t step, mb_error *error)
{
    return mb_fail(error, MB_ERROR_DIVERGED,
                   "training: the loss is not finite at step %zu of epoch %zu, learning rate %g: "
                   "try a smaller one",
                   step, t->epoch + 1, lr_of_step(t, step - 1));
}

/* A resumed epoch keeps the sums of its completed steps. */
static void start_epoch(mb_trainer *t)
{
    const double started = mb_seconds();
    const mb_epoch_stats resumed = t->training.stats;
    mb_sampler_shuffle(t->options->seed, t->epoch, t->training.loader.samples, t->order);
    mb_epoch_start(&t->training, t->order, t->epoch);
    if (t->step > 0) {
        t->training.stats.loss = resumed.loss;
        t->training.stats.steps = resumed.steps;
        t->training.stats.samples = resumed.samples;
        t->training.stats.correct = resumed.correct;
    }
    t->seconds += mb_seconds() - started;
    mb_thread_tuner_start_epoch(&t->thread_tuner, t->steps - t->step);
}

/* The first interval has a single step, which may take a second: its time is not known yet. */
static size_t steps_of_interval(const mb_trainer *t)
{
    const size_t usual = mb_max_size(t->interval_steps, 1), multiple = t->interval_multiple;
    const size_t wanted = mb_thread_tuner_steps(&t->thread_tuner, usual);
    const size_t left = mb_min_size(t->steps - t->step, wanted);
    return multiple == 0 ? left
                         : mb_min_size(left, multiple - mb_trainer_total_steps(t) % multiple);
}

static mb_status train_interval(mb_trainer *t, mb_error *error)
{
    const double started = mb_seconds();
    const size_t ran = mb_epoch_run(&t->training, mb_machine_team(t->machine),
                                    t->thread_tuner.threads, t->step, steps_of_interval(t));
    const double took = mb_seconds() - started;
    if (!t->training.stats.finite)
        return fail_diverged(t, t->step + ran, error);
    t->step += ran;
    t->seconds += took;
    if (t->interval_steps > 0) /* the first step runs on a cold cache and says nothing of threads */
        mb_thread_tuner_record(&t->thread_tuner, ran, took);
    t->interval_steps = mb_epoch_interval(ran, took);
    report_progress(t);
    mb_checkpoint_after_interval(t);
    return MB_OK;
}

static mb_epoch_metrics training_metrics(const mb_trainer *t)
{
    const mb_epoch_stats *stats = &t->training.stats;
    const double samples = (double)stats->samples;
    const double flops = samples * mb_network_training_flops(t->training.network);
    return (mb_epoch_metrics){.epoch = t->epoch + 1,
                              .epochs = t->options->epochs,
                              .train_loss = stats->loss / samples,
                              .train_accuracy = (double)stats->correct / samples,
                              .validation_accuracy = NAN,
                              .lr = lr_of_step(t, t->steps - 1),
                              .threads = t->thread_tuner.threads,
                              .seconds = t->seconds,
                              .samples_per_second = samples / t->seconds,
                              .gflops = 1e-9 * flops / t->seconds};
}

/* False if events->stop asked for an end. */
static bool evaluate(mb_trainer *t, mb_evaluator *evaluator, double *accuracy)
{
    const mb_epoch_stats *stats =
        mb_evaluator_run(evaluator, mb_machine_team(t->machine), t->events);
    if (stats != NULL)
        *accuracy = (double)stats->correct / (double)evaluator->epoch.loader.samples;
    return stats != NULL;
}

static bool evaluate_epoch(mb_trainer *t, mb_epoch_metrics *metrics)
{
    if (t->trainable.ema != NULL)
        mb_network_copy_state(t->training.network, t->trainable.ema);
    return evaluate(t, &t->test, &metrics->test_accuracy) &&
           (t->options->validation == 0 ||
            evaluate(t, &t->validation, &metrics->validation_accuracy));
}

static void save_best(mb_trainer *t)
{
    const mb_network *network = t->evaluated;
    if (t->best != NULL && mb_history_best(&t->history) == t->epoch)
        memcpy(t->best, network->parameters, network->parameter_elements * sizeof *t->best);
}

/* A stop during the evaluation leaves the epoch with all steps done: a resumed run evaluates it. */
static void finish_epoch(mb_trainer *t)
{
    mb_epoch_metrics metrics = training_metrics(t);
    t->stopped = !evaluate_epoch(t, &metrics);
    if (t->stopped)
        return;
    mb_history_add(&t->history, &metrics, t->training.stats.step_loss, t->steps);
    save_best(t);
    t->epoch++;
    t->step = 0;
    t->seconds = 0.0;
    if (t->events != NULL && t->events->epoch != NULL)
        t->events->epoch(t->events->context, &metrics);
    mb_checkpoint_after_epoch(t);
}

mb_status mb_trainer_run_epoch(mb_trainer *t, mb_error *error)
{
    mb_status status = MB_OK;
    start_epoch(t);
    t->stopped = mb_events_stop(t->events);
    while (status == MB_OK && t->step < t->steps && !t->stopped) {
        status = train_interval(t, error);
        t->stopped = mb_events_stop(t->events);
    }
    if (status == MB_OK && !t->stopped)
        finish_epoch(t);
    return status;
}

/* No later loss would show what the last update did. */
static mb_status check_parameters(const mb_network *network, mb_error *error)
{
    for (size_t i = 0; i < network->parameter_elements; i++)
        if (!isfinite(network->parameters[i]))
            return mb_fail(error, MB_ERROR_DIVERGED,
                           "training: the last step left a parameter that is not finite: try a "
                           "smaller learning rate");
    return MB_OK;
}

size_t mb_trainer_total_steps(const mb_trainer *t) { return t->epoch * t->steps + t->step; }

bool mb_trainer_is_done(const mb_trainer *t)
{
    const size_t patience = t->options->patience, finished = t->history.finished;
    if (t->epoch >= t->options->epochs)
        return true;
    return patience > 0 && finished > 0 && finished - 1 - mb_history_best(&t->history) >= patience;
}

mb_status mb_trainer_run(mb_trainer *t, mb_error *error)
{
    mb_status status = MB_OK;
    t->stopped = false;
    while (!mb_trainer_is_done(t) && !t->stopped && status == MB_OK)
        status = mb_trainer_run_epoch(t, error);
    return status == MB_OK ? check_parameters(t->training.network, error) : status;
}

mb_training_position mb_trainer_position(const mb_trainer *t)
{
    return (mb_training_position){.epoch = t->epoch,
                                  .step = t->step,
                                  .steps = t->steps,
                                  .stopped = t->stopped,
                                  .done = mb_trainer_is_done(t)};
}

const mb_history *mb_trainer_history(const mb_trainer *t) { return &t->history; }

const mb_epoch_metrics *mb_trainer_selected_epoch(const mb_trainer *t)
{
    const mb_history *history = &t->history;
    if (history->finished == 0)
        return NULL;
    return &history->epochs[t->best != NULL ? mb_history_best(history) : history->finished - 1];
}

void mb_trainer_finalize(mb_trainer *t)
{
    const mb_network *network = t->training.network;
    const float *result = t->trainable.ema;
    if (result != NULL)
        mb_network_copy_state(network, t->trainable.ema);
    if (t->best != NULL && t->history.finished > 0)
        result = t->best;
    if (result != NULL)
        memcpy(network->parameters, result, network->parameter_elements * sizeof *result);
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
    mb_trainer_finalize(trainer);
    mb_trainer_close(trainer);
    return status;
}
