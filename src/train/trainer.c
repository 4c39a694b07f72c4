/* Training: epochs of chunks of steps. A chunk is one parallel region of about 50 ms; between
 * chunks the caller's thread is alone, and tells how far things are. */
#include "train/trainer.h"

#include "core/clock.h"
#include "data/sampler.h"
#include "machine/machine.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
#include <mnist_blas/options.h>

#include <math.h>
#include <string.h>

static const double interval_seconds = 0.05;

static mb_update update_of_step(const void *context, size_t step)
{
    const mb_trainer *t = context;
    const size_t done = t->epoch * t->steps + step;
    const double lr = mb_schedule_lr(t->options, done, t->options->epochs * t->steps);
    return mb_optimizer_update(t->options, lr, done);
}

static double lr_of_step(const mb_trainer *t, size_t step)
{
    return mb_schedule_lr(t->options, t->epoch * t->steps + step, t->options->epochs * t->steps);
}

static void report_progress(const mb_trainer *t)
{
    if (t->events == NULL || t->events->progress == NULL)
        return;
    const mb_epoch_stats *stats = &t->training.stats;
    const size_t done = t->step * t->training.loader.batch_size;
    const mb_progress progress = {
        .epoch = t->epoch + 1,
        .epochs = t->options->epochs,
        .samples_done = done < t->training.loader.samples ? done : t->training.loader.samples,
        .samples = t->training.loader.samples,
        .seconds = t->seconds,
        .loss = stats->samples > 0 ? stats->loss / (double)stats->samples : NAN,
        .steps_done = t->step,
        .steps = t->steps,
        .step_loss = stats->step_loss};
    t->events->progress(t->events->context, &progress);
}

/* false: events->stop asked for an end. */
static bool evaluate(mb_trainer *t, mb_epoch_metrics *metrics)
{
    if (t->trainable.ema != NULL)
        mb_network_copy_state(t->training.network, t->trainable.ema);
    const mb_epoch_stats *test = mb_evaluator_run(&t->test, t->team, t->events);
    if (test == NULL)
        return false;
    metrics->test_accuracy = (double)test->correct / (double)t->test.epoch.loader.samples;
    if (t->options->validation == 0)
        return true;
    const mb_epoch_stats *held_out = mb_evaluator_run(&t->validation, t->team, t->events);
    if (held_out == NULL)
        return false;
    metrics->validation_accuracy = (double)held_out->correct / (double)t->options->validation;
    return true;
}

static mb_epoch_metrics metrics_of_training(const mb_trainer *t)
{
    const mb_epoch_stats *stats = &t->training.stats;
    const double samples = (double)stats->samples;
    return (mb_epoch_metrics){
        .epoch = t->epoch + 1,
        .epochs = t->options->epochs,
        .train_loss = stats->loss / samples,
        .train_accuracy = (double)stats->correct / samples,
        .validation_accuracy = NAN,
        .lr = lr_of_step(t, t->steps - 1),
        .threads = t->thread_tuner.threads,
        .seconds = t->seconds,
        .samples_per_second = samples / t->seconds,
        .gflops = 1e-9 * samples * mb_network_training_flops(t->training.network) / t->seconds};
}

static mb_status fail_diverged(const mb_trainer *t, size_t step, mb_error *error)
{
    return mb_fail(error, MB_ERROR_DIVERGED,
                   "training: the loss is not finite at step %zu of epoch %zu, learning rate %g: "
                   "try a smaller one",
                   step, t->epoch + 1, lr_of_step(t, step - 1));
}

/* The sums of the steps that are done already, in a run that was resumed, stay. */
static void begin_epoch(mb_trainer *t)
{
    const double started = mb_seconds();
    const mb_epoch_stats so_far = t->training.stats;
    mb_sampler_shuffle(t->options->seed, t->epoch, t->training.loader.samples, t->order);
    mb_epoch_start(&t->training, t->order, t->epoch);
    if (t->step > 0) {
        t->training.stats.loss = so_far.loss;
        t->training.stats.steps = so_far.steps;
        t->training.stats.samples = so_far.samples;
        t->training.stats.correct = so_far.correct;
    }
    t->seconds += mb_seconds() - started;
    mb_thread_tuner_start_epoch(&t->thread_tuner, t->steps - t->step);
}

/* How many steps to run before the caller is heard again: a single one before their time is known,
 * as a step may take a second. */
static size_t steps_of_interval(const mb_trainer *t)
{
    const size_t usual = t->interval_steps > 0 ? t->interval_steps : 1;
    const size_t left = t->steps - t->step, wanted = mb_thread_tuner_steps(&t->thread_tuner, usual);
    const size_t done = t->epoch * t->steps + t->step;
    const size_t to_meet = t->meet_every > 0 ? t->meet_every - done % t->meet_every : left;
    const size_t least = left < wanted ? left : wanted;
    return least < to_meet ? least : to_meet;
}

static mb_status train_interval(mb_trainer *t, mb_error *error)
{
    const double started = mb_seconds();
    const size_t ran =
        mb_epoch_run(&t->training, t->team, t->thread_tuner.threads, t->step, steps_of_interval(t));
    const double took = mb_seconds() - started;
    if (!t->training.stats.finite)
        return fail_diverged(t, t->step + ran, error);
    t->step += ran;
    t->seconds += took;
    if (t->interval_steps > 0) /* the first step finds cold memory, and tells nothing of threads */
        mb_thread_tuner_record(&t->thread_tuner, ran, took);
    t->interval_steps = (size_t)(interval_seconds / took * (double)ran) + 1;
    report_progress(t);
    return MB_OK;
}

static bool is_to_stop(const mb_trainer *t)
{
    return t->events != NULL && t->events->stop != NULL && t->events->stop(t->events->context);
}

static void keep_best(mb_trainer *t)
{
    const mb_network *network = t->evaluated;
    if (t->best != NULL && mb_history_best(&t->history) == t->epoch)
        memcpy(t->best, network->parameters, network->parameter_elements * sizeof *t->best);
}

/* Where it is stopped meanwhile, all steps of the epoch are done, and it is evaluated when the run
 * goes on. */
static void end_epoch(mb_trainer *t)
{
    mb_epoch_metrics metrics = metrics_of_training(t);
    t->stopped = !evaluate(t, &metrics);
    if (t->stopped)
        return;
    if (t->history.finished < t->options->epochs)
        mb_history_add(&t->history, &metrics, t->training.stats.step_loss, t->steps);
    keep_best(t);
    t->epoch++;
    t->step = 0;
    t->seconds = 0.0;
    if (t->events != NULL && t->events->epoch != NULL)
        t->events->epoch(t->events->context, &metrics);
}

mb_status mb_trainer_epoch(mb_trainer *t, mb_error *error)
{
    mb_status status = MB_OK;
    begin_epoch(t);
    t->stopped = is_to_stop(t);
    while (status == MB_OK && t->step < t->steps && !t->stopped) {
        status = train_interval(t, error);
        t->stopped = is_to_stop(t);
    }
    if (status == MB_OK && !t->stopped)
        end_epoch(t);
    return status;
}

/* The last update has no loss after it that would show what it did. */
static mb_status check_parameters(const mb_network *network, mb_error *error)
{
    for (size_t i = 0; i < network->parameter_elements; i++)
        if (!isfinite(network->parameters[i]))
            return mb_fail(error, MB_ERROR_DIVERGED,
                           "training: the last step left a parameter that is not finite: try a "
                           "smaller learning rate");
    return MB_OK;
}

bool mb_trainer_is_done(const mb_trainer *t)
{
    const size_t patience = t->options->patience, finished = t->history.finished;
    if (t->epoch >= t->options->epochs)
        return true;
    return patience > 0 && finished > 0 && finished - 1 - mb_history_best(&t->history) >= patience;
}

size_t mb_trainer_selected_epoch(const mb_trainer *t)
{
    return t->best != NULL ? mb_history_best(&t->history) : t->history.finished - 1;
}

mb_status mb_trainer_run(mb_trainer *t, mb_error *error)
{
    mb_status status = MB_OK;
    while (!mb_trainer_is_done(t) && !t->stopped && status == MB_OK)
        status = mb_trainer_epoch(t, error);
    return status == MB_OK ? check_parameters(t->training.network, error) : status;
}

static mb_status open_parameters(mb_trainer *t, const mb_network *network, mb_error *error)
{
    const size_t room = network->parameter_elements;
    t->trainable =
        (mb_trainable){.m = mb_arena_alloc(&t->arena, room, sizeof(float)),
                       .v = mb_arena_alloc(&t->arena, room, sizeof(float)),
                       .optimizer_kernel = mb_optimizer_kernel(t->options, network->kernels),
                       .ema_update = network->kernels->ema_update,
                       .seed = t->options->seed,
                       .label_smoothing = t->options->label_smoothing,
                       .finite = &t->training.stats.finite};
    if (t->trainable.m == NULL || t->trainable.v == NULL)
        return mb_fail_memory(error, "optimizer", 2 * room * sizeof(float));
    return MB_OK;
}

static mb_status open_epoch(mb_trainer *t, const mb_network *network, size_t threads,
                            mb_error *error)
{
    const mb_training_options *options = t->options;
    const bool augments = options->augmentation.kind != MB_AUGMENT_NONE;
    const mb_data_loader_config supply = {.source = &t->source,
                                          .augmenter = augments ? &t->augmenter : NULL,
                                          .samples = t->source.split.images.count,
                                          .batch_size = options->batch_size};
    mb_status status = MB_OK;
    if (augments)
        status = mb_augmenter_open(&options->augmentation, options->seed, &t->source, &t->arena,
                                   &t->augmenter, error);
    t->augmenter.plain_from = options->epochs - options->augmentation.plain_epochs;
    if (status == MB_OK)
        status = mb_epoch_open(network, &supply, &t->trainable, threads, &t->training, error);
    t->training.get_update = update_of_step;
    t->training.get_update_context = t;
    return status;
}

/* The average begins as the parameters are. */
static mb_status open_average(mb_trainer *t, const mb_network *network, mb_error *error)
{
    t->evaluated = network;
    if (!(t->options->ema > 0.0))
        return MB_OK;
    float *average = mb_arena_alloc(&t->arena, network->parameter_elements, sizeof *average);
    if (average != NULL)
        t->evaluated = mb_network_with_parameters(network, average, &t->arena);
    if (average == NULL || t->evaluated == NULL)
        return mb_fail_memory(error, "average", network->parameter_elements * sizeof *average);
    memcpy(average, network->parameters, network->parameter_elements * sizeof *average);
    t->trainable.ema = average;
    return MB_OK;
}

static mb_status open_best(mb_trainer *t, const mb_network *network, mb_error *error)
{
    if (t->options->patience == 0)
        return MB_OK;
    t->best = mb_arena_alloc(&t->arena, network->parameter_elements, sizeof *t->best);
    return t->best != NULL
               ? MB_OK
               : mb_fail_memory(error, "best epoch", network->parameter_elements * sizeof *t->best);
}

void mb_trainer_finalize(mb_trainer *t)
{
    const mb_network *network = t->training.network;
    const float *left = t->trainable.ema;
    if (left != NULL)
        mb_network_copy_state(network, t->trainable.ema);
    if (t->best != NULL && t->history.finished > 0)
        left = t->best;
    if (left != NULL)
        memcpy(network->parameters, left, network->parameter_elements * sizeof *left);
}

static mb_status open_trainer(mb_trainer *t, const mb_network *network, const mb_dataset *dataset,
                              mb_error *error)
{
    const size_t threads = mb_team_threads(t->team), held_out = t->options->validation;
    const size_t samples = dataset->train.images.count - held_out;
    const mb_split training = {mb_images_slice(&dataset->train.images, 0, samples),
                               dataset->train.labels};
    const mb_split validation = {mb_images_slice(&dataset->train.images, samples, held_out),
                                 dataset->train.labels + samples};
    mb_status status = mb_history_open(t->options->epochs, &t->history, error);
    if (status == MB_OK)
        status = open_parameters(t, network, error);
    if (status == MB_OK)
        status = open_average(t, network, error);
    if (status == MB_OK)
        status = open_best(t, network, error);
    if (status == MB_OK)
        status = mb_evaluator_open(t->evaluated, &dataset->test, threads, &t->test, error);
    if (status == MB_OK && held_out > 0)
        status = mb_evaluator_open(t->evaluated, &validation, threads, &t->validation, error);
    if (status == MB_OK)
        status = mb_network_source(network, &training, &t->arena, &t->source, error);
    t->order = mb_arena_alloc(&t->arena, samples, sizeof *t->order);
    if (status == MB_OK && t->order == NULL)
        status = mb_fail_memory(error, "training", samples * sizeof *t->order);
    if (status == MB_OK)
        status = open_epoch(t, network, threads, error);
    if (status != MB_OK)
        return status;
    t->steps = mb_data_loader_steps(&t->training.loader);
    t->training.stats.step_loss = mb_arena_alloc(&t->arena, t->steps, sizeof(float));
    if (t->training.stats.step_loss == NULL)
        return mb_fail_memory(error, "training", t->steps * sizeof(float));
    return MB_OK;
}

mb_status mb_trainer_open(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                          const mb_training_options *options, const mb_training_events *events,
                          mb_trainer *trainer, mb_error *error)
{
    *trainer = (mb_trainer){.team = mb_machine_team(machine), .options = options, .events = events};
    trainer->thread_tuner =
        mb_thread_tuner_init(mb_team_threads(trainer->team), mb_machine_threads_requested(machine));
    mb_status status = mb_training_options_check(options, dataset->train.images.count, error);
    if (status == MB_OK && dataset->classes > network->classes)
        status =
            mb_fail(error, MB_ERROR_INVALID, "training: %zu classes of images, the network has %zu",
                    dataset->classes, network->classes);
    if (status == MB_OK)
        status = open_trainer(trainer, network, dataset, error);
    if (status != MB_OK)
        mb_trainer_close(trainer);
    return status;
}

void mb_trainer_close(mb_trainer *t)
{
    mb_epoch_close(&t->training);
    mb_evaluator_close(&t->test);
    mb_evaluator_close(&t->validation);
    mb_history_close(&t->history);
    mb_arena_free(&t->arena);
}

mb_status mb_train(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                   const mb_training_options *options, const mb_training_events *events,
                   mb_error *error)
{
    mb_trainer t;
    mb_status status = mb_trainer_open(machine, network, dataset, options, events, &t, error);
    if (status != MB_OK)
        return status;
    status = mb_trainer_run(&t, error);
    mb_trainer_finalize(&t);
    mb_trainer_close(&t);
    return status;
}
