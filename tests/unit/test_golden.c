/* Some training steps, compared with PyTorch's. The runs, their values and the script that made
 * them are in tests/golden; the script shows the effect of rounding, and the mistakes that are
 * detected. */
#include "model/safetensors.h"
#include "support.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/evaluation.h>
#include <mnist_blas/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MB_GOLDEN_DIR
#define MB_GOLDEN_DIR "tests/golden"
#endif

static const double tolerance = 1e-4;

enum {
    CLASSES = 10,
    MAX_SAMPLES = 4800,
    MAX_PIXELS = 400000,
    SAMPLED = 600 /* maximum elements of a tensor in the file */
};

/* ---- the runs of the file ---- */

typedef struct run {
    char name[32], spec[256];
    size_t images;
    mb_shape shape;
    mb_training_options options;
} run;

static mb_safetensors *file;

static int open_file(void **state)
{
    (void)state;
    return mb_safetensors_open(MB_GOLDEN_DIR "/golden.safetensors", &file, NULL) == MB_OK ? 0 : -1;
}

static int close_file(void **state)
{
    (void)state;
    mb_safetensors_close(file);
    return 0;
}

TEST_GROUP(open_file, close_file);

/* "lr=0.1"; the options that are not mentioned are PyTorch's. */
static void set_option(mb_training_options *options, const char *word)
{
    const size_t length = strcspn(word, "=");
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++)
        if (strlen(option->name) == length && strncmp(option->name, word, length) == 0) {
            assert_int_equal(mb_option_parse(option, options, word + length + 1, NULL), MB_OK);
            return;
        }
    fail_msg("no option %s", word);
}

/* The run whose losses the tensor has; false if it has something else. */
static bool find_run(const mb_stored_tensor *tensor, run *found)
{
    char text[512], *rest = text;
    const size_t length = strlen(tensor->name);
    if (length < 5 || strcmp(tensor->name + length - 5, ".loss") != 0)
        return false;
    *found = (run){.options = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}};
    snprintf(found->name, sizeof found->name, "%.*s", (int)length - 5, tensor->name);
    snprintf(text, sizeof text, "%s", mb_safetensors_metadata(file, found->name));
    const char *size = strsep(&rest, " "), *spec = strsep(&rest, " ");
    mb_shape *shape = &found->shape;
    assert_int_equal(sscanf(size, "%zux%zux%zux%zu", &found->images, &shape->channels, &shape->rows,
                            &shape->columns),
                     4);
    snprintf(found->spec, sizeof found->spec, "%s", spec);
    while (rest != NULL)
        set_option(&found->options, strsep(&rest, " "));
    return true;
}

/* RUN.NAMEsuffix, on the heap. */
static float *values_of(const run *r, const char *name, const char *suffix, size_t elements)
{
    char whole[96];
    snprintf(whole, sizeof whole, "%s.%s%s", r->name, name, suffix);
    const mb_stored_tensor *tensor = mb_safetensors_find(file, whole);
    if (tensor == NULL)
        fail_msg("%s is not there", whole);
    assert_int_equal(tensor->elements, elements);
    float *values = mb_test_alloc(elements, sizeof *values);
    mb_safetensors_values(tensor, values);
    return values;
}

/* ---- data and initial parameters ---- */

static uint8_t pixels[MAX_PIXELS], labels[MAX_SAMPLES];
static uint32_t order[MAX_SAMPLES];

static uint32_t hash_of(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

/* make_golden.py's hashes(stream, ..)[index] */
static uint32_t number(size_t stream, size_t index)
{
    return hash_of(hash_of((uint32_t)index) ^ (uint32_t)stream);
}

static void make_data(const run *r)
{
    const size_t count = mb_shape_size(r->shape);
    assert_true(r->images * count <= MAX_PIXELS && r->images * r->options.epochs <= MAX_SAMPLES);
    for (size_t i = 0; i < r->images * r->options.epochs; i++)
        order[i] = (uint32_t)(i % r->images);
    for (size_t i = 0; i < r->images; i++) {
        labels[i] = (uint8_t)(number(1, i) % CLASSES);
        for (size_t p = 0; p < count; p++)
            pixels[i * count + p] = number(2, labels[i] * count + p) % 3 == 0
                                        ? (uint8_t)(number(3, i * count + p) >> 24)
                                        : 0;
    }
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

static void set_parameters(mb_network *network)
{
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        float *values = mb_test_alloc(info.elements, sizeof *values);
        for (size_t e = 0; e < info.elements; e++)
            values[e] = hashed_value(&info, i, e);
        mb_network_set_tensor(network, i, values);
    }
}

/* ---- checks ---- */

/* Runs all steps: |loss / PyTorch's loss - 1| is within the tolerance at each. */
static double check_losses(const run *r, mb_test_training *t)
{
    const size_t batch = r->options.batch_size, steps = r->images * r->options.epochs / batch;
    float *expected = values_of(r, "loss", "", steps);
    double worst = 0.0, before = 0.0;
    for (size_t step = 0; step < steps; step++) {
        assert_int_equal(mb_test_training_run(t, step, 1), 1);
        assert_true(t->epoch.stats.finite);
        const double loss = (t->epoch.stats.loss - before) / (double)batch;
        before = t->epoch.stats.loss;
        worst = fmax(worst, fabs(loss / (double)expected[step] - 1.0));
        if (!(isfinite(loss) && worst <= tolerance))
            fail_msg("%s: the loss of step %zu is %.9g", r->name, step, loss);
    }
    assert_int_equal(t->epoch.stats.samples, steps * batch);
    return worst;
}

/* |value - PyTorch's| is within the tolerance for each element in the file, and for the norm of the
 * tensor. */
static double check_tensor(const run *r, const mb_network *network, size_t tensor)
{
    const mb_tensor_info info = mb_network_tensor_info(network, tensor);
    const size_t step = (info.elements + SAMPLED - 1) / SAMPLED;
    float *reached = mb_test_alloc(info.elements, sizeof *reached);
    float *expected = values_of(r, info.name, "", (info.elements + step - 1) / step);
    double worst = 0.0, squares = 0.0;
    mb_network_get_tensor(network, tensor, reached);
    for (size_t e = 0; e < info.elements; e++) {
        squares += (double)reached[e] * (double)reached[e];
        if (e % step == 0)
            worst = fmax(worst, fabs((double)reached[e] - (double)expected[e / step]));
    }
    if (step > 1) {
        float *norm = values_of(r, info.name, ".norm", 1);
        worst = fmax(worst, fabs(sqrt(squares) / (double)*norm - 1.0));
    }
    if (!(isfinite(squares) && worst <= tolerance))
        fail_msg("%s.%s is %.3g off", r->name, info.name, worst);
    return worst;
}

/* The loss in evaluation, where batchnorm2d is folded into the layer before it. */
static double check_evaluation(const run *r, mb_machine *machine, const mb_network *network,
                               const mb_split *split)
{
    mb_evaluation *evaluation = NULL;
    float *expected = values_of(r, "evaluated", "", 1);
    assert_int_equal(mb_evaluate(machine, network, split, &evaluation, NULL), MB_OK);
    const double apart = fabs(evaluation->loss / (double)*expected - 1.0);
    assert_true(apart <= tolerance);
    mb_evaluation_free(evaluation);
    return apart;
}

/* For steps t with the update u of the optimizer and loss L of batch t: L(w_t) = PyTorch's loss t,
 * and the last w = PyTorch's, where w_{t+1} = u(w_t, dL/dw_t). Returns the network. */
static mb_network *train(const run *r, size_t threads)
{
    mb_machine *machine = mb_test_machine(threads);
    mb_network *network = mb_test_network(machine, r->spec, r->shape, CLASSES);
    const mb_split split = mb_test_split(network, pixels, labels, r->images);
    mb_test_training t;
    set_parameters(network);
    mb_test_training_open(machine, network, &split, order, r->images * r->options.epochs,
                          &r->options, &t);
    const double losses = check_losses(r, &t);
    mb_test_training_close(&t);
    double worst = 0.0;
    for (size_t i = 0; i < mb_network_tensor_count(network); i++)
        worst = fmax(worst, check_tensor(r, network, i));
    const double evaluated = check_evaluation(r, machine, network, &split);
    print_message("%s, %zu threads: losses within %.1e, tensors %.1e, evaluation %.1e\n", r->name,
                  threads, losses, worst, evaluated);
    mb_machine_close(machine);
    return network;
}

/* Agrees with PyTorch, and has the same bits on 1 and 3 threads. */
TEST(runs_agree_with_pytorch)
{
    size_t count = 0;
    for (size_t i = 0; i < mb_safetensors_count(file); i++) {
        run r;
        if (!find_run(mb_safetensors_tensor(file, i), &r))
            continue;
        make_data(&r);
        mb_network *one = train(&r, 1), *three = train(&r, 3);
        assert_memory_equal(three->parameters, one->parameters,
                            one->parameter_elements * sizeof(float));
        count++;
    }
    assert_true(count > 0);
}
