#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "training.h"

#include "machine/machine.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"

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
    const double lr = mb_schedule_lr(&t->options, step, mb_feed_steps(&t->pass.feed));
    return mb_optimizer_update(&t->options, lr, step);
}

void mb_test_training_open(mb_machine *machine, mb_network *network, const mb_split *split,
                           const uint32_t *order, size_t samples,
                           const mb_training_options *options, mb_test_training *training)
{
    mb_test_training *t = training;
    *t = (mb_test_training){.machine = machine, .network = network, .options = *options};
    const size_t pixels = mb_shape_size(network->input), room = network->parameter_room;
    assert_int_equal(mb_network_source(network, split, pixels, &t->arena, &t->source, NULL), MB_OK);
    t->trainable = (mb_trainable){.first = mb_arena_take(&t->arena, room, sizeof(float)),
                                  .second = mb_arena_take(&t->arena, room, sizeof(float)),
                                  .apply = mb_optimizer_kernel(options, network->kernels),
                                  .healthy = &t->pass.tally.healthy};
    assert_non_null(t->trainable.first);
    assert_non_null(t->trainable.second);
    const bool augments = options->augmentation.kind != MB_AS_IT_IS;
    const mb_supply supply = {.source = &t->source,
                              .augmenter = augments ? &t->augmenter : NULL,
                              .samples = samples,
                              .batch_size = options->batch_size};
    if (augments)
        assert_int_equal(mb_augmenter_open(&options->augmentation, options->seed, &t->source,
                                           network->input.rows, network->input.columns, &t->arena,
                                           &t->augmenter, NULL),
                         MB_OK);
    assert_int_equal(mb_pass_open(network, &supply, &t->trainable,
                                  mb_machine_describe(machine)->threads, &t->pass, NULL),
                     MB_OK);
    t->pass.update_source = update_of_step;
    t->pass.update_context = t;
    mb_pass_start(&t->pass, order, 0);
}

size_t mb_test_training_run(mb_test_training *training, size_t first, size_t count)
{
    const size_t threads = mb_machine_describe(training->machine)->threads;
    return mb_pass_run(&training->pass, mb_machine_team(training->machine), threads, first, count);
}

void mb_test_training_close(mb_test_training *training)
{
    mb_pass_close(&training->pass);
    mb_arena_free(&training->arena);
}
