#include "nn/network.h"
#include "support.h"
#include "test.h"
#include "training.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mb_shape mnist = {1, 28, 28}, tiny = {1, 2, 3};

static int open_machine(void **state)
{
    *state = mb_test_machine(1);
    return 0;
}

static int close_machine(void **state)
{
    mb_machine_close(*state);
    return 0;
}

/* A tensor's values. */
static float *values_of(const mb_network *network, size_t index)
{
    float *values = mb_test_alloc(mb_network_tensor_info(network, index).elements, sizeof *values);
    mb_network_get_tensor(network, index, values);
    return values;
}

TEST(mlp_is_784_128_64_10)
{
    mb_network *network = mb_test_network(*state, "mlp", mnist, 10);
    assert_string_equal(mb_network_spec(network), "dense:128,relu,dense:64,relu,dense:10");
    assert_int_equal(mb_network_parameter_count(network), 109386);
    assert_true(mb_network_training_flops(network) == 454400.0);
    assert_int_equal(mb_network_classes(network), 10);
    const mb_shape input = mb_network_input(network);
    assert_memory_equal(&input, &mnist, sizeof input);
    assert_int_equal(network->count, 5);
    assert_int_equal(mb_shape_size(network->layers[0].in), 784);
    static const size_t outputs[] = {128, 128, 64, 64, 10};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(mb_shape_size(network->layers[i].out), outputs[i]);
}

TEST(mlp_adapts_to_input_and_classes)
{
    mb_network *network = mb_test_network(*state, "mlp", tiny, 3);
    assert_int_equal(mb_network_parameter_count(network),
                     7 * 128 + 129 * 64 + 65 * 3); /* a bias is one more input */
    assert_string_equal(mb_network_spec(network), "dense:128,relu,dense:64,relu,dense:3");
    network = mb_test_network(*state, "dense:2", (mb_shape){3, 5, 7}, 2);
    assert_int_equal(mb_network_parameter_count(network), 106 * 2);
    assert_true(mb_network_training_flops(network) == 2.0 * 2 * 105 * 2);
}

/* The names in a PyTorch nn.Sequential of the same layers. */
TEST(tensors_are_named_and_shaped_as_pytorch_has_them)
{
    static const mb_tensor_info expected[] = {
        {"0.weight", 2, {128, 784}, 128 * 784}, {"0.bias", 1, {128}, 128},
        {"2.weight", 2, {64, 128}, 64 * 128},   {"2.bias", 1, {64}, 64},
        {"4.weight", 2, {10, 64}, 10 * 64},     {"4.bias", 1, {10}, 10},
    };
    mb_network *network = mb_test_network(*state, "mlp", mnist, 10);
    assert_int_equal(mb_network_tensor_count(network), 6);
    for (size_t i = 0; i < 6; i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        assert_string_equal(info.name, expected[i].name);
        assert_int_equal(info.dimensions, expected[i].dimensions);
        for (size_t d = 0; d < info.dimensions; d++)
            assert_int_equal(info.shape[d], expected[i].shape[d]);
        assert_int_equal(info.elements, expected[i].elements);
    }
}

TEST(parameters_are_zero_at_first)
{
    mb_network *network = NULL;
    assert_int_equal(mb_network_open(*state, "mlp", tiny, 3, &network, NULL), MB_OK);
    for (size_t t = 0; t < mb_network_tensor_count(network); t++) {
        const float *values = values_of(network, t);
        for (size_t i = 0; i < mb_network_tensor_info(network, t).elements; i++)
            assert_true(values[i] == 0.0f);
    }
    mb_network_close(network);
}

/* Values that identify their position; widths that are not whole panels. */
static float number_of(size_t tensor, size_t i) { return (float)(tensor * 100000 + i + 1); }

static void set_all(mb_network *network)
{
    for (size_t t = 0; t < mb_network_tensor_count(network); t++) {
        float *values = values_of(network, t);
        for (size_t i = 0; i < mb_network_tensor_info(network, t).elements; i++)
            values[i] = number_of(t, i);
        mb_network_set_tensor(network, t, values);
    }
}

/* All tensors are set before any is read, so overlaps are detected. */
TEST(what_is_set_is_got)
{
    static const char *const specs[] = {"dense:37,relu,dense:16,dense:17,relu,dense:3",
                                        "dense:1,dense:128,dense:3", "dense:3"};
    for (size_t s = 0; s < 3; s++) {
        mb_network *network = mb_test_network(*state, specs[s], tiny, 3);
        size_t all = 0;
        set_all(network);
        for (size_t t = 0; t < mb_network_tensor_count(network); t++) {
            const size_t elements = mb_network_tensor_info(network, t).elements;
            float *values = values_of(network, t);
            for (size_t i = 0; i < elements; i++)
                assert_true(values[i] == number_of(t, i));
            all += elements;
        }
        assert_int_equal(all, mb_network_parameter_count(network));
    }
}

/* He's bound for weights, filled almost to its ends and evenly on both sides; 0 for biases. */
TEST(initial_weights_are_within_hes_bound)
{
    static const float inputs[] = {784, 128, 64};
    mb_network *network = mb_test_network(*state, "mlp", mnist, 10);
    set_all(network);
    mb_network_initialise(network, 1);
    for (size_t t = 0; t < 6; t++) {
        const size_t elements = mb_network_tensor_info(network, t).elements;
        const float bound = t % 2 == 0 ? sqrtf(6.0f / inputs[t / 2]) : 0.0f;
        float *values = values_of(network, t), smallest = 0.0f, largest = 0.0f;
        double sum = 0.0;
        for (size_t i = 0; i < elements; i++) {
            smallest = fminf(smallest, values[i]);
            largest = fmaxf(largest, values[i]);
            sum += (double)values[i];
        }
        assert_true(smallest >= -bound && largest <= bound);
        assert_true(smallest <= -0.98f * bound && largest >= 0.98f * bound);
        assert_true(fabs(sum / (double)elements) <= 0.1 * (double)bound);
    }
}

static float *initialised(mb_network *network, uint64_t seed, size_t tensor)
{
    mb_network_initialise(network, seed);
    return values_of(network, tensor);
}

TEST(seeds_make_the_weights)
{
    mb_network *network = mb_test_network(*state, "dense:6,relu,dense:6,relu,dense:3", tiny, 3);
    float *one = initialised(network, 1, 0), *two = initialised(network, 2, 0);
    float *again = initialised(network, 1, 0), *deeper = initialised(network, 1, 2);
    assert_memory_equal(one, again, 6 * 6 * sizeof *one);
    assert_memory_not_equal(one, two, 6 * 6 * sizeof *one);
    assert_memory_not_equal(one, deeper, 6 * 6 * sizeof *one); /* each layer has its own stream */
    assert_memory_not_equal(one, one + 6, 6 * sizeof *one);    /* and so has each unit */
}

/* The panel width does not matter: with another kernel set the same seed gives the same network. */
TEST(weights_do_not_depend_on_the_panel)
{
    mb_network *one = mb_test_network(*state, "dense:37,relu,dense:100,relu,dense:3", tiny, 3);
    mb_network *other = mb_test_network(*state, "dense:37,relu,dense:100,relu,dense:3", tiny, 3);
    for (size_t i = 0; i < one->count; i++) {
        one->layers[i].rules = mb_tiling_rules_for(true);
        other->layers[i].rules = mb_tiling_rules_for(false);
    }
    mb_network_initialise(one, 5);
    mb_network_initialise(other, 5);
    for (size_t t = 0; t < mb_network_tensor_count(one); t++) {
        float *a = values_of(one, t), *b = values_of(other, t);
        assert_memory_equal(a, b, mb_network_tensor_info(one, t).elements * sizeof *a);
    }
    assert_memory_not_equal(one->parameters, other->parameters, 37 * 6 * sizeof(float));
}

static void fails(const mb_machine *machine, const char *spec, mb_shape input, size_t classes,
                  const char *why)
{
    mb_network *network = NULL;
    mb_error error = {0};
    assert_int_equal(mb_network_open(machine, spec, input, classes, &network, &error),
                     MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, why);
    assert_null(network);
}

TEST(bad_units_are_refused)
{
    static const char *const units[] = {"0",
                                        "-1",
                                        "+1",
                                        "1e3",
                                        "10x",
                                        " 10",
                                        "0x10",
                                        "010",
                                        "1.5",
                                        "",
                                        "10:",
                                        "1000001",
                                        "18446744073709551617"};
    char spec[64], why[128];
    for (size_t i = 0; i < TEST_COUNT(units); i++) {
        snprintf(spec, sizeof spec, "dense:8,dense:%s,dense:3", units[i]);
        snprintf(why, sizeof why,
                 "network: layer 2 'dense:%s': dense takes its number of units, 1 to 1000000",
                 units[i]);
        fails(*state, spec, tiny, 3, why);
    }
}

TEST(bad_specs_are_refused_by_name)
{
    static const struct {
        const char *spec;
        mb_shape input;
        size_t classes;
        const char *why;
    } cases[] = {
        {"dense", {1, 2, 3}, 3, "network: layer 1 'dense': dense takes its number of units"},
        {"relu,dense:3", {1, 2, 3}, 3, "layer 1 'relu': relu must follow a layer that computes"},
        {"dense:8,relu:2,dense:3", {1, 2, 3}, 3, "layer 2 'relu:2': relu takes no argument"},
        {"dense:8,swish,dense:3", {1, 2, 3}, 3, "layer 2: no layer is called 'swish'; layers: "},
        {"Dense:3", {1, 2, 3}, 3, "layer 1: no layer is called 'Dense'"},
        {"mlp,dense:3", {1, 2, 3}, 3, "; whole networks: mlp, lenet5, lenet5-valid, cnn"},
        {"dense:8,,dense:3", {1, 2, 3}, 3, "layer 2 of 'dense:8,,dense:3' is empty"},
        {"", {1, 2, 3}, 3, "layer 1 of '' is empty"},
        /* the last layer has a unit for each class */
        {"dense:4", {1, 2, 3}, 3, "'dense:4' must end in dense:3, one unit for each of the 3"},
        {"dense:3,relu", {1, 2, 3}, 3, "'dense:3,relu' must end in dense:3"},
        {"mlp", {1, 2, 3}, 1, "network: classes: must be 2 to 256, got 1"},
        {"mlp", {1, 2, 3}, 0, "must be 2 to 256, got 0"},
        {"mlp", {1, 2, 3}, 257, "must be 2 to 256, got 257"},
        /* samples have a size */
        {"mlp", {0, 28, 28}, 10, "network: input of 0x28x28 (channels"},
        {"mlp", {1, 0, 28}, 10, "network: input of 1x0x28 (channels"},
        {"mlp", {1, 28, 0}, 10, "network: input of 1x28x0 (channels"},
        {"mlp", {2, INT_MAX / 2 + 1, 1}, 10, "is out of range"},
        {"mlp", {SIZE_MAX, 2, 1}, 10, "is out of range"},
        {"mlp", {1, SIZE_MAX / 2 + 2, 2}, 10, "is out of range"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        fails(*state, cases[i].spec, cases[i].input, cases[i].classes, cases[i].why);
}

/* Windows that do not fit, and misplaced layers: one line with the layer and shapes. */
TEST(bad_layers_of_images_are_refused)
{
    static const struct {
        const char *spec, *why;
    } cases[] = {
        {"conv2d,flatten,dense:10", "layer 1 'conv2d': conv2d takes CHANNELSxKERNEL["},
        {"conv2d:0x3,flatten,dense:10", "conv2d takes CHANNELSxKERNEL["},
        {"conv2d:4x3/stride0,flatten,dense:10", "conv2d takes CHANNELSxKERNEL["},
        {"conv2d:4x3/pad,flatten,dense:10", "conv2d takes CHANNELSxKERNEL["},
        {"maxpool2d:2/groups2,flatten,dense:10", "maxpool2d takes KERNEL["},
        {"conv2d:16x3/pad1/pad2,flatten,dense:10",
         "layer 1 'conv2d:16x3/pad1/pad2': conv2d takes CHANNELSxKERNEL[/strideN][/padN]["},
        {"conv2d:16x3/pad1/pad1,flatten,dense:10", "each option once, as in conv2d:16x5/pad2"},
        {"conv2d:4x3/stride1/pad1/stride2,flatten,dense:10",
         "each option once, as in conv2d:16x5/pad2"},
        {"conv2d:4x3/groups1/groups1,flatten,dense:10", "each option once, as in conv2d:16x5/pad2"},
        {"avgpool2d:2/pad0/pad1,flatten,dense:10", "each option once, as in avgpool2d:2"},
        {"conv2d:4x29,flatten,dense:10", "a kernel of 29x29 does not fit into 1x28x28"},
        {"conv2d:4x3/pad3,flatten,dense:10", "padding 3 must be smaller than the kernel, 3x3"},
        {"conv2d:6x3,conv2d:8x3/groups4,flatten,dense:10",
         "layer 2 'conv2d:8x3/groups4': 4 groups do not divide 6 input channels and 8 output "
         "channels"},
        {"conv2d:4x3,dense:10",
         "needs flat input, got 4x26x26 (channels, rows, columns): add flatten"},
        {"conv2d:65536x3,conv2d:65536x3,flatten,dense:10",
         "layer 2 'conv2d:65536x3': weights of 65536x65536x3x3 are too large"},
        {"conv2d:65536x28/pad27,conv2d:1x1/pad0,maxpool2d:65536/pad65535,flatten,dense:10",
         "input of 1x55x55 (channels, rows, columns) with padding 65535"},
        {"maxpool2d:65536/pad65535/stride1,flatten,dense:10", "is too large"},
        {"globalavgpool:2,flatten,dense:10", "globalavgpool takes no argument"},
        {"batchnorm2d:2,flatten,dense:10", "batchnorm2d takes no argument"},
        {"flatten:2,dense:10", "flatten takes no argument"},
        {"conv2d:4x3,dropout:1,flatten,dense:10", "dropout takes its rate, at least 0 and below 1"},
        {"conv2d:4x3,dropout:nan,flatten,dense:10",
         "dropout takes its rate, at least 0 and below 1"},
        {"dropout:0.5,dense:10", "dropout must follow a layer that computes"},
        {"flatten,dropout:0.5,dense:10", "layer 2 'dropout:0.5': dropout must follow"},
        {"flatten,relu,dense:10", "layer 2 'relu': relu must follow a layer that computes"},
        {"flatten,flatten,relu,dense:10", "layer 3 'relu': relu must follow a layer that computes"},
        {"conv2d:4x3,flatten,conv2d:4x1,flatten,dense:10",
         "layer 3 'conv2d:4x1': conv2d needs image input, got 2704 flat features"},
        {"dense:64,relu,batchnorm2d,dense:10", "batchnorm2d needs image input, got 64 flat"},
        {"flatten,maxpool2d:1,dense:10", "maxpool2d needs image input, got 784 flat"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        fails(*state, cases[i].spec, mnist, 10, cases[i].why);
}

/* Each option once, in any order. */
TEST(options_of_windows_stand_in_any_order)
{
    static const char *const specs[] = {
        "conv2d:4x3,conv2d:8x5/stride2/pad1/groups4,flatten,dense:10",
        "conv2d:4x3,conv2d:8x5/groups4/stride2/pad1,flatten,dense:10",
        "conv2d:4x3,conv2d:8x5/pad1/groups4/stride2,flatten,dense:10"};
    for (size_t i = 0; i < 3; i++) {
        mb_network *network = mb_test_network(*state, specs[i], mnist, 10);
        const mb_window *window = mb_layer_window(&network->layers[1]);
        assert_int_equal(window->rows, 5);
        assert_int_equal(window->stride, 2);
        assert_int_equal(window->padding, 1);
        assert_int_equal(window->groups, 4);
    }
}

TEST(networks_may_have_2_to_256_classes)
{
    mb_test_network(*state, "mlp", tiny, 2);
    mb_test_network(*state, "mlp", tiny, 256);
}

/* More bytes than any address space has: nothing is leaked or partly built. */
TEST(what_no_memory_holds_is_an_error)
{
    mb_network *network = NULL;
    mb_error error = {0};
    const mb_shape large = {1, 46340, 46340};
    if (sizeof(size_t) < sizeof(uint64_t))
        skip(); /* its size overflows */
    assert_int_equal(mb_network_open(*state, "dense:1000000,dense:3", large, 3, &network, &error),
                     MB_ERROR_MEMORY);
    mb_test_check_error(&error, MB_ERROR_MEMORY, "network: needs 8589582.");
    assert_null(network);
}

TEST(parameters_can_be_limited)
{
    mb_network *network = NULL;
    mb_error error = {0};
    assert_int_equal(mb_network_open_within(*state, "mlp", mnist, 10, 109385, &network, &error),
                     MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "has 109386 parameters, expected at most 109385");
    assert_null(network);
    assert_int_equal(mb_network_open_within(*state, "mlp", mnist, 10, 109386, &network, &error),
                     MB_OK);
    mb_network_close(network);
    mb_network_close(NULL);
}

TEST_GROUP(open_machine, close_machine);
