/* Extreme values: logits of +-1e4, and NaN. */
#include "support.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 5, PIXELS = SIDE * SIDE, SAMPLES = 80, BATCH = 40, THREADS = 3 };

/* Images without zeros, labels 0 .. 3 in turn. */
typedef struct samples {
    mb_machine *machine;
    uint8_t images[SAMPLES * PIXELS], labels[SAMPLES];
    uint32_t order[SAMPLES];
} samples;

static int open_samples(void **state)
{
    samples *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (size_t i = 0; i < SAMPLES; i++) {
        s->order[i] = (uint32_t)i;
        s->labels[i] = i % 4;
    }
    for (size_t p = 0; p < sizeof s->images; p++)
        s->images[p] = (uint8_t)(1 + p * 37 % 255);
    s->machine = mb_test_machine(THREADS);
    *state = s;
    return 0;
}

static int close_samples(void **state)
{
    samples *s = *state;
    mb_machine_close(s->machine);
    free(s);
    return 0;
}

static mb_network *open_network(const samples *s, const char *spec)
{
    mb_network *network = NULL;
    assert_int_equal(
        mb_network_open(s->machine, spec, (mb_shape){1, SIDE, SIDE}, 4, &network, NULL), MB_OK);
    return network;
}

static void open_training(samples *s, mb_network *network, double lr, mb_test_training *t)
{
    const mb_training_options options = {
        .optimizer = MB_OPTIMIZER_SGD, .lr = lr, .batch_size = BATCH};
    const mb_split split = {{s->images, SAMPLES, 1, 1, PIXELS}, s->labels};
    mb_test_training_open(s->machine, network, &split, s->order, SAMPLES, &options, t);
}

/* A network whose logits are `logits` for every image, over one batch: mean loss `loss`, and
 * dL/db = softmax(logits) - fraction of each class in the labels = `gradient`. */
static void check_logits(samples *s, const float *logits, double loss, const float *gradient)
{
    mb_network *network = open_network(s, "dense:4"), *seen = open_network(s, "dense:4");
    mb_test_training t;
    float found[4];
    mb_network_set_tensor(network, 1, logits);
    open_training(s, network, 0.0, &t);
    assert_int_equal(mb_test_training_run(&t, 0, 1), 1);
    assert_true(t.epoch.stats.finite);
    assert_true(fabs(t.epoch.stats.loss / BATCH - loss) <= 1e-6 * loss);
    memcpy(seen->parameters, t.trainable.m, network->parameter_elements * sizeof(float));
    mb_network_get_tensor(seen, 1, found);
    for (size_t c = 0; c < 4; c++)
        assert_true(fabs((double)found[c] - (double)gradient[c]) <= 1e-6);
    mb_test_training_close(&t);
    mb_network_close(seen);
    mb_network_close(network);
}

TEST(logits_far_apart)
{
    static const struct {
        float logits[4], gradient[4];
        double loss;
    } cases[] = {
        /* softmax = (1, 0, 0, 0); losses 0, 2e4, 1e4, 5e3 */
        {{1e4f, -1e4f, 0.0f, 5e3f}, {0.75f, -0.25f, -0.25f, -0.25f}, 3.5e4 / 4.0},
        /* (1/2, 1/2, 0, 0); ln 2, ln 2, ln 2 + 2e4, ln 2 + 1e4 */
        {{1e4f, 1e4f, -1e4f, 0.0f}, {0.25f, 0.25f, -0.25f, -0.25f}, M_LN2 + 3e4 / 4.0},
        /* (1/4, 1/4, 1/4, 1/4), wherever the equal logits are */
        {{-1e4f, -1e4f, -1e4f, -1e4f}, {0.0f, 0.0f, 0.0f, 0.0f}, 2.0 * M_LN2},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_logits(*state, cases[i].logits, cases[i].loss, cases[i].gradient);
}

/* A certain, correct prediction has exactly zero loss and gradient without label smoothing. */
TEST(sure_and_right_costs_nothing)
{
    samples *s = *state;
    uint8_t labels[SAMPLES];
    memcpy(labels, s->labels, sizeof labels);
    memset(s->labels, 2, sizeof s->labels);
    check_logits(s, (const float[]){-1e4f, 0.0f, 1e4f, 9e3f}, 0.0,
                 (const float[]){0.0f, 0.0f, 0.0f, 0.0f});
    memcpy(s->labels, labels, sizeof labels);
}

/* From step `first` on, whose loss is not finite, only that one step runs, its loss is not
 * counted, and parameters and moments keep their bits. */
static void check_stop(mb_test_training *t, size_t first)
{
    const size_t bytes = t->network->parameter_elements * sizeof(float);
    float *parameters = mb_test_alloc(bytes, 1), *moments = mb_test_alloc(bytes, 1);
    memcpy(parameters, t->network->parameters, bytes);
    memcpy(moments, t->trainable.m, bytes);
    const mb_epoch_stats before = t->epoch.stats;
    assert_int_equal(mb_test_training_run(t, first, SAMPLES / BATCH - first), 1);
    assert_false(t->epoch.stats.finite);
    assert_int_equal(t->epoch.stats.samples, before.samples);
    assert_true(t->epoch.stats.loss == before.loss);
    assert_memory_equal(t->network->parameters, parameters, bytes);
    assert_memory_equal(t->trainable.m, moments, bytes);
}

/* One NaN in any parameter tensor makes L NaN: max(z, 0) propagates it. */
TEST(a_nan_parameter_stops_training)
{
    samples *s = *state;
    for (size_t i = 0; i < 6; i++) {
        mb_network *network = mb_test_network(s->machine, "dense:17,relu,dense:65,relu,dense:4",
                                              (mb_shape){1, SIDE, SIDE}, 4);
        mb_test_training t;
        const size_t elements = mb_network_tensor_info(network, i).elements;
        float *values = mb_test_alloc(elements, sizeof *values);
        mb_network_get_tensor(network, i, values);
        values[elements - 1] = NAN;
        mb_network_set_tensor(network, i, values);
        open_training(s, network, 0.1, &t);
        check_stop(&t, 0);
        mb_test_training_close(&t);
    }
}

/* After a step so large that the next batch's logits overflow, its parameters remain. */
TEST(a_step_too_large_stops_training)
{
    mb_network *network = open_network(*state, "dense:17,dense:65,dense:4");
    mb_test_training t;
    mb_network_initialise(network, 1);
    open_training(*state, network, 1e20, &t);
    assert_int_equal(mb_test_training_run(&t, 0, 1), 1);
    assert_true(t.epoch.stats.finite);
    check_stop(&t, 1);
    mb_test_training_close(&t);
    mb_network_close(network);
}

TEST_GROUP(open_samples, close_samples);
