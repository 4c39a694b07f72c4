/* Per-thread values, which pass from tile to tile and are never stored. */
#include "nn/network.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 40, THREADS = 3 };

/* A network, and the plan of its step up to the gradients. */
typedef struct fixture {
    mb_machine *machine;
    mb_network *network;
    mb_arena arena;
    mb_activations activations;
    mb_batch batch;
    mb_trainable trainable;
    mb_plan plan;
} fixture;

static fixture *open_fixture(const char *spec, bool training)
{
    fixture *f = calloc(1, sizeof *f);
    const mb_machine_options options = {.threads = 1, .pin = "none"};
    assert_int_equal(mb_machine_open(&options, &f->machine, NULL), MB_OK);
    assert_int_equal(
        mb_network_open(f->machine, spec, (mb_shape){1, 28, 28}, 10, &f->network, NULL), MB_OK);
    assert_int_equal(
        mb_activations_open(f->network, ROWS, THREADS, training, &f->arena, &f->activations, NULL),
        MB_OK);
    const mb_layer_context ctx = {.plan = &f->plan,
                                  .arena = &f->arena,
                                  .kernels = f->network->kernels,
                                  .batch = &f->batch,
                                  .rows = ROWS,
                                  .trainable = training ? &f->trainable : NULL};
    mb_network_forward(f->network, &f->activations, ctx);
    if (training)
        mb_network_backward(f->network, &f->activations, ctx, false);
    return f;
}

static void close_fixture(fixture *f)
{
    mb_plan_free(&f->plan);
    mb_arena_free(&f->arena);
    mb_network_close(f->network);
    mb_machine_close(f->machine);
    free(f);
}

static bool uses(const mb_phase *phase, const void *buffer)
{
    for (size_t i = 0; i < MB_MAX_USES; i++)
        if (phase->uses[i].buffer == buffer)
            return true;
    return false;
}

/* The phases that use it must be consecutive and fused tile by tile, without a barrier. */
static void is_handed_on_tile_by_tile(const fixture *f, const float *data)
{
    size_t first = SIZE_MAX, last = 0;
    for (size_t i = 0; i < f->plan.count; i++)
        if (uses(mb_plan_phase(&f->plan, i), data)) {
            first = first == SIZE_MAX ? i : first;
            last = i;
        }
    assert_true(first != SIZE_MAX);
    for (size_t i = first + 1; i <= last; i++)
        assert_true(mb_plan_is_fused(&f->plan, i));
}

/* `out` and `d_out` have a letter for each layer: p if it is per thread, m if it is stored in
 * memory, and
 * - for layers in place. */
static void check(const char *spec, bool training, const char *out, const char *d_out)
{
    fixture *f = open_fixture(spec, training);
    assert_int_equal(strlen(out), f->network->count);
    for (size_t i = 0; i < f->network->count; i++) {
        const mb_matrix *matrices[] = {&f->activations.out[i], &f->activations.d_out[i]};
        const char expected[] = {out[i], training ? d_out[i] : '-'};
        for (size_t kind = 0; kind < 2; kind++) {
            if (expected[kind] == '-')
                continue;
            assert_int_equal(matrices[kind]->per_thread, expected[kind] == 'p');
            if (matrices[kind]->per_thread)
                is_handed_on_tile_by_tile(f, matrices[kind]->data);
        }
    }
    close_fixture(f);
}

TEST(lenet5)
{
    (void)state; /* conv relu pool conv relu pool flatten dense relu dense relu dense */
    check("lenet5", true, "--mp-m-m-m-m", "--p--m-m-m-m");
    check("lenet5", false, "--pp-m-m-m-m", NULL);
}

TEST(what_backward_reads_again_stays)
{
    static const char wide[] = "conv2d:4x3,relu,conv2d:4x3,relu,avgpool2d:2,flatten,dense:10";
    check(wide, true, "m-m-m-m", "p-p-m-m");
    check(wide, false, "p-p-m-m", NULL);
    check("conv2d:4x3,relu,dropout:0.1,maxpool2d:2,flatten,dense:10", true, "m--m-m", "p--m-m");
    check("conv2d:4x3,dropout:0.1,maxpool2d:2,flatten,dense:10", true, "p-m-m", "p-m-m");
    check("maxpool2d:2,avgpool2d:2,flatten,dense:10", true, "pm-m", "pm-m");
}

/* Statistics of the whole batch need a barrier. */
TEST(batchnorm_ends_what_passes)
{
    static const char spec[] = "conv2d:4x3,batchnorm2d,relu,maxpool2d:2,flatten,dense:10";
    check(spec, true, "mp-m-m", "pm-m-m");
    check(spec, false, "mp-m-m", NULL);
}

TEST(memory_is_counted)
{
    fixture *f = open_fixture("lenet5", true);
    const size_t one = mb_activations_bytes(f->network, ROWS, 1, true),
                 four = mb_activations_bytes(f->network, ROWS, 4, true),
                 more = mb_activations_bytes(f->network, ROWS + 16, 1, true);
    const size_t streamed = mb_per_thread_stride(6 * 196) + mb_per_thread_stride(16 * 100);
    assert_int_equal(four - one, 3 * streamed * sizeof(float));
    /* Stored per sample: both pools' outputs and their argmax, the second's gradient, and
     * both of all three dense layers. */
    const size_t each = 2 * 6 * 196 + 3 * 16 * 25 + 2 * (120 + 84 + 10);
    assert_int_equal(more - one, 16 * each * sizeof(float));
    assert_int_equal(mb_activations_bytes(f->network, SIZE_MAX / 64, 1, true), SIZE_MAX);
    close_fixture(f);
}
