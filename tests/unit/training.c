#include "training.h"

#include "machine/machine.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
#include "support.h"
#include "test.h"

#include <stdlib.h>

mb_machine *mb_test_machine(size_t threads)
{
    const mb_machine_options options = {.threads = threads, .pin = "none"};
    mb_machine *machine = NULL;
    assert_int_equal(mb_machine_open(&options, &machine, NULL), MB_OK);
    return machine;
}

static mb_update update_of_step(const void *context, size_t step)
{
    const mb_test_training *t = context;
    const double lr = mb_schedule_lr(&t->options, step, mb_data_loader_steps(&t->epoch.loader));
    return mb_optimizer_update(&t->options, lr, step);
}

static void close_network(void *network) { mb_network_close(network); }

mb_network *mb_test_network(const mb_machine *machine, const char *spec, mb_shape input,
                            size_t classes)
{
    mb_network *network = NULL;
    mb_error error = {0};
    if (mb_network_open(machine, spec, input, classes, &network, &error) != MB_OK)
        fail_msg("%s: %s", spec, error.text);
    mb_network_initialise(network, 1);
    mb_test_defer(close_network, network);
    return network;
}

mb_split mb_test_split(const mb_network *network, const uint8_t *images, const uint8_t *labels,
                       size_t count)
{
    const mb_shape input = network->input;
    return (mb_split){{images, count, input.channels, input.rows, input.columns}, labels};
}

float *mb_test_parameters(const mb_network *network)
{
    float *all = mb_test_alloc(mb_network_parameter_count(network), sizeof *all), *next = all;
    for (size_t t = 0; t < mb_network_tensor_count(network); t++) {
        mb_network_get_tensor(network, t, next);
        next += mb_network_tensor_info(network, t).elements;
    }
    return all;
}

void mb_test_logits(mb_machine *machine, const mb_network *network, const mb_images *images,
                    float *logits)
{
    mb_classifier *classifier = NULL;
    mb_error error;
    if (mb_classifier_open(machine, network, 64, &classifier, &error) != MB_OK ||
        mb_classifier_logits(classifier, images, logits, &error) != MB_OK)
        fail_msg("%s", error.text);
    mb_classifier_close(classifier);
}

void mb_test_training_open(mb_machine *machine, mb_network *network, const mb_split *split,
                           const uint32_t *order, size_t samples,
                           const mb_training_options *options, mb_test_training *training)
{
    mb_test_training *t = training;
    *t = (mb_test_training){.machine = machine, .network = network, .options = *options};
    const size_t elements = network->parameter_elements;
    assert_int_equal(mb_network_source(network, split, &t->arena, &t->source, NULL), MB_OK);
    t->trainable =
        (mb_trainable){.m = mb_arena_alloc(&t->arena, elements, sizeof(float)),
                       .v = mb_arena_alloc(&t->arena, elements, sizeof(float)),
                       .optimizer_kernel = mb_optimizer_kernel(options, network->kernels),
                       .label_smoothing = options->label_smoothing,
                       .seed = options->seed,
                       .finite = &t->epoch.stats.finite};
    assert_non_null(t->trainable.m);
    assert_non_null(t->trainable.v);
    const bool augments = options->augmentation.kind != MB_AUGMENT_NONE;
    const mb_data_loader_config config = {.source = &t->source,
                                          .augmenter = augments ? &t->augmenter : NULL,
                                          .samples = samples,
                                          .batch_size = options->batch_size};
    if (augments)
        assert_int_equal(mb_augmenter_open(&options->augmentation, options->seed, &t->source,
                                           &t->arena, &t->augmenter, NULL),
                         MB_OK);
    assert_int_equal(mb_epoch_open(network, &config, &t->trainable,
                                   mb_machine_describe(machine)->threads, NULL, &t->epoch, NULL),
                     MB_OK);
    t->epoch.get_update = update_of_step;
    t->epoch.get_update_context = t;
    mb_epoch_start(&t->epoch, order, 0);
}

size_t mb_test_training_run(mb_test_training *training, size_t first, size_t count)
{
    const size_t threads = mb_machine_describe(training->machine)->threads;
    return mb_epoch_run(&training->epoch, mb_machine_team(training->machine), threads, first,
                        count);
}

void mb_test_training_close(mb_test_training *training)
{
    mb_epoch_close(&training->epoch);
    mb_arena_free(&training->arena);
}
