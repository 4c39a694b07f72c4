/* 20 steps of networks of images end where PyTorch's do. The values, and how they were made, are
 * in tests/golden: make_golden_layers.py shows what rounding alone leads to, and which mistakes
 * are seen. */
#include "model/safetensors.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/evaluation.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MB_GOLDEN_DIR
#define MB_GOLDEN_DIR "tests/golden"
#endif

enum { STEPS = 20, BATCH = 24, IMAGES = STEPS * BATCH, SIDE = 28, CLASSES = 10, SAMPLED = 600 };
enum { PIXELS = SIDE * SIDE };

static const double tolerance = 1e-4;

static const char norm[] =
    "conv2d:12x3/pad1,batchnorm2d,relu,maxpool2d:2,conv2d:32x3/stride2/groups2,batchnorm2d,relu,"
    "avgpool2d:3/stride2/pad1,batchnorm2d,flatten,dense:10";
static const char cnn[] = "conv2d:32x3,relu,conv2d:64x3,relu,maxpool2d:2,dropout:0,flatten,"
                          "dense:128,relu,dropout:0,dense:10";

/* As in make_golden_layers.py. */
static const mb_training_options sgd = {.optimizer = MB_OPTIMIZER_SGD,
                                        .batch_size = BATCH,
                                        .lr = 0.02,
                                        .momentum = 0.9,
                                        .weight_decay = 1e-2},
                                 adamw = {.optimizer = MB_OPTIMIZER_ADAMW,
                                          .batch_size = BATCH,
                                          .lr = 1e-3,
                                          .weight_decay = 0.1,
                                          .beta1 = 0.9,
                                          .beta2 = 0.999,
                                          .epsilon = 1e-8};

static uint8_t images[IMAGES * PIXELS], labels[IMAGES];
static uint32_t order[IMAGES];
static const mb_split split = {{images, IMAGES, 1, SIDE, SIDE}, labels};

static uint32_t hash_of(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

/* make_golden_layers.py's numbers(stream, ..)[place] */
static uint32_t number(size_t stream, size_t place)
{
    return hash_of(hash_of((uint32_t)place) ^ (uint32_t)stream);
}

static void make_data(void)
{
    for (size_t i = 0; i < IMAGES; i++) {
        order[i] = (uint32_t)i;
        labels[i] = (uint8_t)(number(1, i) % CLASSES);
        for (size_t p = 0; p < PIXELS; p++)
            images[i * PIXELS + p] = number(2, labels[i] * (size_t)PIXELS + p) % 3 == 0
                                         ? (uint8_t)(number(3, i * PIXELS + p) >> 24)
                                         : 0;
    }
}

static int open_golden(void **state)
{
    make_data();
    return mb_safetensors_open(MB_GOLDEN_DIR "/golden_layers.safetensors", (mb_safetensors **)state,
                               NULL);
}

static int close_golden(void **state)
{
    mb_safetensors_close(*state);
    return 0;
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

/* RUN.NAMEsuffix, on the heap. */
static float *golden_floats(const mb_safetensors *file, const char *run, const char *name,
                            const char *suffix, size_t elements)
{
    char whole[96];
    snprintf(whole, sizeof whole, "%s.%s%s", run, name, suffix);
    const mb_stored_tensor *tensor = mb_safetensors_find(file, whole);
    if (tensor == NULL)
        fail_msg("%s is not there", whole);
    assert_int_equal(tensor->elements, elements);
    float *numbers = take(elements, sizeof *numbers);
    mb_safetensors_values(tensor, numbers);
    return numbers;
}

/* He's weights, small biases, scales around 1; the running variance of batchnorm2d is 1 at first.
 */
static float first_value(const mb_tensor_info *info, size_t tensor, size_t element)
{
    const double u = (double)(number(100 + tensor, element) >> 8) / 8388608.0 - 1.0;
    if (strstr(info->name, "running_var") != NULL)
        return 1.0f;
    if (info->dimensions == 0 || strstr(info->name, "running_mean") != NULL)
        return 0.0f;
    if (info->dimensions > 1)
        return (float)(u * sqrt(6.0 / ((double)info->elements / (double)info->shape[0])));
    return (float)(strstr(info->name, "weight") != NULL ? 1.0 + 0.5 * u : 0.1 * u);
}

static void set_parameters(mb_network *network)
{
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        float *values = take(info.elements, sizeof *values);
        for (size_t e = 0; e < info.elements; e++)
            values[e] = first_value(&info, i, e);
        mb_network_set_tensor(network, i, values);
        free(values);
    }
}

/* Runs all steps, one at a time: |loss / PyTorch's loss - 1| is within the tolerance at each. */
static double check_losses(const mb_safetensors *file, const char *run, mb_test_training *t)
{
    float *expected = golden_floats(file, run, "loss", "", STEPS);
    double worst = 0.0, before = 0.0;
    for (size_t step = 0; step < STEPS; step++) {
        assert_int_equal(mb_test_training_run(t, step, 1), 1);
        const double loss = (t->epoch.stats.loss - before) / BATCH;
        before = t->epoch.stats.loss;
        const double apart = fabs(loss / (double)expected[step] - 1.0);
        assert_true(apart <= tolerance); /* false for NaN too */
        worst = fmax(worst, apart);
    }
    free(expected);
    return worst;
}

/* |number - PyTorch's| is within the tolerance for each of a tensor that is in the file. */
static double check_tensor(const mb_safetensors *file, const char *run, const mb_network *network,
                           size_t tensor)
{
    const mb_tensor_info info = mb_network_tensor_info(network, tensor);
    const size_t step = (info.elements + SAMPLED - 1) / SAMPLED;
    const size_t sampled = (info.elements + step - 1) / step;
    float *reached = take(info.elements, sizeof *reached);
    float *expected = golden_floats(file, run, info.name, "", sampled);
    double worst = 0.0, squares = 0.0;
    mb_network_get_tensor(network, tensor, reached);
    for (size_t e = 0; e < info.elements; e++) {
        squares += (double)reached[e] * (double)reached[e];
        if (e % step == 0)
            worst = fmax(worst, fabs((double)reached[e] - (double)expected[e / step]));
    }
    if (step > 1) {
        float *size = golden_floats(file, run, info.name, ".norm", 1);
        worst = fmax(worst, fabs(sqrt(squares) / (double)*size - 1.0));
        free(size);
    }
    free(expected);
    free(reached);
    if (!(isfinite(squares) && worst <= tolerance))
        fail_msg("%s.%s is %.3g off", run, info.name, worst);
    return worst;
}

/* The loss in evaluation, where batchnorm2d is folded into what is before it. */
static double check_evaluation(const mb_safetensors *file, const char *run, mb_machine *machine,
                               const mb_network *network)
{
    mb_evaluation *evaluation = NULL;
    float *expected = golden_floats(file, run, "evaluated", "", 1);
    assert_int_equal(mb_evaluate(machine, network, &split, &evaluation, NULL), MB_OK);
    const double apart = fabs(evaluation->loss / (double)*expected - 1.0);
    assert_true(apart <= tolerance);
    mb_evaluation_free(evaluation);
    free(expected);
    return apart;
}

/* Trains on so many threads; returns the network. */
static mb_network *train(const mb_safetensors *file, const char *run, const char *spec,
                         const mb_training_options *options, size_t threads)
{
    mb_machine *machine = mb_test_machine(threads);
    mb_network *network = NULL;
    mb_test_training t;
    assert_int_equal(
        mb_network_open(machine, spec, (mb_shape){1, SIDE, SIDE}, CLASSES, &network, NULL), MB_OK);
    set_parameters(network);
    mb_test_training_open(machine, network, &split, order, IMAGES, options, &t);
    const double losses = check_losses(file, run, &t);
    mb_test_training_close(&t);
    double worst = 0.0;
    for (size_t i = 0; i < mb_network_tensor_count(network); i++)
        worst = fmax(worst, check_tensor(file, run, network, i));
    const double evaluated = check_evaluation(file, run, machine, network);
    print_message("%s, %zu threads: losses within %.1e, tensors %.1e, evaluation %.1e\n", run,
                  threads, losses, worst, evaluated);
    mb_machine_close(machine);
    return network;
}

/* As PyTorch, and the same to the bit on 1 and 3 threads. */
static void check_run(const mb_safetensors *file, const char *run, const char *spec,
                      const mb_training_options *options)
{
    mb_network *one = train(file, run, spec, options, 1);
    mb_network *three = train(file, run, spec, options, 3);
    assert_memory_equal(three->parameters, one->parameters,
                        one->parameter_elements * sizeof(float));
    mb_network_close(three);
    mb_network_close(one);
}

TEST(lenet5_by_sgd) { check_run(*state, "lenet5.sgd", "lenet5", &sgd); }

TEST(lenet5_by_adamw) { check_run(*state, "lenet5.adamw", "lenet5", &adamw); }

TEST(cnn_without_dropout) { check_run(*state, "cnn.adamw", cnn, &adamw); }

TEST(batchnorm_groups_and_averages) { check_run(*state, "norm.sgd", norm, &sgd); }

TEST_GROUP(open_golden, close_golden);
