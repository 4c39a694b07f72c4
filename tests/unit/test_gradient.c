/* The gradients and losses of whole networks, against a naive twin in double precision. The
 * library's gradient is read from a step of sgd without momentum: its velocity is then the gradient
 * itself, v = 0 v + g, and at learning rate 0 no parameter moves. */
#include "core/rng.h"
#include "reference_mlp.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 3, SINGLES = 2 };

static const double tolerance = 1e-5;
/* No pre-activation of a ReLU may be nearer to 0 than this, so that float, double and differences
 * over `difference_step` find the same units active. */
static const double kink_margin = 1e-5, difference_step = 2e-6;

/* Widths end at, before and after panels of 16 and 64 units. The products of the last network's
 * first layer are long enough to be cut where OpenBLAS does not pack. */
static const struct net {
    const char *spec;
    size_t side, classes; /* images are side x side */
} nets[] = {
    {"dense:5", 11, 5},
    {"dense:70,relu,dense:33,relu,dense:10", 11, 10},
    {"dense:16,relu,dense:64,relu,dense:3", 11, 3},
    {"dense:17,relu,dense:65,dense:20", 11, 20},
    {"dense:15,relu,dense:63,relu,dense:130", 11, 130},
    {"dense:16,relu,dense:5", 32, 5},
};

/* The last batch is looked at: whole ones of one to three blocks of rows, and smaller ones. */
static const struct size {
    size_t count, batch;
} sizes[] = {{1, 1}, {7, 7}, {64, 64}, {65, 65}, {130, 130}, {71, 64}, {129, 65}};

enum kind { SPARSE, WITHOUT_ZEROS, BLANK, HALF_BLANK };

typedef struct samples {
    uint8_t *images, *labels;
    uint32_t *order;
    size_t count, batch, pixels;
} samples;

/* Seen so far, in shares of what is allowed; printed at the end. */
static double worst_loss, worst_gradient, worst_difference;

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

static samples draw_samples(uint64_t seed, enum kind kind, struct size size, const struct net *net)
{
    const size_t pixels = net->side * net->side;
    samples s = {take(size.count * pixels, 1),
                 take(size.count, 1),
                 take(size.count, sizeof *s.order),
                 size.count,
                 size.batch,
                 pixels};
    for (size_t i = 0; i < size.count; i++) {
        mb_rng rng = mb_rng_at(seed, MB_RNG_TESTS, 0, i);
        s.order[i] = (uint32_t)(size.count - 1 - i);
        s.labels[i] = (uint8_t)mb_rng_below(&rng, (uint32_t)net->classes);
        const bool blank = kind == BLANK || (kind == HALF_BLANK && i >= size.count / 2);
        for (size_t p = 0; p < pixels && !blank; p++)
            if (kind == WITHOUT_ZEROS || mb_rng_below(&rng, 5) == 0)
                s.images[i * pixels + p] = (uint8_t)(1 + mb_rng_below(&rng, 255));
    }
    return s;
}

static void free_samples(samples *s)
{
    free(s->images);
    free(s->labels);
    free(s->order);
}

static mb_reference_batch last_batch(const samples *s)
{
    const size_t rest = s->count % s->batch, rows = rest > 0 ? rest : s->batch;
    return (mb_reference_batch){s->images, s->labels, s->order + s->count - rows, rows};
}

/* He's weights, and biases that are not 0. */
static void set_parameters(mb_network *network)
{
    mb_network_initialise(network, 1);
    for (size_t i = 1; i < mb_network_tensor_count(network); i += 2) {
        const size_t units = mb_network_tensor_info(network, i).elements;
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 1, i);
        float *biases = take(units, sizeof *biases);
        for (size_t unit = 0; unit < units; unit++)
            biases[unit] = mb_rng_uniform(&rng) - 0.4f;
        mb_network_set_tensor(network, i, biases);
        free(biases);
    }
}

static mb_network *open_network(const mb_machine *machine, const struct net *net)
{
    mb_network *network = NULL;
    assert_int_equal(mb_network_open(machine, net->spec, (mb_shape){1, net->side, net->side},
                                     net->classes, &network, NULL),
                     MB_OK);
    return network;
}

/* Mean loss of the last batch; its gradient becomes the parameters of `gradient`. */
static double run_pass(mb_machine *machine, mb_network *network, const samples *s, enum kind kind,
                       mb_network *gradient)
{
    const mb_training_options options = {.optimizer = MB_OPTIMIZER_SGD, .batch_size = s->batch};
    const mb_split split = mb_test_split(network, s->images, s->labels, s->count);
    mb_test_training t;
    mb_test_training_open(machine, network, &split, s->order, s->count, &options, &t);
    assert_int_equal(t.source.nonzeros == NULL, kind == WITHOUT_ZEROS); /* the form that is meant */
    const size_t last = mb_data_loader_steps(&t.epoch.loader) - 1;
    if (last > 0)
        assert_int_equal(mb_test_training_run(&t, 0, last), last);
    const double before = t.epoch.stats.loss;
    assert_int_equal(mb_test_training_run(&t, last, 1), 1);
    assert_true(t.epoch.stats.finite);
    assert_int_equal(t.epoch.stats.samples, s->count);
    const double loss =
        (t.epoch.stats.loss - before) / (double)mb_data_loader_rows(&t.epoch.loader, last);
    memcpy(gradient->parameters, t.trainable.m, network->parameter_elements * sizeof(float));
    mb_test_training_close(&t);
    return loss;
}

static void check_loss(double loss, double expected)
{
    const double allowed = tolerance * expected;
    assert_true(fabs(loss - expected) <= allowed);
    if (allowed > 0.0)
        worst_loss = fmax(worst_loss, fabs(loss - expected) / allowed);
}

/* max |g - twin's g| <= tolerance * max |twin's g| in each tensor; where the twin has only zeros,
 * zeros. */
static void check_gradient(const mb_network *gradient, const mb_reference_mlp *twin)
{
    for (size_t i = 0; i < 2 * twin->count; i++) {
        double largest = 0.0, worst = 0.0;
        float *g = take(twin->elements[i], sizeof *g);
        mb_network_get_tensor(gradient, i, g);
        for (size_t e = 0; e < twin->elements[i]; e++) {
            assert_true(isfinite(g[e]));
            largest = fmax(largest, fabs(twin->gradient[i][e]));
            worst = fmax(worst, fabs((double)g[e] - twin->gradient[i][e]));
        }
        free(g);
        assert_true(worst <= tolerance * largest);
        if (largest > 0.0)
            worst_gradient = fmax(worst_gradient, worst / (tolerance * largest));
    }
}

/* A direction in the space of the parameters: all of them up or down at random, or one. */
typedef struct direction {
    uint64_t seed;
    size_t tensor, element; /* tensor MB_REFERENCE_TENSORS: all */
    double size;
} direction;

static double component(const direction *v, size_t tensor, size_t element)
{
    if (v->tensor != MB_REFERENCE_TENSORS)
        return v->tensor == tensor && v->element == element ? v->size : 0.0;
    mb_rng rng = mb_rng_at(v->seed, MB_RNG_TESTS, 2 + tensor, element);
    return mb_rng_next(&rng) >> 63 ? v->size : -v->size;
}

static void move(mb_reference_mlp *twin, const direction *v, double distance)
{
    for (size_t i = 0; i < 2 * twin->count; i++)
        for (size_t e = 0; e < twin->elements[i]; e++)
            twin->tensor[i][e] += distance * component(v, i, e);
}

/* With the step h: |g . v - (L(w + h v) - L(w - h v)) / 2h| <= tolerance * |g| * max |v|, and
 * 1e-8 for the rounding of L. */
static void check_difference(const mb_network *gradient, mb_reference_mlp *twin,
                             const mb_reference_batch *batch, const direction *v)
{
    double along = 0.0, squares = 0.0;
    for (size_t i = 0; i < 2 * twin->count; i++) {
        float *g = take(twin->elements[i], sizeof *g);
        mb_network_get_tensor(gradient, i, g);
        for (size_t e = 0; e < twin->elements[i]; e++) {
            along += (double)g[e] * component(v, i, e);
            squares += (double)g[e] * (double)g[e];
        }
        free(g);
    }
    move(twin, v, difference_step);
    const double above = mb_reference_mlp_loss(twin, batch);
    move(twin, v, -2.0 * difference_step);
    const double below = mb_reference_mlp_loss(twin, batch);
    move(twin, v, difference_step);
    const double apart = fabs(along - (above - below) / (2.0 * difference_step));
    const double allowed = tolerance * sqrt(squares) * v->size + 1e-8;
    worst_difference = fmax(worst_difference, apart / allowed);
    assert_true(apart <= allowed);
}

static void check_differences(const mb_network *gradient, mb_reference_mlp *twin,
                              const mb_reference_batch *batch)
{
    size_t all = 0;
    for (size_t i = 0; i < 2 * twin->count; i++) {
        all += twin->elements[i];
        for (uint32_t n = 0; n < SINGLES; n++) {
            mb_rng rng = mb_rng_at(n, MB_RNG_TESTS, 10, i);
            const size_t element = mb_rng_below(&rng, (uint32_t)twin->elements[i]);
            check_difference(gradient, twin, batch, &(direction){n, i, element, 1.0});
        }
    }
    const direction everywhere = {1, MB_REFERENCE_TENSORS, 0, 1.0 / sqrt((double)all)};
    check_difference(gradient, twin, batch, &everywhere);
}

/* Draws images until the twin has no pre-activation near a kink. */
static samples draw_smooth(const struct net *net, enum kind kind, struct size size,
                           mb_reference_mlp *twin)
{
    for (uint64_t seed = 1; seed < 100; seed++) {
        samples s = draw_samples(seed, kind, size, net);
        const mb_reference_batch batch = last_batch(&s);
        mb_reference_mlp_loss(twin, &batch);
        if (twin->nearest >= kink_margin)
            return s;
        free_samples(&s);
    }
    fail_msg("%s: every batch comes near a kink", net->spec);
    return (samples){0};
}

/* For the mean loss L of a batch: L = twin's L, dL/dw = twin's dL/dw for each parameter w, and
 * the same again without anyone's backward pass, by differences of the twin's L. */
static void check_batch(mb_machine *machine, const struct net *net, enum kind kind,
                        struct size size)
{
    mb_network *network = open_network(machine, net), *gradient = open_network(machine, net);
    mb_reference_mlp twin;
    set_parameters(network);
    mb_reference_mlp_open(network, &twin);
    samples s = draw_smooth(net, kind, size, &twin);
    const mb_reference_batch batch = last_batch(&s);
    const double loss = run_pass(machine, network, &s, kind, gradient);
    check_loss(loss, mb_reference_mlp_gradient(&twin, &batch));
    check_gradient(gradient, &twin);
    check_differences(gradient, &twin, &batch);
    mb_reference_mlp_close(&twin);
    mb_network_close(network);
    mb_network_close(gradient);
    free_samples(&s);
}

static void check_kind(mb_machine *machine, enum kind kind)
{
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check_batch(machine, &nets[n], kind, sizes[i]);
}

TEST(sparse_images) { check_kind(*state, SPARSE); }

TEST(images_without_zeros) { check_kind(*state, WITHOUT_ZEROS); }

/* No active pixel, K = 0: logits come of the biases, and dL/dW of the first layer is 0. */
TEST(blank_batches) { check_kind(*state, BLANK); }

/* The first blocks of rows have no active pixel, the later ones some. */
TEST(half_blank_batches) { check_kind(*state, HALF_BLANK); }

static int open_machine(void **state)
{
    *state = mb_test_machine(THREADS);
    return 0;
}

static int close_machine(void **state)
{
    print_message("worst, in shares of what is allowed: loss %.3f, gradient %.3f, differences "
                  "%.3f\n",
                  worst_loss, worst_gradient, worst_difference);
    mb_machine_close(*state);
    return 0;
}

TEST_GROUP(open_machine, close_machine);
