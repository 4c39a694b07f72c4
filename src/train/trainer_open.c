/* Preparing a training run: all memory that its steps need. */
#include "machine/machine.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
#include "train/trainer.h"

#include <mnist_blas/options.h>

#include <stdlib.h>
#include <string.h>

static mb_update update_of_step(const void *context, size_t step)
{
    const mb_trainer *t = context;
    const size_t done = t->epoch * t->steps + step;
    const double lr = mb_schedule_lr(t->options, done, t->options->epochs * t->steps);
    return mb_optimizer_update(t->options, lr, done);
}

/* Moments of 0; a moving average that starts as the parameters are; a place for the best. */
static mb_status open_parameters(mb_trainer *t, const mb_network *network, mb_error *error)
{
    const size_t elements = network->parameter_elements;
    t->evaluated = network;
    t->trainable =
        (mb_trainable){.m = mb_arena_alloc(&t->arena, elements, sizeof(float)),
                       .v = mb_arena_alloc(&t->arena, elements, sizeof(float)),
                       .optimizer_kernel = mb_optimizer_kernel(t->options, network->kernels),
                       .ema_update = network->kernels->ema_update,
                       .seed = t->options->seed,
                       .label_smoothing = t->options->label_smoothing,
                       .finite = &t->training.stats.finite};
    if (t->options->patience > 0)
        t->best = mb_arena_alloc(&t->arena, elements, sizeof *t->best);
    if (t->options->ema > 0.0) {
        t->trainable.ema = mb_arena_alloc(&t->arena, elements, sizeof(float));
        t->evaluated = mb_network_with_parameters(network, t->trainable.ema, &t->arena);
    }
    const mb_status status = mb_arena_status(&t->arena, "optimizer", error);
    if (status == MB_OK && t->trainable.ema != NULL)
        memcpy(t->trainable.ema, network->parameters, elements * sizeof(float));
    return status;
}

static mb_status open_evaluators(mb_trainer *t, const mb_split *validation, mb_error *error)
{
    const size_t threads = mb_machine_describe(t->machine)->threads;
    mb_status status = mb_evaluator_open(t->evaluated, &t->dataset->test, threads, &t->test, error);
    if (status == MB_OK && validation->images.count > 0)
        status = mb_evaluator_open(t->evaluated, validation, threads, &t->validation, error);
    return status;
}

static mb_status open_epoch(mb_trainer *t, const mb_network *network, mb_error *error)
{
    const mb_training_options *options = t->options;
    const bool augments = options->augmentation.kind != MB_AUGMENT_NONE;
    const mb_data_loader_config config = {.source = &t->source,
                                          .augmenter = augments ? &t->augmenter : NULL,
                                          .samples = t->source.split.images.count,
                                          .batch_size = options->batch_size};
    mb_status status = MB_OK;
    if (augments)
        status = mb_augmenter_open(&options->augmentation, options->seed, &t->source, &t->arena,
                                   &t->augmenter, error);
    t->augmenter.plain_from = options->epochs - options->augmentation.plain_epochs;
    if (status == MB_OK)
        status = mb_epoch_open(network, &config, &t->trainable,
                               mb_machine_describe(t->machine)->threads, &t->training, error);
    if (status != MB_OK)
        return status;
    t->training.get_update = update_of_step;
    t->training.get_update_context = t;
    t->steps = mb_data_loader_steps(&t->training.loader);
    t->training.stats.step_loss = mb_arena_alloc(&t->arena, t->steps, sizeof(float));
    t->order = mb_arena_alloc(&t->arena, config.samples, sizeof *t->order);
    return mb_arena_status(&t->arena, "training", error);
}

static mb_status open_all(mb_trainer *t, const mb_network *network, mb_error *error)
{
    const mb_split *all = &t->dataset->train;
    const size_t held_out = t->options->validation, samples = all->images.count - held_out;
    const mb_split training = {mb_images_slice(&all->images, 0, samples), all->labels};
    const mb_split validation = {mb_images_slice(&all->images, samples, held_out),
                                 all->labels + samples};
    mb_status status = mb_history_open(t->options->epochs, &t->history, error);
    if (status == MB_OK)
        status = open_parameters(t, network, error);
    if (status == MB_OK)
        status = open_evaluators(t, &validation, error);
    if (status == MB_OK)
        status = mb_network_source(network, &training, &t->arena, &t->source, error);
    return status == MB_OK ? open_epoch(t, network, error) : status;
}

mb_status mb_trainer_open(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                          const mb_training_options *options, const mb_training_events *events,
                          mb_trainer **trainer, mb_error *error)
{
    mb_status status = mb_training_options_check(options, dataset->train.images.count, error);
    if (status == MB_OK && dataset->classes > network->classes)
        status =
            mb_fail(error, MB_ERROR_INVALID, "training: %zu classes of images, the network has %zu",
                    dataset->classes, network->classes);
    if (status != MB_OK)
        return status;
    mb_trainer *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "training", sizeof *opened);
    opened->machine = machine;
    opened->dataset = dataset;
    opened->options = options;
    opened->events = events;
    opened->thread_tuner = mb_thread_tuner_init(mb_machine_describe(machine)->threads,
                                                mb_machine_threads_requested(machine));
    status = open_all(opened, network, error);
    if (status == MB_OK)
        *trainer = opened;
    else
        mb_trainer_close(opened);
    return status;
}

void mb_trainer_close(mb_trainer *trainer)
{
    if (trainer == NULL)
        return;
    mb_checkpoint_writer_close(&trainer->checkpoints);
    mb_epoch_close(&trainer->training);
    mb_evaluator_close(&trainer->test);
    mb_evaluator_close(&trainer->validation);
    mb_history_close(&trainer->history);
    mb_arena_free(&trainer->arena);
    free(trainer);
}
