/* Losses and gradients of networks with all kinds of layers against a naive reference in double
 * precision (layer_reference.h), and against differences of the reference's loss, for which
 * no backward pass is needed. The library's gradient is read from a step of sgd without
 * momentum: its velocity is then the gradient, v = 0 v + g, and at learning rate 0 no parameter
 * changes. */
#include "core/rng.h"
#include "layer_nets.h"
#include "layer_reference.h"
#include "support.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 3, SINGLES = 2, SEED = 77 };

/* The last batch is compared: full ones of one to three blocks of rows, and smaller ones, which may
 * have more chunks of samples than earlier batches. */
struct size {
    size_t count, batch;
};

static const struct size image_sizes[] = {{1, 1},   {2, 2},   {16, 16}, {17, 17}, {33, 17},
                                          {33, 33}, {65, 33}, {64, 64}, {3, 2}},
                         slope_sizes[] = {{6, 4}},
                         mlp_sizes[] = {{1, 1},     {7, 7},   {64, 64}, {65, 65},
                                        {130, 130}, {71, 64}, {129, 65}};

/* Bands: some rows or columns of most images are blank. */
enum kind { BANDS, SPARSE, WITHOUT_ZEROS, BLANK, HALF_BLANK };

/* Networks, their batches, and the tolerances. */
struct suite {
    const struct net *nets;
    size_t net_count;
    const struct size *sizes;
    size_t size_count;
    enum kind kind;
    bool slopes; /* compares with finite differences of the loss, too */
    /* Relative to the tensor's largest gradient, or to this fraction of the largest of all: the
     * gradient of a bias before batchnorm2d is nothing but rounding. */
    double tolerance, fraction_of_all;
    /* No input of a kink is nearer to it than this, so that float, double and differences over
     * `step` find the same elements active. */
    double margin, step;
};

/* The largest error so far as a fraction of the tolerance; printed at the end. */
static double worst_loss, worst_gradient, worst_slope;

typedef struct samples {
    uint8_t *images, *labels;
    uint32_t *order;
} samples;

static bool is_lit(enum kind kind, mb_rng *rng)
{
    return kind == WITHOUT_ZEROS || mb_rng_below(rng, 5) == 0;
}

/* The top and bottom rows are blank in two of three images, the right columns in some, and some
 * images are blank. */
static void draw_bands(const struct net *net, size_t i, mb_rng *rng, uint8_t *image)
{
    const size_t rows = net->rows, blank = i % 3 == 0 ? 0 : rows / 2 + i % 2;
    const size_t first = blank > 0 ? mb_rng_below(rng, (uint32_t)blank) : 0;
    const size_t end = i % 4 < 2 ? net->columns : net->columns - net->columns / 3;
    for (size_t p = 0; p < rows * net->columns; p++) {
        const size_t row = p / net->columns;
        const bool lit =
            row >= first && row < rows - (blank - first) && p % net->columns < end && i % 7 != 6;
        image[p] = (uint8_t)(lit && mb_rng_below(rng, 4) > 0 ? mb_rng_below(rng, 256) : 0);
    }
}

static samples draw_samples(uint64_t seed, enum kind kind, const struct net *net, size_t count)
{
    const size_t pixels = net->rows * net->columns;
    samples s = {mb_test_alloc(count * pixels, 1), mb_test_alloc(count, 1),
                 mb_test_alloc(count, sizeof *s.order)};
    for (size_t i = 0; i < count; i++) {
        mb_rng rng = mb_rng_at(seed, MB_RNG_TESTS, 0, i);
        s.order[i] = (uint32_t)(count - 1 - i);
        s.labels[i] = (uint8_t)mb_rng_below(&rng, (uint32_t)net->classes);
        const bool blank = kind == BLANK || (kind == HALF_BLANK && i >= count / 2);
        if (kind == BANDS)
            draw_bands(net, i, &rng, s.images + i * pixels);
        else
            for (size_t p = 0; p < pixels && !blank; p++)
                if (is_lit(kind, &rng))
                    s.images[i * pixels + p] = (uint8_t)(1 + mb_rng_below(&rng, 255));
    }
    return s;
}

/* He's weights, biases that are not 0, and scales of batchnorm2d that are not 1. */
static mb_network *open_network(const mb_machine *machine, const struct net *net)
{
    const mb_shape input = {1, net->rows, net->columns};
    mb_network *network = mb_test_network(machine, net->spec, input, net->classes);
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        const bool bias = strstr(info.name, ".bias") != NULL;
        if (!bias && !(info.dimensions == 1 && strstr(info.name, ".weight") != NULL))
            continue;
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 1, i);
        float *values = mb_test_alloc(info.elements, sizeof *values);
        for (size_t e = 0; e < info.elements; e++)
            values[e] = mb_rng_uniform(&rng) + (bias ? -0.4f : 0.5f);
        mb_network_set_tensor(network, i, values);
    }
    return network;
}

/* Mean loss of the last batch; its gradient becomes the parameters of `gradient`. */
static double run_epoch(mb_machine *machine, mb_network *network, const samples *s, enum kind kind,
                        struct size size, mb_network *gradient)
{
    const mb_training_options options = {
        .optimizer = MB_OPTIMIZER_SGD, .batch_size = size.batch, .seed = SEED};
    const mb_split split = mb_test_split(network, s->images, s->labels, size.count);
    mb_test_training t;
    mb_test_training_open(machine, network, &split, s->order, size.count, &options, &t);
    if (kind != BANDS)
        assert_int_equal(!mb_sample_source_is_sparse(&t.source), kind == WITHOUT_ZEROS);
    const size_t last = mb_data_loader_steps(&t.epoch.loader) - 1;
    if (last > 0)
        assert_int_equal(mb_test_training_run(&t, 0, last), last);
    const double before = t.epoch.stats.loss;
    assert_int_equal(mb_test_training_run(&t, last, 1), 1);
    assert_true(t.epoch.stats.finite);
    assert_int_equal(t.epoch.stats.samples, size.count);
    const double loss =
        (t.epoch.stats.loss - before) / (double)mb_data_loader_rows(&t.epoch.loader, last);
    memcpy(gradient->parameters, t.trainable.m, network->parameter_elements * sizeof(float));
    mb_test_training_close(&t);
    return loss;
}

/* ---- comparisons: each returns the error as a fraction of the tolerance ---- */

static double fraction(double error, double allowed, double *worst)
{
    const double result = error == 0.0 ? 0.0 : error / allowed;
    *worst = fmax(*worst, result);
    return result;
}

static double largest_of(const mb_layer_reference *ref, size_t tensor)
{
    double largest = 0.0;
    for (size_t e = 0; e < ref->elements[tensor]; e++)
        largest = fmax(largest, fabs(ref->gradient[tensor][e]));
    return largest;
}

static double largest_of_all(const mb_layer_reference *ref)
{
    double largest = 0.0;
    for (size_t i = 0; i < ref->tensors; i++)
        largest = fmax(largest, largest_of(ref, i));
    return largest;
}

/* max |g - reference's g| in each tensor; 0 in tensors that are not trained. */
static double check_gradient(const struct suite *suite, const mb_network *gradient,
                             const mb_layer_reference *ref)
{
    const double of_all = suite->fraction_of_all * largest_of_all(ref);
    double worst = 0.0;
    for (size_t i = 0; i < ref->tensors; i++) {
        double apart = 0.0;
        float *g = mb_test_alloc(ref->elements[i], sizeof *g);
        mb_network_get_tensor(gradient, i, g);
        for (size_t e = 0; e < ref->elements[i]; e++) {
            assert_true(isfinite(g[e]));
            apart = fmax(apart, fabs((double)g[e] - ref->gradient[i][e]));
        }
        const double allowed = suite->tolerance * fmax(largest_of(ref, i), of_all);
        worst = fmax(worst, fraction(apart, allowed, &worst_gradient));
    }
    return worst;
}

/* A direction in parameter space: +-1 in one tensor or in all (tensor == tensors), or, if `single`,
 * one element. */
typedef struct direction {
    size_t tensor, element;
    bool single;
} direction;

static bool is_trained(const mb_layer_reference *ref, size_t tensor)
{
    const char *name = mb_network_tensor_info(ref->network, tensor).name;
    return strstr(name, ".weight") != NULL || strstr(name, ".bias") != NULL;
}

static double component(const mb_layer_reference *ref, direction v, size_t tensor, size_t element)
{
    if ((tensor != v.tensor && v.tensor != ref->tensors) || !is_trained(ref, tensor))
        return 0.0;
    if (v.single)
        return element == v.element ? 1.0 : 0.0;
    mb_rng rng = mb_rng_at(3, MB_RNG_TESTS, 2 + tensor, element);
    return mb_rng_next(&rng) >> 63 ? 1.0 : -1.0;
}

static double loss_at(mb_layer_reference *ref, const mb_reference_batch *batch, direction v,
                      double distance)
{
    for (size_t i = 0; i < ref->tensors; i++)
        for (size_t e = 0; e < ref->elements[i] && (i == v.tensor || v.tensor == ref->tensors); e++)
            ref->tensor[i][e] += distance * component(ref, v, i, e);
    return mb_layer_reference_loss(ref, batch);
}

/* |g . v - (L(w + h v) - L(w - h v)) / 2h| <= tolerance * |g|, and 1e-8 for the rounding of L. |g|
 * is the norm over the tensors of v, with elements of at least fraction_of_all; of a single element
 * over all tensors. */
static double check_slope(const struct suite *suite, const mb_network *gradient,
                          mb_layer_reference *ref, const mb_reference_batch *batch, direction v)
{
    const double min = v.single ? 0.0 : suite->fraction_of_all * largest_of_all(ref);
    double slope = 0.0, squares = 0.0;
    for (size_t i = 0; i < ref->tensors; i++) {
        float *g = mb_test_alloc(ref->elements[i], sizeof *g);
        mb_network_get_tensor(gradient, i, g);
        for (size_t e = 0; e < ref->elements[i]; e++) {
            const double by = component(ref, v, i, e), size = fmax(fabs((double)g[e]), min);
            slope += (double)g[e] * by;
            squares += v.single || by != 0.0 ? size * size : 0.0;
        }
    }
    const double step = suite->step, above = loss_at(ref, batch, v, step);
    const double below = loss_at(ref, batch, v, -2.0 * step);
    loss_at(ref, batch, v, step);
    return fraction(fabs(slope - (above - below) / (2.0 * step)),
                    suite->tolerance * sqrt(squares) + 1e-8, &worst_slope);
}

static double check_slopes(const struct suite *suite, const mb_network *gradient,
                           mb_layer_reference *ref, const mb_reference_batch *batch)
{
    double worst = 0.0;
    for (size_t tensor = 0; tensor <= ref->tensors; tensor++) {
        if (tensor < ref->tensors && !is_trained(ref, tensor))
            continue;
        const direction all = {.tensor = tensor};
        worst = fmax(worst, check_slope(suite, gradient, ref, batch, all));
        for (uint32_t n = 0; n < SINGLES && tensor < ref->tensors; n++) {
            mb_rng rng = mb_rng_at(n, MB_RNG_TESTS, 10, tensor);
            const direction one = {tensor, mb_rng_below(&rng, (uint32_t)ref->elements[tensor]),
                                   true};
            worst = fmax(worst, check_slope(suite, gradient, ref, batch, one));
        }
    }
    return worst;
}

/* Draws images until no input of the reference is near a kink. */
static samples draw_smooth(const struct suite *suite, const struct net *net, struct size size,
                           mb_layer_reference *ref, mb_reference_batch *batch)
{
    const size_t rest = size.count % size.batch, rows = rest > 0 ? rest : size.batch;
    for (uint64_t seed = 1; seed < 100; seed++) {
        samples s = draw_samples(seed, suite->kind, net, size.count);
        *batch = (mb_reference_batch){s.images, s.labels, s.order + size.count - rows, rows};
        mb_layer_reference_loss(ref, batch);
        if (ref->nearest >= suite->margin)
            return s;
    }
    fail_msg("%s: every batch comes near a kink", net->spec);
    return (samples){0};
}

/* For the mean loss L of a batch: L = reference's L, dL/dw = reference's for each parameter w. */
static bool check_batch(mb_machine *machine, const struct suite *suite, const struct net *net,
                        struct size size)
{
    mb_network *network = open_network(machine, net), *gradient = open_network(machine, net);
    mb_layer_reference ref;
    mb_reference_batch batch;
    mb_layer_reference_open(network, size.batch, &ref);
    ref.seed = SEED;
    samples s = draw_smooth(suite, net, size, &ref, &batch);
    const double found = run_epoch(machine, network, &s, suite->kind, size, gradient);
    const double expected = mb_layer_reference_gradient(&ref, &batch);
    const double loss = fraction(fabs(found - expected), suite->tolerance * expected, &worst_loss);
    const double worst = check_gradient(suite, gradient, &ref);
    const double apart = suite->slopes ? check_slopes(suite, gradient, &ref, &batch) : 0.0;
    const bool good = loss <= 1.0 && worst <= 1.0 && apart <= 1.0; /* false for NaN too */
    if (!good)
        print_error("%s, images of %zux%zu, %zu in batches of %zu: errors of loss, gradient and "
                    "slopes are %.3g, %.3g and %.3g times what is allowed\n",
                    net->spec, net->rows, net->columns, size.count, size.batch, loss, worst, apart);
    mb_layer_reference_close(&ref);
    return good;
}

static void check_suite(mb_machine *machine, const struct suite *suite)
{
    size_t bad = 0;
    for (size_t n = 0; n < suite->net_count; n++)
        for (size_t i = 0; i < suite->size_count; i++)
            bad += !check_batch(machine, suite, &suite->nets[n], suite->sizes[i]);
    assert_int_equal(bad, 0);
}

TEST(losses_and_gradients_of_networks_of_images)
{
    check_suite(*state,
                &(struct suite){image_nets, TEST_COUNT(image_nets), image_sizes,
                                TEST_COUNT(image_sizes), BANDS, false, 2e-5, 0.05, 4e-6, 1e-7});
}

TEST(gradients_are_slopes_of_the_loss)
{
    check_suite(*state,
                &(struct suite){image_nets, TEST_COUNT(image_nets), slope_sizes,
                                TEST_COUNT(slope_sizes), BANDS, true, 2e-5, 0.05, 4e-6, 1e-7});
}

static void check_mlps(mb_machine *machine, enum kind kind)
{
    check_suite(machine, &(struct suite){mlps, TEST_COUNT(mlps), mlp_sizes, TEST_COUNT(mlp_sizes),
                                         kind, true, 1e-5, 0.0, 1e-5, 2e-6});
}

TEST(sparse_images) { check_mlps(*state, SPARSE); }

TEST(images_without_zeros) { check_mlps(*state, WITHOUT_ZEROS); }

/* No active pixel, K = 0: logits come from the biases, and dL/dW of the first layer is 0. */
TEST(blank_batches) { check_mlps(*state, BLANK); }

/* The first blocks of rows have no active pixel, the later ones some. */
TEST(half_blank_batches) { check_mlps(*state, HALF_BLANK); }

static int open_machine(void **state)
{
    *state = mb_test_machine(THREADS);
    return 0;
}

static int close_machine(void **state)
{
    print_message("largest error as a fraction of what is allowed: loss %.3f, gradient %.3f, "
                  "slopes %.3f\n",
                  worst_loss, worst_gradient, worst_slope);
    mb_machine_close(*state);
    return 0;
}

TEST_GROUP(open_machine, close_machine);
