#include "core/rng.h"
#include "nn/network.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/evaluation.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Dropout of a million elements: the fraction is the rate, elements are dropped independently, and
 * the mask depends only on seed, epoch, sample and layer. Fractions of n elements are random and
 * must be within SIGMAS standard deviations of their expected value. */
enum { SAMPLES = 250, ELEMENTS = 4000, ALL = SAMPLES * ELEMENTS };

static const double SIGMAS = 5.0;

/* One run of the layer over samples, some or all, in this order. */
typedef struct trial {
    const char *rate;
    uint64_t seed;
    size_t position, epoch, rows, threads;
    size_t block_rows, block_columns; /* of whoever writes the matrix */
    const uint32_t *number;           /* (rows) */
    bool backward, evaluates;
} trial;

static uint32_t in_order[SAMPLES];
static float before[ALL], after[ALL], other[ALL];

static trial usual(const char *rate)
{
    return (trial){.rate = rate,
                   .seed = 7,
                   .position = 3,
                   .rows = SAMPLES,
                   .threads = 2,
                   .block_rows = 16,
                   .block_columns = ELEMENTS,
                   .number = in_order};
}

/* No element is 0, so each 0 in the output was dropped. */
static int open_elements(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++)
        in_order[i] = (uint32_t)i;
    for (size_t i = 0; i < ALL; i++) {
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, i);
        before[i] = 0.1f + mb_rng_uniform(&rng);
    }
    return 0;
}

static void do_nothing(const mb_tile_args *args) { (void)args; }

typedef struct job {
    mb_plan plan;
    mb_step step;
} job;

static void run_step(const mb_worker *worker, void *context)
{
    const job *j = context;
    mb_plan_run(&j->plan, &j->step, worker, NULL);
}

static void open_layer(const trial *t, mb_arena *arena, mb_layer *layer)
{
    mb_error error = {0};
    *layer = (mb_layer){.ops = &mb_dropout_ops,
                        .position = t->position,
                        .ordinal = 1,
                        .in = {1, 1, ELEMENTS},
                        .in_format = {.image = {1, 1, ELEMENTS}}};
    if (layer->ops->configure(layer, t->rate, arena, &error) != MB_OK)
        fail_msg("%s", error.text);
}

static void plan_layer(const trial *t, const mb_layer *layer, const mb_layer_context *ctx)
{
    float *changed = t->backward ? ctx->d_out.data : ctx->out.data;
    const mb_phase writer = {
        .name = "writer",
        .run = do_nothing,
        .tiling = mb_tiling_matrix(t->rows, ELEMENTS, t->block_rows, t->block_columns),
        .uses = {{changed, .writes = true, .own = true}}};
    mb_plan_add(ctx->plan, &writer);
    (t->backward ? layer->ops->backward : layer->ops->forward)(layer, ctx);
    assert_int_equal(mb_plan_status(ctx->plan, NULL), MB_OK);
}

/* out (rows, ELEMENTS) = the layer's output for `in`; returns the number of its phases. */
static size_t run(const trial *t, const float *in, float *out)
{
    mb_arena arena = {0};
    mb_layer layer;
    mb_team *team = NULL;
    const mb_trainable trainable = {.seed = t->seed};
    job j = {.step = {.dataset_samples = {t->number, t->rows}, .epoch = t->epoch}};
    memcpy(out, in, t->rows * ELEMENTS * sizeof *out);
    const mb_matrix changed = {.data = out, .columns = ELEMENTS}, untouched = {.columns = ELEMENTS};
    const mb_layer_context ctx = {.plan = &j.plan,
                                  .arena = &arena,
                                  .kernels = mb_kernels_best(),
                                  .rows = t->rows,
                                  .out = t->backward ? untouched : changed,
                                  .d_out = t->backward ? changed : untouched,
                                  .trainable = t->evaluates ? NULL : &trainable};
    open_layer(t, &arena, &layer);
    plan_layer(t, &layer, &ctx);
    assert_int_equal(mb_team_open(t->threads, NULL, false, &team, NULL), MB_OK);
    mb_team_run(team, run_step, &j);
    mb_team_close(team);
    const size_t phases = j.plan.count - 1;
    mb_plan_free(&j.plan);
    mb_arena_free(&arena);
    return phases;
}

/* ---- fraction and independence ---- */

/* An element is 0 or scaled by 1 / (1 - rate). The expected sum is unchanged; its variance is
 * rate / (1 - rate) * sum of squares. */
TEST(the_mean_is_kept)
{
    static const char *const rates[] = {"0.1", "0.25", "0.5", "0.9"};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        const double rate = strtod(rates[r], NULL);
        const float scale = (float)(1.0 / (1.0 - rate));
        const trial t = usual(rates[r]);
        double sum = 0.0, expected = 0.0, squares = 0.0;
        run(&t, before, after);
        for (size_t i = 0; i < ALL; i++) {
            assert_true(after[i] == 0.0f || after[i] == before[i] * scale);
            sum += (double)after[i];
            expected += (double)before[i];
            squares += (double)before[i] * (double)before[i];
        }
        const double sigma = sqrt(rate / (1.0 - rate) * squares);
        print_message("rate %s: mean %.6f, was %.6f, standard deviation %.6f\n", rates[r],
                      sum / ALL, expected / ALL, sigma / ALL);
        assert_true(fabs(sum - expected) <= SIGMAS * sigma);
    }
}

/* Mean squared deviation of `groups` counts from their expected value, in units of the variance: 1
 * if each counts n independent elements. Element i of group g is at g * group_step + i * step. */
static double spread(size_t groups, size_t group_step, size_t n, size_t step, double rate)
{
    double sum = 0.0;
    for (size_t g = 0; g < groups; g++) {
        size_t dropped = 0;
        for (size_t i = 0; i < n; i++)
            dropped += after[g * group_step + i * step] == 0.0f;
        const double apart = (double)dropped - rate * (double)n;
        sum += apart * apart / ((double)n * rate * (1.0 - rate));
    }
    return sum / (double)groups;
}

/* The mean of squares of `groups` normal elements has the standard deviation sqrt(2 / groups). */
TEST(no_sample_and_no_place_is_favoured)
{
    const trial t = usual("0.3");
    run(&t, before, after);
    const double samples = spread(SAMPLES, ELEMENTS, ELEMENTS, 1, 0.3);
    const double places = spread(ELEMENTS, 1, SAMPLES, ELEMENTS, 0.3);
    assert_true(fabs(samples - 1.0) <= SIGMAS * sqrt(2.0 / SAMPLES));
    assert_true(fabs(places - 1.0) <= SIGMAS * sqrt(2.0 / ELEMENTS));
}

/* True if the masks of n pairs of elements are independent: they then agree in a fraction
 * rate^2 + (1 - rate)^2 of the pairs. */
static bool independent(const float *a, const float *b, size_t n, double rate)
{
    const double fraction = rate * rate + (1.0 - rate) * (1.0 - rate);
    size_t agree = 0;
    for (size_t i = 0; i < n; i++)
        agree += (a[i] == 0.0f) == (b[i] == 0.0f);
    return fabs((double)agree - fraction * (double)n) <=
           SIGMAS * sqrt((double)n * fraction * (1.0 - fraction));
}

TEST(neighbours_are_dropped_apart)
{
    static const size_t distances[] = {1, 2, 8, 16, 64, ELEMENTS, 2 * ELEMENTS};
    const trial t = usual("0.4");
    run(&t, before, after);
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++)
        assert_true(independent(after, after + distances[i], ALL - distances[i], 0.4));
}

/* ---- what the mask depends on ---- */

/* The mask equals that of usual() with any threads and tiles, and in the gradient; it is
 * independent of it for another epoch, seed, layer or sample. */
TEST(the_mask_depends_on_seed_epoch_sample_and_layer)
{
    static uint32_t others[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++)
        others[i] = (uint32_t)(i + SAMPLES);
    trial t[21];
    enum { SAME = 17, ALL_TRIALS = sizeof t / sizeof *t };
    for (size_t i = 0; i < ALL_TRIALS; i++)
        t[i] = usual("0.4");
    for (size_t i = 1; i < SAME; i++) {
        static const size_t tiles[][2] = {{16, ELEMENTS}, {1, ELEMENTS}, {64, 16}, {33, 37}};
        t[i].threads = 1 + i % 4;
        t[i].block_rows = tiles[i / 4 % 4][0];
        t[i].block_columns = tiles[i / 4 % 4][1];
        t[i].backward = i % 3 == 0;
    }
    t[SAME].epoch = 1;
    t[SAME + 1].seed = 8;
    t[SAME + 2].position = 4;
    t[SAME + 3].number = others;
    run(&t[0], before, after);
    assert_false(independent(after, after, ALL, 0.4)); /* equal masks are detected */
    for (size_t i = 0; i < ALL_TRIALS; i++) {
        run(&t[i], before, other);
        if (i < SAME)
            assert_memory_equal(after, other, sizeof after);
        else
            assert_true(independent(after, other, ALL, 0.4));
    }
}

/* The mask of a sample does not depend on the batch size or its row. */
TEST(a_samples_mask_is_its_own)
{
    static const size_t batches[] = {1, 7, 64, 249};
    static uint32_t backwards[SAMPLES];
    trial t = usual("0.25");
    run(&t, before, after);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        for (size_t first = 0; first < SAMPLES; first += t.rows) {
            t.rows = batches[i] < SAMPLES - first ? batches[i] : SAMPLES - first;
            t.number = in_order + first;
            run(&t, before + first * ELEMENTS, other);
            assert_memory_equal(after + first * ELEMENTS, other, t.rows * ELEMENTS * sizeof *other);
        }
    for (size_t i = 0; i < SAMPLES; i++)
        backwards[i] = (uint32_t)(SAMPLES - 1 - i);
    t.rows = SAMPLES;
    t.number = backwards;
    run(&t, before, other);
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t n = 0; n < ELEMENTS; n++)
            assert_int_equal(other[i * ELEMENTS + n] == 0.0f,
                             after[backwards[i] * ELEMENTS + n] == 0.0f);
}

/* ---- no dropout ---- */

/* At rate 0, and in evaluation, which has no dropout phase. */
TEST(nothing_else_is_dropped)
{
    trial t = usual("0");
    assert_int_equal(run(&t, before, after), 1);
    assert_memory_equal(before, after, sizeof after);
    t.rate = "0.5";
    t.evaluates = true;
    assert_int_equal(run(&t, before, after), 0);
    assert_memory_equal(before, after, sizeof after);
}

/* ---- in a network ---- */

enum { SIDE = 8, PIXELS = SIDE * SIDE, IMAGES = 90, CLASSES = 4 };

static uint8_t images[IMAGES * PIXELS], labels[IMAGES];
static const mb_split split = {{images, IMAGES, 1, SIDE, SIDE}, labels};

static mb_network *open_network(const mb_machine *machine, const char *spec)
{
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)(before[i] * 200.0f);
    for (size_t i = 0; i < IMAGES; i++)
        labels[i] = (uint8_t)(i % CLASSES);
    return mb_test_network(machine, spec, (mb_shape){1, SIDE, SIDE}, CLASSES);
}

/* A dropout layer does not change the initial values of the other layers' tensors. */
static void logits_of(mb_machine *machine, const char *spec, float *logits)
{
    mb_network *network = open_network(machine, spec);
    for (size_t i = 0; i < mb_network_tensor_count(network); i++)
        mb_network_set_tensor(network, i, before + 1000 * i);
    mb_test_logits(machine, network, &split.images, logits);
}

TEST(a_network_evaluates_as_if_it_had_none)
{
    float with[IMAGES * CLASSES], without[IMAGES * CLASSES];
    mb_machine *machine = mb_test_machine(2);
    logits_of(machine, "conv2d:20x3,relu,dropout:0.3,flatten,dense:30,relu,dropout:0.5,dense:4",
              with);
    logits_of(machine, "conv2d:20x3,relu,flatten,dense:30,relu,dense:4", without);
    assert_memory_equal(with, without, sizeof with);
    mb_machine_close(machine);
}

/* Mean loss of an epoch with learning rate 0. */
static double loss_of_epoch(mb_test_training *t, const uint32_t *order, size_t epoch)
{
    const size_t steps = mb_data_loader_steps(&t->epoch.loader);
    mb_epoch_start(&t->epoch, order, epoch);
    assert_int_equal(mb_test_training_run(t, 0, steps), steps);
    return t->epoch.stats.loss;
}

TEST(each_epoch_of_a_training_drops_anew)
{
    mb_machine *machine = mb_test_machine(2);
    mb_network *network = open_network(machine, "dense:40,relu,dropout:0.5,dense:4");
    const mb_training_options options = {
        .optimizer = MB_OPTIMIZER_SGD, .batch_size = 32, .seed = 5};
    mb_test_training t;
    mb_test_training_open(machine, network, &split, in_order, IMAGES, &options, &t);
    const double first = loss_of_epoch(&t, in_order, 0), second = loss_of_epoch(&t, in_order, 1);
    assert_true(first != second);
    assert_true(first == loss_of_epoch(&t, in_order, 0));
    assert_true(second == loss_of_epoch(&t, in_order, 1));
    mb_test_training_close(&t);
    mb_machine_close(machine);
}

TEST_GROUP(open_elements, NULL);
