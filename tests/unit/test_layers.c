/* Losses and gradients of networks of all kinds of layers against a naive twin in double precision
 * (layer_twin.h), and against differences of the twin's loss, for which nobody's backward pass is
 * needed. The library's gradient is read from a step of sgd without momentum at learning rate 0, as
 * in test_gradient.c. */
#include "core/rng.h"
#include "layer_reference.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 3, CLASSES = 5, SEED = 77 };

/* Of the largest gradient of the tensor, or of this share of the largest of all: the gradient of a
 * bias that a batchnorm2d takes away again is nothing but rounding. */
static const double tolerance = 2e-5, share_of_all = 0.05;
static const double kink_margin = 4e-6, difference_step = 1e-7;

/* Convolutions of less than 16 channels a group work by planes, the others by pixels. */
static const struct net {
    const char *spec; /* without the last dense:5 */
    size_t rows, columns;
} nets[] = {
    /* each form, and from one to the other */
    {"conv2d:4x3,relu,flatten", 9, 13},
    {"conv2d:20x3,relu,flatten", 9, 13},
    {"conv2d:16x3,relu,conv2d:32x3,relu,flatten", 9, 8},
    {"conv2d:15x3,relu,conv2d:17x3,flatten", 7, 9},
    {"conv2d:4x3/pad1,relu,conv2d:20x3,relu,conv2d:6x3/pad1,relu,conv2d:17x1,relu,flatten", 8, 9},
    {"conv2d:20x3,conv2d:3x2/stride2/pad1,relu,conv2d:16x3/pad2,flatten", 7, 8},
    /* strides, padding, kernels of one number and of the whole image */
    {"conv2d:5x5/stride2/pad2,relu,conv2d:18x3/stride2/pad1,relu,flatten", 11, 14},
    {"conv2d:16x4/stride3/pad3,relu,conv2d:16x2/stride2/pad1,relu,flatten", 10, 11},
    {"conv2d:3x2/stride5,flatten", 9, 13},
    {"conv2d:4x1,relu,conv2d:19x1,relu,conv2d:5x1/stride2,flatten", 6, 7},
    {"conv2d:7x9,relu,flatten", 9, 9},
    {"conv2d:33x9,relu,conv2d:20x1,flatten", 9, 9},
    {"conv2d:2x3/pad1,relu,flatten", 2, 40},
    /* groups, one channel each among them */
    {"conv2d:6x3,relu,conv2d:6x3/groups6/pad1,relu,conv2d:12x1/groups3,flatten", 8, 7},
    {"conv2d:32x3,relu,conv2d:32x3/groups2/pad1,relu,conv2d:36x1/groups2,flatten", 6, 7},
    {"conv2d:8x3,relu,conv2d:32x3/groups2/stride2,relu,flatten", 9, 8},
    {"conv2d:20x3,relu,conv2d:40x3/groups2/pad1,relu,flatten", 6, 8},
    {"conv2d:32x3,relu,conv2d:32x3/groups32/stride2,relu,conv2d:16x1,flatten", 8, 9},
    {"conv2d:24x3,relu,conv2d:24x2/groups12/pad1,flatten", 7, 6},
    /* without im2col: rows of a line, more than one, two, more; one to three lines of units */
    {"conv2d:6x5/pad2,relu,conv2d:7x3,relu,flatten", 7, 18},
    {"conv2d:5x7/pad3,relu,conv2d:10x3/groups5,flatten", 6, 32},
    {"conv2d:8x2/pad1,relu,conv2d:8x5/groups8/pad2,flatten", 5, 70},
    {"conv2d:48x3/pad1,relu,conv2d:48x3/stride2,relu,flatten", 6, 15},
    {"conv2d:96x3,relu,conv2d:96x2/groups2/pad1,relu,conv2d:64x1/groups4,flatten", 6, 5},
    /* most of the gradient is 0: behind a max pool, whatever lies between, of samples, padded */
    {"conv2d:16x3/pad1,relu,maxpool2d:2,conv2d:33x3,relu,dropout:0.4,maxpool2d:2,flatten", 13, 11},
    {"conv2d:4x3,relu,conv2d:64x2/pad1,maxpool2d:3/stride4/pad1,flatten", 9, 10},
    {"conv2d:16x3,relu,conv2d:16x3/groups2,maxpool2d:2,conv2d:17x1,maxpool2d:2/stride1,flatten", 9,
     8},
    /* pooling, by planes and by pixels */
    {"conv2d:4x3,relu,maxpool2d:2,flatten", 10, 12},
    {"conv2d:20x3,relu,maxpool2d:2,flatten", 10, 11},
    {"conv2d:3x3/pad1,relu,maxpool2d:2,flatten", 34, 40},
    {"conv2d:2x3/pad1,relu,maxpool2d:2,flatten", 6, 34},
    {"conv2d:2x3/pad1,maxpool2d:2,flatten", 5, 71},
    {"conv2d:4x3,maxpool2d:3/stride2/pad1,relu,flatten", 10, 13},
    {"conv2d:20x3,maxpool2d:3/stride2/pad1,relu,flatten", 10, 9},
    {"conv2d:3x3,maxpool2d:3/stride1,flatten", 9, 25},
    {"conv2d:17x3,maxpool2d:3/stride1/pad2,flatten", 8, 7},
    {"conv2d:4x3,maxpool2d:2/stride3,relu,flatten", 11, 12},
    {"maxpool2d:2,conv2d:4x3,relu,maxpool2d:2,conv2d:18x2,flatten", 18, 20},
    {"avgpool2d:2,conv2d:4x3,relu,avgpool2d:3/stride2/pad1,flatten", 16, 14},
    {"conv2d:20x3,relu,avgpool2d:2,conv2d:16x3,avgpool2d:2/stride1/pad1,flatten", 12, 10},
    {"conv2d:6x3,relu,globalavgpool,flatten", 8, 9},
    {"conv2d:24x3,relu,globalavgpool,conv2d:7x1,flatten", 8, 9},
    {"globalavgpool,flatten", 5, 6},
    /* flat numbers */
    {"flatten,dense:70,relu", 8, 9},
    {"flatten,flatten", 8, 9},
    {"conv2d:4x3,relu,maxpool2d:2,flatten,dense:70,relu,dense:17,relu", 10, 9},
    {"conv2d:20x3,relu,maxpool2d:2,flatten,flatten,dense:70,relu", 10, 9},
    /* batch normalisation: of samples, by planes, by pixels, behind any layer */
    {"batchnorm2d,flatten,dense:9,relu", 6, 7},
    {"batchnorm2d,conv2d:4x3,relu,flatten", 6, 7},
    {"conv2d:4x3,batchnorm2d,relu,conv2d:20x3,batchnorm2d,relu,flatten", 8, 9},
    {"conv2d:20x3,batchnorm2d,conv2d:4x1,batchnorm2d,flatten", 6, 7},
    {"conv2d:6x3,relu,maxpool2d:2,batchnorm2d,conv2d:12x3/groups3,batchnorm2d,relu,flatten", 12,
     11},
    {"conv2d:20x3,relu,avgpool2d:2,batchnorm2d,relu,batchnorm2d,globalavgpool,flatten", 10, 9},
    {"conv2d:70x3,batchnorm2d,relu,globalavgpool,flatten", 5, 6},
    /* dropout, of images in both forms and of flat numbers */
    {"conv2d:4x3,relu,dropout:0.3,maxpool2d:2,flatten,dropout:0.5,dense:40,relu,dropout:0.25", 10,
     9},
    {"conv2d:20x3,dropout:0.3,relu,maxpool2d:2,dropout:0.1,flatten", 10, 9},
    {"conv2d:20x3,batchnorm2d,dropout:0.5,relu,flatten,dropout:0.5,dense:7", 6, 7},
};

/* The last batch is looked at. Some are smaller than those before, and divided into more chunks
 * of samples. */
static const struct size {
    size_t count, batch;
} sizes[] = {{1, 1}, {2, 2}, {16, 16}, {17, 17}, {33, 17}, {33, 33}, {65, 33}, {64, 64}, {3, 2}};

static const struct size different = {6, 4}; /* with differences */

typedef struct samples {
    uint8_t *images, *labels;
    uint32_t *order;
} samples;

/* Seen so far, in shares of what is allowed; printed at the end. */
static double worst_loss, worst_gradient, worst_difference;

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

static samples draw_samples(uint64_t seed, const struct net *net, size_t count)
{
    const size_t pixels = net->rows * net->columns;
    samples s = {take(count * pixels, 1), take(count, 1), take(count, sizeof *s.order)};
    for (size_t i = 0; i < count; i++) {
        mb_rng rng = mb_rng_at(seed, MB_RNG_TESTS, 0, i);
        s.order[i] = (uint32_t)(count - 1 - i);
        s.labels[i] = (uint8_t)mb_rng_below(&rng, CLASSES);
        /* Rows above and below are blank in two of three, and all of some. */
        const size_t rows = net->rows, blank = i % 3 == 0 ? 0 : rows / 2 + i % 2;
        const size_t first = blank > 0 ? mb_rng_below(&rng, (uint32_t)blank) : 0;
        for (size_t p = 0; p < pixels; p++) {
            const size_t row = p / net->columns;
            const bool marked = row >= first && row < rows - (blank - first);
            s.images[i * pixels + p] =
                (uint8_t)(marked && mb_rng_below(&rng, 4) > 0 ? mb_rng_below(&rng, 256) : 0);
        }
        if (i % 7 == 6)
            memset(s.images + i * pixels, 0, pixels);
    }
    return s;
}

static void free_samples(samples *s)
{
    free(s->images);
    free(s->labels);
    free(s->order);
}

static mb_network *open_network(const mb_machine *machine, const struct net *net)
{
    char spec[256];
    mb_network *network = NULL;
    mb_error error = {0};
    snprintf(spec, sizeof spec, "%s,dense:%d", net->spec, CLASSES);
    if (mb_network_open(machine, spec, (mb_shape){1, net->rows, net->columns}, CLASSES, &network,
                        &error) != MB_OK)
        fail_msg("%s: %s", spec, error.text);
    return network;
}

/* He's weights, biases that are not 0, and scales of batchnorm2d that are not 1. */
static void set_parameters(mb_network *network)
{
    mb_network_initialise(network, 1);
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        const bool bias = strstr(info.name, ".bias") != NULL;
        if (!bias && !(info.dimensions == 1 && strstr(info.name, ".weight") != NULL))
            continue;
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 1, i);
        float *values = take(info.elements, sizeof *values);
        for (size_t e = 0; e < info.elements; e++)
            values[e] = mb_rng_uniform(&rng) + (bias ? -0.4f : 0.5f);
        mb_network_set_tensor(network, i, values);
        free(values);
    }
}

/* Mean loss of the last batch; its gradient becomes the parameters of `gradient`. */
static double run_pass(mb_machine *machine, mb_network *network, const samples *s, struct size size,
                       mb_network *gradient)
{
    const mb_training_options options = {
        .optimizer = MB_OPTIMIZER_SGD, .batch_size = size.batch, .seed = SEED};
    const mb_split split = mb_test_split(network, s->images, s->labels, size.count);
    mb_test_training t;
    mb_test_training_open(machine, network, &split, s->order, size.count, &options, &t);
    const size_t last = mb_data_loader_steps(&t.epoch.loader) - 1;
    if (last > 0)
        assert_int_equal(mb_test_training_run(&t, 0, last), last);
    const double before = t.epoch.stats.loss;
    assert_int_equal(mb_test_training_run(&t, last, 1), 1);
    assert_true(t.epoch.stats.finite);
    const double loss =
        (t.epoch.stats.loss - before) / (double)mb_data_loader_rows(&t.epoch.loader, last);
    memcpy(gradient->parameters, t.trainable.m, network->parameter_elements * sizeof(float));
    mb_test_training_close(&t);
    return loss;
}

static double check_loss(double loss, double expected)
{
    const double apart = fabs(loss - expected) / (tolerance * expected);
    worst_loss = fmax(worst_loss, apart);
    return apart;
}

static double largest_of(const mb_layer_reference *twin, size_t tensor)
{
    double largest = 0.0;
    for (size_t e = 0; e < twin->elements[tensor]; e++)
        largest = fmax(largest, fabs(twin->gradient[tensor][e]));
    return largest;
}

static double largest_of_all(const mb_layer_reference *twin)
{
    double largest = 0.0;
    for (size_t i = 0; i < twin->tensors; i++)
        largest = fmax(largest, largest_of(twin, i));
    return largest;
}

/* max |g - twin's g| in each tensor, in shares of what is allowed; those that do not learn have
 * zeros. */
static double check_gradient(const mb_network *gradient, const mb_layer_reference *twin)
{
    const double of_all = largest_of_all(twin);
    double worst = 0.0;
    for (size_t i = 0; i < twin->tensors; i++) {
        const double allowed = tolerance * fmax(largest_of(twin, i), share_of_all * of_all);
        float *g = take(twin->elements[i], sizeof *g);
        mb_network_get_tensor(gradient, i, g);
        for (size_t e = 0; e < twin->elements[i]; e++) {
            assert_true(isfinite(g[e]));
            worst = fmax(worst, fabs((double)g[e] - twin->gradient[i][e]) / allowed);
        }
        free(g);
    }
    worst_gradient = fmax(worst_gradient, worst);
    return worst;
}

/* +1 or -1 for each parameter: a direction in their space, in one tensor or (tensors) in all. */
static double sign_of(size_t tensor, size_t element)
{
    mb_rng rng = mb_rng_at(3, MB_RNG_TESTS, 2 + tensor, element);
    return mb_rng_next(&rng) >> 63 ? 1.0 : -1.0;
}

static bool learns(const mb_network *network, size_t tensor)
{
    const char *name = mb_network_tensor_info(network, tensor).name;
    return strstr(name, ".weight") != NULL || strstr(name, ".bias") != NULL;
}

static void move(mb_layer_reference *twin, size_t tensor, double distance)
{
    for (size_t i = 0; i < twin->tensors; i++)
        for (size_t e = 0; e < twin->elements[i]; e++)
            if ((tensor == i || tensor == twin->tensors) && learns(twin->network, i))
                twin->tensor[i][e] += distance * sign_of(i, e);
}

/* Sum of g along the direction v, and of |g|, which counts as at least share_of_all. */
static double along(const mb_network *gradient, const mb_layer_reference *twin, size_t tensor,
                    double *all)
{
    const double largest = largest_of_all(twin);
    double sum = 0.0;
    *all = 0.0;
    for (size_t i = 0; i < twin->tensors; i++) {
        float *g = take(twin->elements[i], sizeof *g);
        mb_network_get_tensor(gradient, i, g);
        for (size_t e = 0; e < twin->elements[i]; e++)
            if (tensor == i || tensor == twin->tensors) {
                sum += (double)g[e] * sign_of(i, e);
                *all += fmax(fabs((double)g[e]), share_of_all * largest);
            }
        free(g);
    }
    return sum;
}

/* With directions v of each tensor, and one of all, of length h:
 * |g . v - (L(w + h v) - L(w - h v)) / 2h| <= tolerance * sum |g|, and 1e-7 for the rounding of L.
 */
static double check_differences(const mb_network *gradient, mb_layer_reference *twin,
                                const mb_reference_batch *batch)
{
    double worst = 0.0;
    for (size_t tensor = 0; tensor <= twin->tensors; tensor++) {
        double all;
        const double slope = along(gradient, twin, tensor, &all);
        if (tensor < twin->tensors && !learns(twin->network, tensor))
            continue;
        move(twin, tensor, difference_step);
        const double above = mb_layer_reference_loss(twin, batch);
        move(twin, tensor, -2.0 * difference_step);
        const double below = mb_layer_reference_loss(twin, batch);
        move(twin, tensor, difference_step);
        const double apart = fabs(slope - (above - below) / (2.0 * difference_step));
        worst = fmax(worst, apart / (tolerance * all + 1e-7));
    }
    worst_difference = fmax(worst_difference, worst);
    return worst;
}

/* Draws images until the twin is nowhere near a kink. */
static samples draw_smooth(const struct net *net, struct size size, mb_layer_reference *twin,
                           mb_reference_batch *batch)
{
    const size_t rest = size.count % size.batch, rows = rest > 0 ? rest : size.batch;
    for (uint64_t seed = 1; seed < 100; seed++) {
        samples s = draw_samples(seed, net, size.count);
        *batch = (mb_reference_batch){s.images, s.labels, s.order + size.count - rows, rows};
        mb_layer_reference_loss(twin, batch);
        if (twin->nearest >= kink_margin)
            return s;
        free_samples(&s);
    }
    fail_msg("%s: every batch comes near a kink", net->spec);
    return (samples){0};
}

/* For the mean loss L of a batch: L = twin's L, dL/dw = twin's dL/dw for each parameter w. */
static bool check_batch(mb_machine *machine, const struct net *net, struct size size,
                        bool differences)
{
    mb_network *network = open_network(machine, net), *gradient = open_network(machine, net);
    mb_layer_reference twin;
    mb_reference_batch batch;
    set_parameters(network);
    mb_layer_reference_open(network, size.batch, &twin);
    twin.seed = SEED;
    samples s = draw_smooth(net, size, &twin, &batch);
    const double found = run_pass(machine, network, &s, size, gradient);
    const double loss = check_loss(found, mb_layer_reference_gradient(&twin, &batch));
    const double worst = check_gradient(gradient, &twin);
    const double apart = differences ? check_differences(gradient, &twin, &batch) : 0.0;
    const bool good = loss <= 1.0 && worst <= 1.0 && apart <= 1.0; /* false for NaN too */
    if (!good)
        print_error("%s, images of %zux%zu, %zu in batches of %zu: loss, gradient and differences "
                    "are %.3g, %.3g and %.3g times as far off as is allowed\n",
                    net->spec, net->rows, net->columns, size.count, size.batch, loss, worst, apart);
    mb_layer_reference_close(&twin);
    mb_network_close(network);
    mb_network_close(gradient);
    free_samples(&s);
    return good;
}

TEST(losses_and_gradients_are_the_twins)
{
    size_t bad = 0;
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            bad += !check_batch(*state, &nets[n], sizes[i], false);
    assert_int_equal(bad, 0);
}

TEST(gradients_are_slopes_of_the_loss)
{
    size_t bad = 0;
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++)
        bad += !check_batch(*state, &nets[n], different, true);
    assert_int_equal(bad, 0);
}

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
