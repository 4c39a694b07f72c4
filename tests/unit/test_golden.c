/* Some training steps, compared with PyTorch's. The values and the scripts that made them are in
 * tests/golden; the scripts show the effect of rounding, and the mistakes that are detected. */
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

static const double tolerance = 1e-4;

enum { CLASSES = 10, MAX_SAMPLES = 4800, MAX_PIXELS = 400000 };

/* A file of runs on the same data. */
struct set {
    const char *file;
    size_t steps, batch, images, rows, columns;
    size_t sampled; /* maximum elements of a tensor in the file */
    bool hashed;    /* images, labels and initial parameters are hashes, not in the file */
};

static const struct set dense = {"golden.safetensors", 50, 96, 1200, 12, 10, SIZE_MAX, false},
                        layers = {"golden_layers.safetensors", 20, 24, 480, 28, 28, 600, true};

/* As in make_golden.py and make_golden_layers.py. */
#define SGD .optimizer = MB_OPTIMIZER_SGD, .momentum = 0.9
#define ADAM(kind) .optimizer = kind, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8
#define DENSE "dense:70,relu,dense:33,relu,dense:10"
static const struct run {
    const struct set *set;
    const char *name, *spec;
    mb_training_options options;
} runs[] = {
    {&dense, "sgd", DENSE, {SGD, .lr = 0.1, .weight_decay = 1e-3}},
    {&dense,
     "nesterov",
     DENSE,
     {SGD, .lr = 0.1, .nesterov = true, .weight_decay = 1e-3, .schedule = MB_SCHEDULE_COSINE}},
    {&dense, "adam", DENSE, {ADAM(MB_OPTIMIZER_ADAM), .lr = 2e-3, .weight_decay = 1e-2}},
    {&dense,
     "adamw",
     DENSE,
     {ADAM(MB_OPTIMIZER_ADAMW), .lr = 8e-3, .weight_decay = 0.1, .schedule = MB_SCHEDULE_ONECYCLE}},
    {&layers, "lenet5.sgd", "lenet5", {SGD, .lr = 0.02, .weight_decay = 1e-2}},
    {&layers,
     "lenet5.adamw",
     "lenet5",
     {ADAM(MB_OPTIMIZER_ADAMW), .lr = 1e-3, .weight_decay = 0.1}},
    {&layers,
     "cnn.adamw",
     "conv2d:32x3,relu,conv2d:64x3,relu,maxpool2d:2,dropout:0,flatten,dense:128,relu,dropout:0,"
     "dense:10",
     {ADAM(MB_OPTIMIZER_ADAMW), .lr = 1e-3, .weight_decay = 0.1}},
    {&layers,
     "norm.sgd",
     "conv2d:12x3/pad1,batchnorm2d,relu,maxpool2d:2,conv2d:32x3/stride2/groups2,batchnorm2d,relu,"
     "avgpool2d:3/stride2/pad1,batchnorm2d,flatten,dense:10",
     {SGD, .lr = 0.02, .weight_decay = 1e-2}},
};

/* ---- data ---- */

static mb_safetensors *file;
static uint8_t pixels[MAX_PIXELS], labels[MAX_SAMPLES];
static uint32_t order[MAX_SAMPLES];

/* RUN.NAMEsuffix, on the heap. */
static float *values_of(const char *run, const char *name, const char *suffix, size_t elements)
{
    char whole[96];
    snprintf(whole, sizeof whole, "%s%s%s%s", run, *run != '\0' ? "." : "", name, suffix);
    const mb_stored_tensor *tensor = mb_safetensors_find(file, whole);
    if (tensor == NULL)
        fail_msg("%s is not there", whole);
    assert_int_equal(tensor->elements, elements);
    float *values = calloc(elements, sizeof *values);
    assert_non_null(values);
    mb_safetensors_values(tensor, values);
    return values;
}

static void read_bytes(const char *name, size_t count, uint8_t *bytes)
{
    const mb_stored_tensor *tensor = mb_safetensors_find(file, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->elements, count);
    memcpy(bytes, tensor->data, count);
}

static uint32_t hash_of(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

/* make_golden_layers.py's hashes(stream, ..)[index] */
static uint32_t number(size_t stream, size_t index)
{
    return hash_of(hash_of((uint32_t)index) ^ (uint32_t)stream);
}

static void hash_data(size_t images, size_t count)
{
    for (size_t i = 0; i < images; i++) {
        order[i] = (uint32_t)i;
        labels[i] = (uint8_t)(number(1, i) % CLASSES);
        for (size_t p = 0; p < count; p++)
            pixels[i * count + p] = number(2, labels[i] * count + p) % 3 == 0
                                        ? (uint8_t)(number(3, i * count + p) >> 24)
                                        : 0;
    }
}

static void open_set(const struct set *set)
{
    char path[256];
    const size_t count = set->rows * set->columns, samples = set->steps * set->batch;
    assert_true(set->images * count <= MAX_PIXELS && samples <= MAX_SAMPLES);
    snprintf(path, sizeof path, "%s/%s", MB_GOLDEN_DIR, set->file);
    assert_int_equal(mb_safetensors_open(path, &file, NULL), MB_OK);
    if (set->hashed) {
        hash_data(set->images, count);
        return;
    }
    read_bytes("images", set->images * count, pixels);
    read_bytes("labels", set->images, labels);
    float *indices = values_of("", "order", "", samples);
    for (size_t i = 0; i < samples; i++)
        order[i] = (uint32_t)indices[i];
    free(indices);
}

/* He's weights, small biases, scales around 1; the running variance of batchnorm2d is 1 at first.
 */
static float hashed_value(const mb_tensor_info *info, size_t tensor, size_t element)
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

static void set_parameters(const struct set *set, mb_network *network)
{
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        float *values = set->hashed ? calloc(info.elements, sizeof *values)
                                    : values_of("initial", info.name, "", info.elements);
        assert_non_null(values);
        for (size_t e = 0; set->hashed && e < info.elements; e++)
            values[e] = hashed_value(&info, i, e);
        mb_network_set_tensor(network, i, values);
        free(values);
    }
}

/* ---- runs ---- */

/* Runs all steps: |loss / PyTorch's loss - 1| is within the tolerance at each. */
static double check_losses(const struct run *run, mb_test_training *t)
{
    const size_t steps = run->set->steps, batch = run->set->batch;
    float *expected = values_of(run->name, "loss", "", steps);
    double worst = 0.0, before = 0.0;
    for (size_t step = 0; step < steps; step++) {
        assert_int_equal(mb_test_training_run(t, step, 1), 1);
        assert_true(t->epoch.stats.finite);
        const double loss = (t->epoch.stats.loss - before) / (double)batch;
        before = t->epoch.stats.loss;
        worst = fmax(worst, fabs(loss / (double)expected[step] - 1.0));
        if (!(isfinite(loss) && worst <= tolerance))
            fail_msg("%s: the loss of step %zu is %.9g", run->name, step, loss);
    }
    assert_int_equal(t->epoch.stats.samples, steps * batch);
    free(expected);
    return worst;
}

/* |value - PyTorch's| is within the tolerance for each element in the file, and for the norm of the
 * tensor. */
static double check_tensor(const struct run *run, const mb_network *network, size_t tensor)
{
    const mb_tensor_info info = mb_network_tensor_info(network, tensor);
    const size_t step = info.elements / run->set->sampled + (info.elements % run->set->sampled > 0);
    float *reached = calloc(info.elements, sizeof *reached);
    float *expected = values_of(run->name, info.name, "", (info.elements + step - 1) / step);
    double worst = 0.0, squares = 0.0;
    assert_non_null(reached);
    mb_network_get_tensor(network, tensor, reached);
    for (size_t e = 0; e < info.elements; e++) {
        squares += (double)reached[e] * (double)reached[e];
        if (e % step == 0)
            worst = fmax(worst, fabs((double)reached[e] - (double)expected[e / step]));
    }
    if (step > 1) {
        float *norm = values_of(run->name, info.name, ".norm", 1);
        worst = fmax(worst, fabs(sqrt(squares) / (double)*norm - 1.0));
        free(norm);
    }
    free(expected);
    free(reached);
    if (!(isfinite(squares) && worst <= tolerance))
        fail_msg("%s.%s is %.3g off", run->name, info.name, worst);
    return worst;
}

/* The loss in evaluation, where batchnorm2d is folded into the layer before it. */
static double check_evaluation(const struct run *run, mb_machine *machine,
                               const mb_network *network, const mb_split *split)
{
    mb_evaluation *evaluation = NULL;
    float *expected = values_of(run->name, "evaluated", "", 1);
    assert_int_equal(mb_evaluate(machine, network, split, &evaluation, NULL), MB_OK);
    const double apart = fabs(evaluation->loss / (double)*expected - 1.0);
    assert_true(apart <= tolerance);
    mb_evaluation_free(evaluation);
    free(expected);
    return apart;
}

/* For steps t with the update u of the optimizer and loss L of batch t: L(w_t) = PyTorch's loss t,
 * and the last w = PyTorch's, where w_{t+1} = u(w_t, dL/dw_t). Returns the network. */
static mb_network *train(const struct run *run, size_t threads)
{
    const struct set *set = run->set;
    const mb_split split = {{pixels, set->images, 1, set->rows, set->columns}, labels};
    mb_machine *machine = mb_test_machine(threads);
    mb_network *network = NULL;
    mb_test_training t;
    mb_training_options options = run->options;
    options.batch_size = set->batch;
    assert_int_equal(mb_network_open(machine, run->spec, (mb_shape){1, set->rows, set->columns},
                                     CLASSES, &network, NULL),
                     MB_OK);
    set_parameters(set, network);
    mb_test_training_open(machine, network, &split, order, set->steps * set->batch, &options, &t);
    const double losses = check_losses(run, &t);
    mb_test_training_close(&t);
    double worst = 0.0;
    for (size_t i = 0; i < mb_network_tensor_count(network); i++)
        worst = fmax(worst, check_tensor(run, network, i));
    const double evaluated = set->hashed ? check_evaluation(run, machine, network, &split) : 0.0;
    print_message("%s, %zu threads: losses within %.1e, tensors %.1e, evaluation %.1e\n", run->name,
                  threads, losses, worst, evaluated);
    mb_machine_close(machine);
    return network;
}

/* Agrees with PyTorch, and has the same bits on 1 and 3 threads. */
static void check_runs(const struct set *set)
{
    open_set(set);
    for (size_t i = 0; i < TEST_COUNT(runs); i++) {
        if (runs[i].set != set)
            continue;
        mb_network *one = train(&runs[i], 1), *three = train(&runs[i], 3);
        assert_memory_equal(three->parameters, one->parameters,
                            one->parameter_elements * sizeof(float));
        mb_network_close(three);
        mb_network_close(one);
    }
    mb_safetensors_close(file);
}

TEST(optimizers_and_schedules) { check_runs(&dense); }

TEST(networks_of_images) { check_runs(&layers); }
