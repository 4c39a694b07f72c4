/* Phases touch what they declare, and nothing else: every kind of network, in training and in
 * evaluation, runs in the plan's debug mode (plan_check.h); and wrong declarations are found. */
#include "support.h"
#include "test.h"

#include "layer_nets.h"
#include "plan_check.h"
#include "random.h"
#include "training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 12, PIXELS = SIDE * SIDE, IMAGES = 66, CLASSES = 5 };
/* Wrong declarations are of one network in NETS_STEP: of a sample with sanitizers, which slow the
 * checker down. */
#ifdef __SANITIZE_ADDRESS__
enum { NETS_STEP = 5 };
#else
enum { NETS_STEP = 1 };
#endif

static uint8_t images[IMAGES * PIXELS], labels[IMAGES];
static uint32_t order[IMAGES];

static int open_machine(void **state)
{
    for (size_t i = 0; i < IMAGES; i++) {
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, i);
        order[i] = (uint32_t)(IMAGES - 1 - i);
        labels[i] = (uint8_t)(i % CLASSES);
        for (size_t p = 0; p < PIXELS; p++)
            images[i * PIXELS + p] =
                (uint8_t)(mb_rng_below(&rng, 3) == 0 ? mb_rng_below(&rng, 256) : 0);
    }
    *state = mb_test_machine(1);
    return 0;
}

static int close_machine(void **state)
{
    mb_machine_close(*state);
    return 0;
}

/* ---- the buffers of an epoch ---- */

static void add_matrix(mb_plan_check *check, const char *text, mb_matrix matrix, size_t rows)
{
    const size_t elements =
        matrix.per_thread ? mb_per_thread_stride(matrix.columns) : rows * matrix.columns;
    mb_plan_check_add(check, matrix.data, text, matrix.data, elements * sizeof(float),
                      matrix.per_thread ? MB_CHECKED_PER_THREAD : MB_CHECKED_FLOATS);
}

static void add_layers(mb_plan_check *check, const mb_epoch *epoch, size_t rows)
{
    const bool training = epoch->trainable != NULL;
    for (size_t i = 0; i < epoch->network->count; i++) {
        const mb_layer *layer = &epoch->network->layers[i];
        const size_t bytes = (layer->parameter_count + layer->state_count) * sizeof(float);
        const float *ours[] = {layer->parameters,
                               training ? epoch->trainable->m + layer->parameter_offset : NULL,
                               training ? epoch->trainable->v + layer->parameter_offset : NULL};
        for (size_t k = 0; k < 3; k++)
            mb_plan_check_add(check, layer->parameters, "parameters", ours[k], bytes,
                              MB_CHECKED_FLOATS);
        if (layer->ops->in_place)
            continue;
        add_matrix(check, "out", epoch->activations.out[i], rows);
        if (training)
            add_matrix(check, "d_out", epoch->activations.d_out[i], rows);
        if (layer->ops->workspace_size != NULL)
            mb_plan_check_add(check, epoch->activations.workspace[i], "workspace",
                              epoch->activations.workspace[i],
                              layer->ops->workspace_size(layer, rows, training) * sizeof(float),
                              strcmp(layer->ops->name, "maxpool2d") == 0 ? MB_CHECKED_INDICES
                                                                         : MB_CHECKED_FLOATS);
    }
}

static void add_batch(mb_plan_check *check, const mb_batch *batch, size_t rows)
{
    const size_t pixels = batch->source->pixels;
    mb_plan_check_add(check, batch->labels, "labels", batch->labels, rows, MB_CHECKED_INDICES);
    mb_plan_check_add(check, batch->x, "x", batch->x, rows * pixels * sizeof(float),
                      MB_CHECKED_FLOATS);
    for (size_t b = 0; batch->block != NULL && b * MB_BLOCK_ROWS < rows; b++) {
        mb_plan_check_add(check, batch->block, "block mask", batch->block[b].mask,
                          pixels * sizeof(uint64_t), MB_CHECKED_INDICES);
        mb_plan_check_add(check, batch->block, "block value", batch->block[b].value,
                          pixels * MB_BLOCK_ROWS, MB_CHECKED_INDICES);
    }
}

static mb_plan_check *buffers_of(mb_epoch *epoch, size_t rows)
{
    mb_plan_check *check = mb_test_alloc(1, sizeof *check);
    add_layers(check, epoch, rows);
    add_batch(check, &epoch->loader.batch, rows);
    mb_plan_check_add(check, epoch->loss.losses, "losses", epoch->loss.losses, rows * sizeof(float),
                      MB_CHECKED_FLOATS);
    mb_plan_check_add(check, epoch->loss.predicted, "predicted", epoch->loss.predicted, rows,
                      MB_CHECKED_FLOATS);
    const mb_epoch_stats *stats = &epoch->stats; /* without its pointers */
    mb_plan_check_add(check, &stats->finite, "stats", stats,
                      offsetof(mb_epoch_stats, finite) + sizeof stats->finite, MB_CHECKED_INDICES);
    return check;
}

/* ---- every kind of network ---- */

static mb_network *open_network(const mb_machine *machine, const char *layers)
{
    char spec[256];
    snprintf(spec, sizeof spec, "%s,dense:%d", layers, CLASSES);
    return mb_test_network(machine, spec, (mb_shape){1, SIDE, SIDE}, CLASSES);
}

static mb_step step_of(mb_epoch *epoch, mb_update *update)
{
    mb_step step = mb_data_loader_step(&epoch->loader, 0);
    if (epoch->get_update != NULL)
        *update = epoch->get_update(epoch->get_update_context, 0);
    step.update = update;
    return step;
}

static void check_epoch(mb_epoch *epoch, const char *what)
{
    mb_update update = {0};
    const mb_step step = step_of(epoch, &update);
    mb_plan_check *check = buffers_of(epoch, epoch->loader.batch_size);
    if (!mb_plan_check_run(check, &epoch->full, &step))
        fail_msg("%s of %s: %s", what, mb_network_spec(epoch->network), check->problem);
}

static mb_training_options options_for(size_t rows)
{
    return (mb_training_options){
        .optimizer = MB_OPTIMIZER_SGD, .batch_size = rows, .lr = 0.01, .momentum = 0.9};
}

TEST(phases_of_training_touch_what_they_declare)
{
    for (size_t i = 0; i < TEST_COUNT(plan_nets); i++) {
        mb_network *network = open_network(*state, plan_nets[i].spec);
        const mb_split split = mb_test_split(network, images, labels, IMAGES);
        const mb_training_options options = options_for(plan_nets[i].rows);
        mb_test_training t;
        mb_test_training_open(*state, network, &split, order, plan_nets[i].rows, &options, &t);
        check_epoch(&t.epoch, "training");
        mb_test_training_close(&t);
    }
}

/* Whose gradients are added up in other phases. */
TEST(phases_of_ranks_touch_what_they_declare)
{
    for (size_t i = 0; i < TEST_COUNT(plan_nets); i += NETS_STEP) {
        mb_network *network = open_network(*state, plan_nets[i].spec);
        const mb_split split = mb_test_split(network, images, labels, IMAGES);
        const mb_training_options options = options_for(plan_nets[i].rows);
        mb_test_training t;
        mb_test_training_open(*state, network, &split, order, plan_nets[i].rows, &options, &t);
        assert_int_equal(mb_epoch_plan_as(&t.epoch, 2, NULL), MB_OK);
        check_epoch(&t.epoch, "ranks");
        mb_test_training_close(&t);
    }
}

TEST(phases_of_evaluation_touch_what_they_declare)
{
    for (size_t i = 0; i < TEST_COUNT(plan_nets); i++) {
        mb_network *network = open_network(*state, plan_nets[i].spec);
        const mb_split split = mb_test_split(network, images, labels, IMAGES);
        mb_arena arena = {0};
        mb_sample_source source;
        mb_epoch epoch;
        assert_int_equal(mb_network_source(network, &split, &arena, &source, NULL), MB_OK);
        const mb_data_loader_config config = {
            .source = &source, .samples = plan_nets[i].rows, .batch_size = plan_nets[i].rows};
        assert_int_equal(mb_epoch_open(network, &config, NULL, 1, NULL, &epoch, NULL), MB_OK);
        mb_epoch_start(&epoch, order, 0);
        check_epoch(&epoch, "evaluation");
        mb_epoch_close(&epoch);
        mb_arena_free(&arena);
    }
}

/* ---- wrong declarations ---- */

/* True if the phase has another use of the buffer, or if it is the samples, which no phase writes.
 */
static bool is_left_alone(const mb_epoch *epoch, const mb_phase *phase, size_t use)
{
    const void *buffer = phase->uses[use].buffer;
    for (size_t u = 0; u < MB_MAX_USES; u++)
        if (u != use && phase->uses[u].buffer == buffer)
            return true;
    return buffer == NULL || buffer == epoch->loader.batch.source;
}

static bool is_found(mb_plan_check *check, const mb_epoch *epoch, const mb_step *step, mb_use *use,
                     mb_use wrong)
{
    const mb_use right = *use;
    *use = wrong;
    /* All that a step writes changes. */
    for (size_t b = 0; b < check->count; b++)
        if (strcmp(check->buffers[b].text, "parameters") != 0 &&
            strcmp(check->buffers[b].text, "stats") != 0)
            memset(check->buffers[b].start, 0x3f, check->buffers[b].size);
    const bool found = !mb_plan_check_run(check, &epoch->full, step);
    *use = right;
    return found;
}

/* Logits are declared, but read only if the statistics list them. */
static bool may_be_unread(const mb_epoch *epoch, const mb_phase *phase, const mb_use *use)
{
    const mb_matrix *logits = &epoch->activations.out[epoch->network->count - 1];
    return strcmp(phase->name, "statistics") == 0 && use->buffer == logits->data;
}

/* Each use of each phase is left out in turn, and each that writes says that it only reads. */
TEST(a_use_that_is_left_out_is_found)
{
    for (size_t i = 0; i < TEST_COUNT(plan_nets); i += NETS_STEP) {
        mb_network *network = open_network(*state, plan_nets[i].spec);
        const mb_split split = mb_test_split(network, images, labels, IMAGES);
        const mb_training_options options = options_for(3);
        mb_test_training t;
        mb_update update;
        mb_test_training_open(*state, network, &split, order, 3, &options, &t);
        for (size_t n = 0; n < 100; n++) /* until the classes are predicted */
            mb_test_training_run(&t, 0, 1);
        const mb_step step = step_of(&t.epoch, &update);
        mb_plan_check *check = buffers_of(&t.epoch, 3);
        for (size_t p = 0; p < t.epoch.full.count; p++) {
            mb_phase *phase = (mb_phase *)(uintptr_t)mb_plan_phase(&t.epoch.full, p);
            for (size_t u = 0; u < MB_MAX_USES; u++) {
                mb_use *use = &phase->uses[u], reads = *use;
                if (is_left_alone(&t.epoch, phase, u))
                    continue;
                reads.writes = false;
                const bool seen = is_found(check, &t.epoch, &step, use, (mb_use){0});
                if (use->writes && !is_found(check, &t.epoch, &step, use, reads))
                    fail_msg("%s: %s: writes of use %zu", plan_nets[i].spec, phase->name, u);
                if (!seen && !may_be_unread(&t.epoch, phase, use))
                    fail_msg("%s: %s: use %zu", plan_nets[i].spec, phase->name, u);
            }
        }
        mb_test_training_close(&t);
    }
}

/* ---- wrong parts of ranks ---- */

static void no_part(const void *op, mb_tile tile, mb_region *part)
{
    (void)op, (void)tile, (void)part;
}

/* True if the use of a phase that has several chunks says which part of a buffer is a rank's. */
static bool has_part(const mb_phase *phase, const mb_use *use)
{
    const mb_tile_part *part = &use->part;
    return use->buffer != NULL && use->writes && !use->copies && !phase->each_rank &&
           mb_tiling_chunks(phase->tiling) > 1 &&
           (part->of_tile != NULL || part->chunk_bytes > 0 || part->column_bytes > 0);
}

/* Wrong in turn: nothing at all, and each tile's part moved by a row, a chunk or an element. */
static size_t wrong_parts(const mb_use *use, mb_use wrong[2])
{
    wrong[0] = wrong[1] = *use;
    wrong[0].part = (mb_tile_part){.of_tile = no_part};
    if (use->part.of_tile != NULL)
        return 1;
    if (use->part.chunk_bytes > 0)
        wrong[1].part.chunk_bytes /= 2;
    else
        wrong[1].part.row_bytes /= 2;
    return use->part.chunk_bytes > 0 || use->part.row_bytes > 0 ? 2 : 1;
}

/* The parts of all phases of all networks are made wrong in turn. */
TEST(a_part_of_a_layer_that_is_wrong_is_found)
{
    size_t changed = 0;
    for (size_t i = 0; i < TEST_COUNT(plan_nets); i += NETS_STEP) {
        mb_network *network = open_network(*state, plan_nets[i].spec);
        const mb_split split = mb_test_split(network, images, labels, IMAGES);
        const mb_training_options options = options_for(3);
        mb_test_training t;
        mb_update update;
        mb_test_training_open(*state, network, &split, order, 3, &options, &t);
        const mb_step step = step_of(&t.epoch, &update);
        mb_plan_check *check = buffers_of(&t.epoch, 3);
        for (size_t p = 0; p < t.epoch.full.count; p++) {
            mb_phase *phase = (mb_phase *)(uintptr_t)mb_plan_phase(&t.epoch.full, p);
            for (size_t u = 0; u < MB_MAX_USES; u++) {
                mb_use *use = &phase->uses[u], wrong[2];
                const size_t count = has_part(phase, use) ? wrong_parts(use, wrong) : 0;
                for (size_t w = 0; w < count; w++, changed++)
                    if (!is_found(check, &t.epoch, &step, use, wrong[w]))
                        fail_msg("%s: %s: part of use %zu", plan_nets[i].spec, phase->name, u);
            }
        }
        mb_test_training_close(&t);
    }
    assert_true(changed > 100 / NETS_STEP);
}

TEST_GROUP(open_machine, close_machine);
