/* Preparing a training run: all memory that its steps need. */
#include "machine/machine.h"
#include "machine/memory.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
#include "train/trainer.h"
#include "train/validation.h"

#include <mnist_blas/options.h>

#include <stdlib.h>
#include <string.h>

static mb_update update_of_step(const void *context, size_t step)
{
    const mb_trainer *trainer = context;
    const size_t done = trainer->epoch * trainer->steps + step;
    return mb_optimizer_update(trainer->options, mb_trainer_lr(trainer, step), done);
}

/* Moments of 0; a moving average that starts as the parameters are; a place for the best. */
static mb_status open_parameters(mb_trainer *trainer, const mb_network *network, mb_error *error)
{
    const size_t elements = network->parameter_elements;
    const double copies =
        2.0 + (trainer->options->patience > 0) + (trainer->options->ema > 0.0); /* of them */
    mb_status status = mb_memory_check(copies * (double)elements * sizeof(float), 0, "optimizer",
                                       "take a smaller network", error);
    if (status != MB_OK)
        return status;
    trainer->evaluated = network;
    trainer->trainable =
        (mb_trainable){.m = mb_arena_alloc(&trainer->arena, elements, sizeof(float)),
                       .v = mb_arena_alloc(&trainer->arena, elements, sizeof(float)),
                       .optimizer_kernel = mb_optimizer_kernel(trainer->options, network->kernels),
                       .ema_update = network->kernels->ema_update,
                       .seed = trainer->options->seed,
                       .label_smoothing = trainer->options->label_smoothing,
                       .finite = &trainer->training.stats.finite};
    if (trainer->options->patience > 0)
        trainer->best = mb_arena_alloc(&trainer->arena, elements, sizeof *trainer->best);
    if (trainer->options->ema > 0.0) {
        trainer->trainable.ema = mb_arena_alloc(&trainer->arena, elements, sizeof(float));
        trainer->evaluated =
            mb_network_with_parameters(network, trainer->trainable.ema, &trainer->arena);
    }
    status = mb_arena_status(&trainer->arena, "optimizer", error);
    if (status == MB_OK && trainer->trainable.ema != NULL)
        memcpy(trainer->trainable.ema, network->parameters, elements * sizeof(float));
    return status;
}

static mb_status open_evaluators(mb_trainer *trainer, const mb_split *validation, mb_error *error)
{
    const size_t threads = mb_machine_describe(trainer->machine)->threads;
    mb_status status = mb_evaluator_open(trainer->evaluated, &trainer->dataset->test, NULL, threads,
                                         trainer->ranks, &trainer->test, error);
    if (status == MB_OK && validation->images.count > 0)
        status = mb_evaluator_open(trainer->evaluated, validation, NULL, threads, trainer->ranks,
                                   &trainer->validation, error);
    return status;
}

static mb_status open_epoch(mb_trainer *trainer, const mb_network *network, size_t samples,
                            mb_error *error)
{
    const mb_training_options *options = trainer->options;
    const bool augments = options->augmentation.kind != MB_AUGMENT_NONE;
    const mb_data_loader_config config = {.source = &trainer->source,
                                          .augmenter = augments ? &trainer->augmenter : NULL,
                                          .samples = samples,
                                          .batch_size = options->batch_size};
    mb_status status = MB_OK;
    if (augments)
        status = mb_augmenter_open(&options->augmentation, options->seed, &trainer->source,
                                   &trainer->arena, &trainer->augmenter, error);
    trainer->augmenter.plain_from = options->epochs - options->augmentation.plain_epochs;
    if (status == MB_OK)
        status = mb_epoch_open(network, &config, &trainer->trainable,
                               mb_machine_describe(trainer->machine)->threads, trainer->ranks,
                               &trainer->training, error);
    if (status != MB_OK)
        return status;
    trainer->training.get_update = update_of_step;
    trainer->training.get_update_context = trainer;
    trainer->steps = mb_data_loader_steps(&trainer->training.loader);
    trainer->training.stats.step_loss =
        mb_arena_alloc(&trainer->arena, trainer->steps, sizeof(float));
    trainer->order = mb_arena_alloc(&trainer->arena, config.samples, sizeof *trainer->order);
    return mb_arena_status(&trainer->arena, "training", error);
}

/* Divides the training images. The data's own validation split stays where it is, behind them; a
 * sample is copied into the arena. */
static mb_status hold_out(mb_trainer *trainer, size_t held_out, mb_split *validation,
                          mb_error *error)
{
    const mb_split *all = &trainer->dataset->train;
    const size_t count = all->images.count, pixels = mb_images_stride(&all->images);
    mb_arena *arena = &trainer->arena;
    *validation = (mb_split){mb_images_slice(&all->images, count - held_out, held_out),
                             all->labels + (count - held_out)};
    if (held_out == trainer->dataset->validation)
        return MB_OK;
    uint8_t *images = mb_arena_alloc(arena, held_out, pixels);
    uint8_t *labels = mb_arena_alloc(arena, held_out, 1);
    trainer->split = mb_arena_alloc(arena, count, sizeof *trainer->split);
    const mb_status status = mb_arena_status(arena, "validation", error);
    if (status != MB_OK)
        return status;
    mb_validation_order(trainer->options, trainer->dataset, trainer->split);
    for (size_t i = 0; i < held_out; i++) {
        const size_t from = trainer->split[count - held_out + i];
        memcpy(images + i * pixels, all->images.pixels + from * pixels, pixels);
        labels[i] = all->labels[from];
    }
    validation->images.pixels = images;
    validation->labels = labels;
    return MB_OK;
}

/* The weights of the classes, from the labels of the `count` images that are trained. */
static mb_status open_class_weights(mb_trainer *trainer, size_t classes, size_t count,
                                    mb_error *error)
{
    const uint8_t *labels = trainer->dataset->train.labels;
    size_t counts[MB_MAX_CLASSES] = {0}, present = 0;
    if (trainer->options->class_weights == MB_CLASS_WEIGHTS_NONE)
        return MB_OK;
    float *weights = mb_arena_alloc(&trainer->arena, classes, sizeof *weights);
    if (weights == NULL)
        return mb_arena_status(&trainer->arena, "class weights", error);
    for (size_t i = 0; i < count; i++)
        counts[labels[trainer->split != NULL ? trainer->split[i] : i]]++;
    for (size_t class = 0; class < classes; class ++)
        present += counts[class] > 0;
    for (size_t class = 0; class < classes; class ++)
        if (counts[class] > 0)
            weights[class] = (float)((double)count / ((double)present * (double)counts[class]));
    trainer->trainable.class_weights = weights;
    return MB_OK;
}

static mb_status open_all(mb_trainer *trainer, const mb_network *network, mb_error *error)
{
    const mb_split *all = &trainer->dataset->train;
    const size_t held_out = mb_validation_count(trainer->options, trainer->dataset);
    mb_split validation;
    mb_status status = mb_history_open(trainer->options->epochs, &trainer->history, error);
    if (status == MB_OK)
        status = open_parameters(trainer, network, error);
    if (status == MB_OK)
        status = hold_out(trainer, held_out, &validation, error);
    if (status == MB_OK)
        status = open_class_weights(trainer, network->classes, all->images.count - held_out, error);
    if (status == MB_OK)
        status = open_evaluators(trainer, &validation, error);
    if (status == MB_OK)
        status = mb_network_source(network, all, &trainer->arena, &trainer->source, error);
    return status == MB_OK ? open_epoch(trainer, network, all->images.count - held_out, error)
                           : status;
}

mb_status mb_trainer_open(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                          const mb_training_options *options, const mb_training_events *events,
                          mb_trainer **trainer, mb_error *error)
{
    mb_status status = mb_training_options_check(options, dataset, error);
    if (status == MB_OK && (dataset->classes > network->classes ||
                            (dataset->class_names != NULL && dataset->classes != network->classes)))
        status =
            mb_fail(error, MB_ERROR_INVALID, "training: %zu classes of images, the network has %zu",
                    dataset->classes, network->classes);
    if (status != MB_OK)
        return status;
    mb_trainer *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "training", sizeof *opened);
    opened->machine = machine;
    opened->ranks = mb_machine_ranks(machine);
    opened->network = network;
    opened->dataset = dataset;
    opened->options = options;
    opened->events = events;
    opened->thread_tuner = mb_thread_tuner_init(mb_machine_describe(machine)->threads,
                                                mb_machine_threads_requested(machine) ||
                                                    mb_ranks_are_several(opened->ranks));
    const mb_image_form form = network->form;
    network->form = dataset->form; /* from which the network's input is made */
    status = open_all(opened, network, error);
    if (status == MB_OK)
        status = mb_network_set_class_names(network, dataset->class_names, error);
    if (status == MB_OK) {
        network->temperature = 1.0;
        network->threshold = 0.0;
        network->trained = mb_image_sketch_of(&dataset->train.images);
        *trainer = opened;
    } else {
        network->form = form;
        mb_trainer_close(opened);
    }
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
