#include "model/safetensors.h"
#include "model_files.h"
#include "support.h"
#include "test.h"

#include <math.h>
#include <mnist_blas/model.h>
#include <stdlib.h>
#include <string.h>

/* Files from PyTorch: without our metadata, with integers. */

static const char spec[] = "conv2d:3x2,batchnorm2d,relu,flatten,dense:2";
static const mb_shape input = {1, 3, 3};
enum { TENSORS = 9 };

/* The state of nn.Sequential(Conv2d(1, 3, 2), BatchNorm2d(3), ReLU(), Flatten(), Linear(12, 2)),
 * with the values 0, 0.25, 0.5, ... in each tensor. */
typedef struct state_dict {
    float values[24];
    int64_t batches;
    mb_named_tensor tensors[TENSORS];
    size_t count;
} state_dict;

static void start_state(state_dict *state)
{
    static const size_t kernel[] = {3, 1, 2, 2}, channels[] = {3}, dense[] = {2, 12}, out[] = {2};
    const float *v = state->values;
    for (int i = 0; i < 24; i++)
        state->values[i] = 0.25f * (float)i;
    state->batches = 1234567;
    const mb_named_tensor tensors[TENSORS] = {
        {"1.num_batches_tracked", 0, NULL, &state->batches, MB_DTYPE_I64},
        {"0.weight", 4, kernel, v, MB_DTYPE_F32},
        {"0.bias", 1, channels, v, MB_DTYPE_F32},
        {"1.weight", 1, channels, v, MB_DTYPE_F32},
        {"1.bias", 1, channels, v, MB_DTYPE_F32},
        {"1.running_mean", 1, channels, v, MB_DTYPE_F32},
        {"1.running_var", 1, channels, v, MB_DTYPE_F32},
        {"4.weight", 2, dense, v, MB_DTYPE_F32},
        {"4.bias", 1, out, v, MB_DTYPE_F32}};
    memcpy(state->tensors, tensors, sizeof tensors);
    state->count = TENSORS;
}

static void write_state(const mb_test_model_files *work, const state_dict *state)
{
    const mb_safetensors_content content = {state->tensors, state->count, NULL, 0};
    mb_test_write_tensors(work, &content);
}

TEST(loads_a_state_for_a_spec)
{
    const mb_test_model_files *work = *state;
    state_dict dict;
    mb_network *network = NULL;
    start_state(&dict);
    write_state(work, &dict);
    assert_int_equal(mb_model_load_as(work->machine, work->path, spec, input, &network, NULL),
                     MB_OK);
    assert_int_equal(mb_network_classes(network), 2);
    assert_string_equal(mb_network_spec(network), spec);
    assert_int_equal(mb_network_tensor_count(network), TENSORS);
    for (size_t i = 0; i < TENSORS; i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        float values[24];
        mb_network_get_tensor(network, i, values);
        if (strcmp(info.name, "1.num_batches_tracked") == 0)
            assert_true(values[0] == 1234567.0f);
        else
            assert_memory_equal(values, dict.values, info.elements * sizeof *values);
    }
    mb_network_close(network);
}

/* We save the count as an integer, in the same bytes every time. */
TEST(counts_are_integers_in_files)
{
    const mb_test_model_files *work = *state;
    state_dict dict;
    mb_network *network = NULL, *again = NULL;
    mb_safetensors *file = NULL;
    int64_t batches = 0;
    start_state(&dict);
    write_state(work, &dict);
    assert_int_equal(mb_model_load_as(work->machine, work->path, spec, input, &network, NULL),
                     MB_OK);
    assert_int_equal(mb_model_save(network, work->path, NULL), MB_OK);
    assert_int_equal(mb_model_load(work->machine, work->path, &again, NULL), MB_OK);
    assert_int_equal(mb_safetensors_open(work->path, &file, NULL), MB_OK);
    const mb_stored_tensor *count = mb_safetensors_find(file, "1.num_batches_tracked");
    assert_string_equal(count->dtype, "I64");
    assert_int_equal(count->dimensions, 0);
    assert_int_equal(count->begin, 0); /* before the floats, so it is aligned */
    mb_safetensors_values(count, &batches);
    assert_int_equal(batches, 1234567);
    mb_safetensors_close(file);
    mb_network_close(again);
    mb_network_close(network);
}

/* A count above the range of float stays large when saved. */
TEST(a_count_beyond_reason_is_kept_in_range)
{
    const mb_test_model_files *work = *state;
    state_dict dict;
    mb_network *network = NULL;
    start_state(&dict);
    dict.batches = INT64_MAX;
    write_state(work, &dict);
    assert_int_equal(mb_model_load_as(work->machine, work->path, spec, input, &network, NULL),
                     MB_OK);
    assert_int_equal(mb_model_save(network, work->path, NULL), MB_OK);
    mb_network_close(network);
}

static void refuse(const mb_test_model_files *work, const char *as, mb_status status,
                   const char *part)
{
    mb_error error = {0};
    mb_network *network = NULL;
    assert_int_equal(mb_model_load_as(work->machine, work->path, as, input, &network, &error),
                     status);
    mb_test_check_error(&error, status, part);
    assert_null(network);
}

TEST(what_does_not_fit_is_refused)
{
    const mb_test_model_files *work = *state;
    state_dict dict;
    start_state(&dict);
    write_state(work, &dict);
    refuse(work, "conv3d:3", MB_ERROR_INVALID, "no layer is called 'conv3d'");
    refuse(work, "dense:2", MB_ERROR_FORMAT,
           "tensor \"0.weight\": shape (3, 1, 2, 2), must be (2, 9)");
    refuse(work, "conv2d:3x2,batchnorm2d,flatten,dense:2", MB_ERROR_FORMAT,
           "tensor \"3.weight\" of shape (2, 12) is missing");
    refuse(work, "conv2d:3x2,batchnorm2d,relu,flatten,dense:5", MB_ERROR_INVALID,
           "must end in dense:2, one unit for each of the 2 classes");
    dict.tensors[0].dtype = MB_DTYPE_F32;
    write_state(work, &dict);
    refuse(work, spec, MB_ERROR_FORMAT, "tensor \"1.num_batches_tracked\": dtype F32, must be I64");
    start_state(&dict);
    dict.tensors[0] = dict.tensors[--dict.count]; /* without the last bias */
    write_state(work, &dict);
    refuse(work, spec, MB_ERROR_FORMAT, "tensor \"1.num_batches_tracked\" of shape () is missing");
    dict.count = 4;
    dict.tensors[0].name = "backbone.weight";
    write_state(work, &dict);
    refuse(work, spec, MB_ERROR_FORMAT,
           "no weight of a dense layer: its first tensor is \"backbone.weight\"");
}

/* With this value in a tensor, the file is refused. */
static void refuse_number(const mb_test_model_files *work, size_t tensor, size_t element,
                          float number, const char *part)
{
    state_dict dict;
    float values[24];
    start_state(&dict);
    memcpy(values, dict.values, sizeof values);
    values[element] = number;
    dict.tensors[tensor].values = values;
    write_state(work, &dict);
    refuse(work, spec, MB_ERROR_FORMAT, part);
}

TEST(numbers_that_cannot_be_are_refused)
{
    const mb_test_model_files *work = *state;
    state_dict dict;
    mb_network *network = NULL;
    refuse_number(work, 1, 7, NAN, "tensor \"0.weight\": element 7 is not finite: nan");
    refuse_number(work, 5, 2, INFINITY, "tensor \"1.running_mean\": element 2 is not finite: inf");
    refuse_number(work, 6, 0, NAN, "tensor \"1.running_var\": element 0 is not finite: nan");
    refuse_number(work, 6, 1, -0.5f, "tensor \"1.running_var\": element 1 is negative: -0.5");
    refuse_number(work, 6, 2, -1e-6f, "tensor \"1.running_var\": element 2 is negative: -1e-06");
    start_state(&dict);
    dict.batches = -3;
    write_state(work, &dict);
    refuse(work, spec, MB_ERROR_FORMAT,
           "tensor \"1.num_batches_tracked\": element 0 is negative: -3");
    start_state(&dict);
    for (int i = 0; i < 3; i++)
        dict.values[i] = -0.0f; /* zero: a valid variance */
    write_state(work, &dict);
    assert_int_equal(mb_model_load_as(work->machine, work->path, spec, input, &network, NULL),
                     MB_OK);
    mb_network_close(network);
}

TEST_GROUP(mb_test_model_files_open, mb_test_model_files_close);
