#include "core/rng.h"
#include "layer_reference.h"
#include "support.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/evaluation.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In evaluation batch normalization is folded into the convolution before it, or runs as a layer if
 * there is none. Logits are compared with a reference that normalizes by the running statistics in
 * double precision without folding. */

enum { CLASSES = 5, IMAGES = 37, MAX_PIXELS = 200 };

/* Relative to the largest logit. */
static const double tolerance = 1e-6;

static const struct net {
    const char *spec; /* without the last dense:5 */
    size_t rows, columns, folded, alone;
} nets[] = {
    /* in NCHW and in NHWC, and from one to the other */
    {"conv2d:4x3,batchnorm2d,relu,flatten", 9, 8, 1, 0},
    {"conv2d:20x3,batchnorm2d,relu,flatten", 9, 8, 1, 0},
    {"conv2d:4x3,batchnorm2d,conv2d:20x3,batchnorm2d,relu,conv2d:5x1,batchnorm2d,flatten", 8, 9, 3,
     0},
    /* strides, padding, groups of channels, whose weights are not adjacent */
    {"conv2d:5x5/stride2/pad2,batchnorm2d,relu,conv2d:18x3/stride2/pad1,batchnorm2d,flatten", 11,
     14, 2, 0},
    {"conv2d:6x3,batchnorm2d,relu,conv2d:6x3/groups6/pad1,batchnorm2d,conv2d:12x1/groups3,"
     "batchnorm2d,flatten",
     8, 7, 3, 0},
    {"conv2d:32x3,batchnorm2d,relu,conv2d:32x3/groups2/stride2,batchnorm2d,relu,flatten", 9, 8, 2,
     0},
    {"conv2d:70x3,batchnorm2d,relu,globalavgpool,flatten", 5, 6, 1, 0},
    /* nothing to fold into: samples, pooling, a ReLU, another batchnorm2d */
    {"batchnorm2d,flatten", 6, 7, 0, 1},
    {"batchnorm2d,conv2d:4x3,relu,flatten", 6, 7, 0, 1},
    {"conv2d:6x3,relu,batchnorm2d,maxpool2d:2,batchnorm2d,conv2d:18x3,batchnorm2d,flatten", 12, 11,
     1, 2},
    {"conv2d:20x3,batchnorm2d,batchnorm2d,relu,avgpool2d:2,batchnorm2d,flatten", 10, 9, 1, 2},
    {"conv2d:4x3,dropout:0.5,batchnorm2d,flatten", 6, 7, 0, 1},
};

static uint8_t images[IMAGES * MAX_PIXELS], labels[IMAGES];
static uint32_t order[IMAGES];

static double worst; /* of all networks; printed at the end */

static float draw(mb_rng *rng, float min, float max)
{
    return min + (max - min) * mb_rng_uniform(rng);
}

static void draw_images(void)
{
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)mb_rng_below(&rng, 256);
    for (size_t i = 0; i < IMAGES; i++) {
        labels[i] = (uint8_t)(i % CLASSES);
        order[i] = (uint32_t)i;
    }
}

/* Scales of either sign, and variances from almost 0. */
static float number_for(const mb_tensor_info *info, mb_rng *rng)
{
    if (strstr(info->name, "running_var") != NULL)
        return mb_rng_below(rng, 4) > 0 ? draw(rng, 0.05f, 3.0f) : draw(rng, 0.0f, 1e-3f);
    if (strstr(info->name, "weight") != NULL)
        return draw(rng, 0.3f, 1.7f) * (mb_rng_below(rng, 3) > 0 ? 1.0f : -1.0f);
    return draw(rng, -1.0f, 1.0f);
}

static void set_parameters(mb_network *network)
{
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 1, i);
        float *values = mb_test_alloc(info.elements, sizeof *values);
        for (size_t e = 0; e < info.elements && info.dimensions == 1; e++)
            values[e] = number_for(&info, &rng);
        if (info.dimensions == 1)
            mb_network_set_tensor(network, i, values);
    }
}

static mb_network *open_network(const mb_machine *machine, const struct net *net)
{
    char spec[256];
    snprintf(spec, sizeof spec, "%s,dense:%d", net->spec, CLASSES);
    mb_network *network =
        mb_test_network(machine, spec, (mb_shape){1, net->rows, net->columns}, CLASSES);
    set_parameters(network);
    return network;
}

/* Recomputes the last layer, because the reference stores its input but not the logits. */
static double reference_logit(const mb_layer_reference *ref, size_t row, size_t class)
{
    const size_t last = ref->layers - 1, tensor = ref->first_tensor[last];
    const size_t inputs = mb_shape_size(ref->network->layers[last].in);
    double sum = ref->tensor[tensor + 1][class];
    for (size_t i = 0; i < inputs; i++)
        sum += ref->tensor[tensor][class * inputs + i] * ref->out[last][row * inputs + i];
    return sum;
}

/* max |logit - reference's| / max |reference's|; evaluation changes no parameter. */
static double apart_from_reference(mb_machine *machine, const mb_network *network)
{
    const size_t bytes = network->parameter_elements * sizeof(float);
    float logits[IMAGES * CLASSES], *before = mb_test_alloc(bytes, 1);
    mb_layer_reference ref;
    const mb_reference_batch batch = {images, labels, order, IMAGES};
    memcpy(before, network->parameters, bytes);
    const mb_split split = mb_test_split(network, images, labels, IMAGES);
    mb_test_logits(machine, network, &split.images, logits);
    assert_memory_equal(before, network->parameters, bytes);
    mb_layer_reference_open(network, IMAGES, &ref);
    ref.evaluates = true;
    mb_layer_reference_loss(&ref, &batch);
    double apart = 0.0, largest = 0.0;
    for (size_t i = 0; i < IMAGES * CLASSES; i++) {
        const double expected = reference_logit(&ref, i / CLASSES, i % CLASSES);
        assert_true(isfinite(logits[i]));
        apart = fmax(apart, fabs((double)logits[i] - expected));
        largest = fmax(largest, fabs(expected));
    }
    mb_layer_reference_close(&ref);
    worst = fmax(worst, apart / largest);
    return apart / largest;
}

static void check_reference(mb_machine *machine, const struct net *net, const mb_network *network)
{
    const double apart = apart_from_reference(machine, network);
    if (!(apart <= tolerance))
        fail_msg("%s: logits are %.3g of the largest apart", net->spec, apart);
}

TEST(logits_are_those_of_normalising_unfolded)
{
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        mb_network *network = open_network(*state, &nets[i]);
        check_reference(*state, &nets[i], network);
    }
}

/* Uses the statistics, scales and weights after some training steps. */
TEST(so_are_a_trained_networks)
{
    const mb_training_options options = {
        .optimizer = MB_OPTIMIZER_SGD, .batch_size = 10, .lr = 0.01, .momentum = 0.9};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        mb_network *network = open_network(*state, &nets[i]);
        const mb_split split = mb_test_split(network, images, labels, IMAGES);
        mb_test_training t;
        mb_test_training_open(*state, network, &split, order, IMAGES, &options, &t);
        assert_int_equal(mb_test_training_run(&t, 0, 4), 4);
        mb_test_training_close(&t);
        check_reference(*state, &nets[i], network);
    }
}

static size_t phases_named(const mb_plan *plan, const char *layer, const char *what)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const char *name = mb_plan_phase(plan, i)->name;
        count += strncmp(name, layer, strlen(layer)) == 0 && strstr(name, what) != NULL;
    }
    return count;
}

/* A folded batch normalization has no phase; in training each has one. */
TEST(what_can_be_folded_is)
{
    static const char batchnorm[] = "batchnorm2d";
    const mb_training_options options = {.optimizer = MB_OPTIMIZER_SGD, .batch_size = 10};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        mb_network *network = open_network(*state, &nets[i]);
        const mb_split split = mb_test_split(network, images, labels, IMAGES);
        const mb_sample_source source = {.split = split, .pixels = mb_shape_size(network->input)};
        const mb_data_loader_config config = {
            .source = &source, .samples = IMAGES, .batch_size = 10};
        mb_epoch pass;
        mb_test_training t;
        assert_int_equal(mb_epoch_open(network, &config, NULL, 1, NULL, &pass, NULL), MB_OK);
        assert_int_equal(phases_named(&pass.full, "conv2d", " fold"), nets[i].folded);
        assert_int_equal(phases_named(&pass.full, batchnorm, " forward"), nets[i].alone);
        mb_epoch_close(&pass);
        mb_test_training_open(*state, network, &split, order, IMAGES, &options, &t);
        assert_int_equal(phases_named(&t.epoch.full, "conv2d", " fold"), 0);
        assert_int_equal(phases_named(&t.epoch.full, batchnorm, " forward"),
                         nets[i].folded + nets[i].alone);
        mb_test_training_close(&t);
    }
}

static int open_machine(void **state)
{
    draw_images();
    *state = mb_test_machine(2);
    return 0;
}

static int close_machine(void **state)
{
    print_message("logits within %.1e of the largest\n", worst);
    mb_machine_close(*state);
    return 0;
}

TEST_GROUP(open_machine, close_machine);
