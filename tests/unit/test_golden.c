/* 50 steps of each optimizer end where PyTorch's do. The values, and how they were made, are in
 * tests/golden: make_golden.py shows that rounding alone leads float32 less than 1e-5 astray, and
 * that a forgotten decay or a schedule off by one step leads it further than 1e-3. */
#include "model/safetensors.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MB_GOLDEN_DIR
#define MB_GOLDEN_DIR "tests/golden"
#endif

enum { STEPS = 50, BATCH = 96, IMAGES = 1200, ROWS = 12, COLUMNS = 10, CLASSES = 10, TENSORS = 6 };

static const double tolerance = 1e-4;

/* As in make_golden.py. */
static const struct golden_run {
    const char *name;
    mb_training_options options;
} runs[] = {
    {"sgd", {.optimizer = MB_OPTIMIZER_SGD, .lr = 0.1, .momentum = 0.9, .weight_decay = 1e-3}},
    {"nesterov",
     {.optimizer = MB_OPTIMIZER_SGD,
      .lr = 0.1,
      .momentum = 0.9,
      .nesterov = true,
      .weight_decay = 1e-3,
      .schedule = MB_SCHEDULE_COSINE}},
    {"adam",
     {.optimizer = MB_OPTIMIZER_ADAM,
      .lr = 2e-3,
      .weight_decay = 1e-2,
      .beta1 = 0.9,
      .beta2 = 0.999,
      .epsilon = 1e-8}},
    {"adamw",
     {.optimizer = MB_OPTIMIZER_ADAMW,
      .lr = 8e-3,
      .weight_decay = 0.1,
      .beta1 = 0.9,
      .beta2 = 0.999,
      .epsilon = 1e-8,
      .schedule = MB_SCHEDULE_ONECYCLE}},
};

/* What was read of the file. */
typedef struct golden {
    mb_safetensors *file;
    mb_split split;
    uint32_t order[STEPS * BATCH];
} golden;

static const mb_stored_tensor *find(const golden *values, const char *owner, const char *name,
                                    size_t elements)
{
    char whole[64];
    snprintf(whole, sizeof whole, "%s%s%s", owner, *owner != '\0' ? "." : "", name);
    const mb_stored_tensor *tensor = mb_safetensors_find(values->file, whole);
    assert_non_null(tensor);
    assert_int_equal(tensor->elements, elements);
    return tensor;
}

/* An F32 tensor's numbers, on the heap. */
static float *floats(const golden *values, const char *owner, const char *name, size_t elements)
{
    const mb_stored_tensor *tensor = find(values, owner, name, elements);
    assert_string_equal(tensor->dtype, "F32");
    float *numbers = calloc(elements, sizeof *numbers);
    assert_non_null(numbers);
    mb_safetensors_values(tensor, numbers);
    return numbers;
}

static int open_golden(void **state)
{
    golden *values = calloc(1, sizeof *values);
    assert_non_null(values);
    *state = values;
    assert_int_equal(mb_safetensors_open(MB_GOLDEN_DIR "/golden.safetensors", &values->file, NULL),
                     MB_OK);
    values->split = (mb_split){{find(values, "", "images", (size_t)IMAGES * ROWS * COLUMNS)->data,
                                IMAGES, 1, ROWS, COLUMNS},
                               find(values, "", "labels", IMAGES)->data};
    float *order = floats(values, "", "order", (size_t)STEPS * BATCH);
    for (size_t i = 0; i < (size_t)STEPS * BATCH; i++)
        values->order[i] = (uint32_t)order[i];
    free(order);
    return 0;
}

static int close_golden(void **state)
{
    golden *values = *state;
    mb_safetensors_close(values->file);
    free(values);
    return 0;
}

static void set_parameters(const golden *values, mb_network *network)
{
    assert_int_equal(mb_network_tensor_count(network), TENSORS);
    for (size_t i = 0; i < TENSORS; i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        float *initial = floats(values, "initial", info.name, info.elements);
        mb_network_set_tensor(network, i, initial);
        free(initial);
    }
}

static void open_training(const golden *values, const mb_training_options *options, size_t threads,
                          mb_test_training *t)
{
    mb_machine *machine = mb_test_machine(threads);
    mb_network *network = NULL;
    assert_int_equal(mb_network_open(machine, "dense:70,relu,dense:33,relu,dense:10",
                                     (mb_shape){1, ROWS, COLUMNS}, CLASSES, &network, NULL),
                     MB_OK);
    set_parameters(values, network);
    mb_training_options whole = *options;
    whole.batch_size = BATCH;
    mb_test_training_open(machine, network, &values->split, values->order, STEPS * BATCH, &whole,
                          t);
}

static void close_training(mb_test_training *t)
{
    mb_test_training_close(t);
    mb_network_close(t->network);
    mb_machine_close(t->machine);
}

/* Runs all steps, one at a time: |loss / PyTorch's loss - 1| is within the tolerance at each. The
 * largest is returned. */
static double check_losses(const golden *values, const char *name, mb_test_training *t)
{
    float *expected = floats(values, name, "loss", STEPS);
    double worst = 0.0, before = 0.0;
    for (size_t step = 0; step < STEPS; step++) {
        assert_int_equal(mb_test_training_run(t, step, 1), 1);
        assert_true(t->epoch.stats.finite);
        const double loss = (t->epoch.stats.loss - before) / BATCH;
        before = t->epoch.stats.loss;
        const double apart = fabs(loss / (double)expected[step] - 1.0);
        assert_true(apart <= tolerance); /* false for NaN too */
        worst = fmax(worst, apart);
    }
    assert_int_equal(t->epoch.stats.samples, STEPS * BATCH);
    free(expected);
    return worst;
}

/* |parameter - PyTorch's| is within the tolerance for each; the largest is returned. */
static double check_parameters(const golden *values, const char *name, const mb_network *network)
{
    double worst = 0.0;
    for (size_t i = 0; i < TENSORS; i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        float *expected = floats(values, name, info.name, info.elements);
        float *reached = calloc(info.elements, sizeof *reached);
        assert_non_null(reached);
        mb_network_get_tensor(network, i, reached);
        for (size_t e = 0; e < info.elements; e++) {
            const double apart = fabs((double)reached[e] - (double)expected[e]);
            assert_true(apart <= tolerance);
            worst = fmax(worst, apart);
        }
        free(reached);
        free(expected);
    }
    return worst;
}

/* For steps t = 0 .. 49 with the update u of the optimizer and loss L of batch t:
 * L(w_t) = PyTorch's loss t, w_50 = PyTorch's last weights, where w_{t+1} = u(w_t, dL/dw_t). And
 * w_50 is the same to the bit on 1 and 3 threads. */
static void check_run(const golden *values, const char *name)
{
    const struct golden_run *run = runs;
    while (strcmp(run->name, name) != 0)
        run++;
    mb_test_training one, three;
    open_training(values, &run->options, 1, &one);
    const double loss = check_losses(values, name, &one);
    const double weights = check_parameters(values, name, one.network);
    print_message("%s: losses within %.1e, weights within %.1e\n", name, loss, weights);

    open_training(values, &run->options, 3, &three);
    check_losses(values, name, &three);
    check_parameters(values, name, three.network);
    assert_memory_equal(three.network->parameters, one.network->parameters,
                        one.network->parameter_elements * sizeof(float));
    close_training(&three);
    close_training(&one);
}

TEST(sgd_with_momentum_and_decay) { check_run(*state, "sgd"); }

TEST(sgd_with_nesterov_momentum_along_a_cosine) { check_run(*state, "nesterov"); }

TEST(adam_with_l2_decay) { check_run(*state, "adam"); }

TEST(adamw_over_one_cycle) { check_run(*state, "adamw"); }

TEST_GROUP(open_golden, close_golden);
