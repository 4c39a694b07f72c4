#include "core/file.h"
#include "model/safetensors.h"
#include "model_files.h"
#include "random.h"
#include "support.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/evaluation.h>
#include <mnist_blas/model.h>
#include <stdlib.h>
#include <string.h>

static mb_network *new_network(const mb_test_model_files *work, const char *spec, mb_shape input,
                               size_t classes, uint64_t seed)
{
    mb_network *network = NULL;
    assert_int_equal(mb_network_open(work->machine, spec, input, classes, &network, NULL), MB_OK);
    mb_network_initialise(network, seed);
    return network;
}

/* Biases are 0 initially; other values show that they are saved. */
static void fill_biases(mb_network *network)
{
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        if (info.dimensions != 1)
            continue;
        float *values = calloc(info.elements, sizeof *values);
        assert_non_null(values);
        for (size_t e = 0; e < info.elements; e++)
            values[e] = -0.1f * (float)(e + i);
        mb_network_set_tensor(network, i, values);
        free(values);
    }
}

static void assert_equal_tensors(const mb_network *a, const mb_network *b)
{
    assert_int_equal(mb_network_tensor_count(a), mb_network_tensor_count(b));
    for (size_t i = 0; i < mb_network_tensor_count(a); i++) {
        const mb_tensor_info info = mb_network_tensor_info(a, i);
        assert_string_equal(info.name, mb_network_tensor_info(b, i).name);
        assert_int_equal(info.elements, mb_network_tensor_info(b, i).elements);
        float *left = calloc(info.elements, sizeof *left);
        float *right = calloc(info.elements, sizeof *right);
        assert_non_null(left);
        assert_non_null(right);
        mb_network_get_tensor(a, i, left);
        mb_network_get_tensor(b, i, right);
        assert_memory_equal(left, right, info.elements * sizeof *left);
        free(left);
        free(right);
    }
}

static void assert_round_trip(const mb_test_model_files *work, const char *spec, mb_shape input,
                              size_t classes)
{
    mb_network *saved = new_network(work, spec, input, classes, 7), *loaded = NULL;
    const mb_image_form form = {MB_GROUND_LIGHT,
                                (mb_framing)(classes % 3),
                                {{0.49139968f, 1.0f / 3.0f, 1e-9f}, {0.24703233f, 1e-3f, 1.0f}}};
    fill_biases(saved);
    mb_network_set_form(saved, form);
    assert_int_equal(mb_model_save(saved, work->path, NULL), MB_OK);
    assert_int_equal(mb_model_load(work->machine, work->path, &loaded, NULL), MB_OK);
    assert_string_equal(mb_network_spec(loaded), mb_network_spec(saved));
    assert_int_equal(mb_network_classes(loaded), classes);
    assert_int_equal(mb_network_input(loaded).channels, input.channels);
    assert_int_equal(mb_network_input(loaded).rows, input.rows);
    assert_int_equal(mb_network_input(loaded).columns, input.columns);
    assert_equal_tensors(saved, loaded);
    assert_int_equal(mb_network_form(loaded).ground, form.ground);
    assert_int_equal(mb_network_form(loaded).framing, form.framing);
    const mb_image_form read = mb_network_form(loaded);
    for (size_t c = 0; c < input.channels; c++) {
        assert_true(read.standardization.mean[c] == form.standardization.mean[c]);
        assert_true(read.standardization.std[c] == form.standardization.std[c]);
    }
    mb_network_close(loaded);
    mb_network_close(saved);
}

TEST(test_round_trip_bit_for_bit)
{
    assert_round_trip(*state, "mlp", (mb_shape){1, 28, 28}, 10);
    assert_round_trip(*state, "dense:37,relu,dense:3", (mb_shape){2, 5, 7}, 3);
    assert_round_trip(*state, "dense:2", (mb_shape){1, 1, 1}, 2);
    assert_round_trip(*state, "dense:2", (mb_shape){3, 2, 1}, 2);
}

/* Values for every tensor, with valid variances and counts. */
static void fill_all(mb_network *network)
{
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        const bool variance = strstr(info.name, ".running_var") != NULL;
        float *values = calloc(info.elements, sizeof *values);
        assert_non_null(values);
        if (info.dimensions == 0)
            values[0] = 77.0f;
        else
            mb_test_random_floats(values, info.elements);
        for (size_t e = 0; e < info.elements && variance; e++)
            values[e] = fabsf(values[e]);
        mb_network_set_tensor(network, i, values);
        free(values);
    }
}

enum { IMAGES = 70, SIDE = 12, CLASSES = 3 };

/* The logits of some images, (IMAGES, CLASSES). */
static void logits_of(const mb_test_model_files *work, const mb_network *network, float *logits)
{
    uint8_t images[IMAGES * SIDE * SIDE];
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)(i * 2654435761u >> 13);
    const mb_images split = {images, IMAGES, 1, SIDE, SIDE};
    mb_test_logits(work->machine, network, &split, logits);
}

/* Every kind of layer, convolutions in both layouts, batch normalization folded and not. */
TEST(test_images_keep_tensors_and_logits)
{
    static const char *const specs[] = {
        "conv2d:4x3/pad1,batchnorm2d,relu,maxpool2d:2,dropout:0.3,flatten,dense:20,relu,"
        "dropout:0.5,dense:3",
        "conv2d:20x3,batchnorm2d,conv2d:40x3/stride2/groups2,batchnorm2d,relu,avgpool2d:2,flatten,"
        "dense:3",
        "batchnorm2d,conv2d:6x3,relu,batchnorm2d,conv2d:18x1,globalavgpool,flatten,dense:3"};
    const mb_test_model_files *work = *state;
    float before[IMAGES * CLASSES], after[IMAGES * CLASSES];
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        mb_network *saved = new_network(work, specs[i], (mb_shape){1, SIDE, SIDE}, CLASSES, 7);
        mb_network *loaded = NULL;
        fill_all(saved);
        logits_of(work, saved, before);
        assert_int_equal(mb_model_save(saved, work->path, NULL), MB_OK);
        assert_int_equal(mb_model_load(work->machine, work->path, &loaded, NULL), MB_OK);
        assert_string_equal(mb_network_spec(loaded), specs[i]);
        assert_equal_tensors(saved, loaded);
        logits_of(work, loaded, after);
        assert_memory_equal(after, before, sizeof after);
        mb_network_close(loaded);
        mb_network_close(saved);
    }
}

static mb_bytes saved_bytes(const mb_test_model_files *work, uint64_t seed)
{
    mb_bytes bytes = {0};
    mb_network *network = new_network(work, "mlp", (mb_shape){1, 28, 28}, 10, seed);
    assert_int_equal(mb_model_save(network, work->path, NULL), MB_OK);
    assert_int_equal(mb_file_read(work->path, SIZE_MAX, &bytes, NULL), MB_OK);
    mb_network_close(network);
    return bytes;
}

TEST(test_equal_networks_are_equal_bytes)
{
    const mb_bytes one = saved_bytes(*state, 1), same = saved_bytes(*state, 1);
    const mb_bytes other = saved_bytes(*state, 2);
    assert_int_equal(one.size, same.size);
    assert_memory_equal(one.data, same.data, one.size);
    assert_int_equal(one.size, other.size);
    assert_memory_not_equal(one.data, other.data, one.size);
    free(one.data);
    free(same.data);
    free(other.data);
}

TEST(test_metadata_names_the_network)
{
    const mb_test_model_files *work = *state;
    mb_network *network = new_network(work, "mlp", (mb_shape){1, 28, 28}, 10, 1);
    mb_safetensors *file = NULL;
    assert_int_equal(mb_model_save(network, work->path, NULL), MB_OK);
    assert_int_equal(mb_safetensors_open(work->path, &file, NULL), MB_OK);
    assert_string_equal(mb_safetensors_metadata(file, "format"), "pt");
    assert_string_equal(mb_safetensors_metadata(file, "generator"), "mnist_blas");
    assert_string_equal(mb_safetensors_metadata(file, "network"), mb_network_spec(network));
    assert_string_equal(mb_safetensors_metadata(file, "input"), "1x28x28");
    assert_string_equal(mb_safetensors_metadata(file, "classes"), "10");
    assert_null(mb_safetensors_metadata(file, "ground"));
    assert_null(mb_safetensors_metadata(file, "framing"));
    assert_null(mb_safetensors_metadata(file, "mean"));
    assert_null(mb_safetensors_metadata(file, "std"));
    mb_safetensors_close(file);
    mb_network_close(network);
}

/* As JSON, in UTF-8; and only where there are names. */
TEST(test_class_names)
{
    const mb_test_model_files *work = *state;
    static const char *const names[] = {"cat", "a \"b\"\\", "\xc3\xa4", "\xe7\x8c\xab"};
    mb_network *network = new_network(work, "dense:4", (mb_shape){1, 2, 2}, 4, 1), *loaded = NULL;
    mb_safetensors *file = NULL;
    assert_int_equal(mb_network_set_class_names(network, names, NULL), MB_OK);
    assert_int_equal(mb_model_save(network, work->path, NULL), MB_OK);
    assert_int_equal(mb_safetensors_open(work->path, &file, NULL), MB_OK);
    assert_string_equal(mb_safetensors_metadata(file, "class_names"),
                        "[\"cat\",\"a \\\"b\\\"\\\\\",\"\xc3\xa4\",\"\xe7\x8c\xab\"]");
    mb_safetensors_close(file);
    assert_int_equal(mb_model_load(work->machine, work->path, &loaded, NULL), MB_OK);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(mb_network_class_names(loaded)[i], names[i]);
    mb_network_close(loaded);
    const mb_shape input = {1, 2, 2};
    assert_int_equal(mb_model_load_as(work->machine, work->path, "dense:4", input, &loaded, NULL),
                     MB_OK);
    assert_string_equal(mb_network_class_names(loaded)[3], names[3]);
    mb_network_close(loaded);
    assert_int_equal(mb_network_set_class_names(network, NULL, NULL), MB_OK);
    assert_int_equal(mb_model_save(network, work->path, NULL), MB_OK);
    assert_int_equal(mb_safetensors_open(work->path, &file, NULL), MB_OK);
    assert_null(mb_safetensors_metadata(file, "class_names"));
    mb_safetensors_close(file);
    mb_network_close(network);
}

TEST(test_class_names_that_are_refused)
{
    const mb_test_model_files *work = *state;
    char long_name[102];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[101] = '\0';
    const char *const bad[] = {"",         "\n",           "\x7f",         "\xc2\x9b",
                               "\xff",     "\xc0\x80",     "\xed\xa0\x80", "\xf5\x80\x80\x80",
                               "\xe7\x8c", "\xe2\x80\xae", long_name};
    mb_network *network = new_network(work, "dense:2", (mb_shape){1, 2, 2}, 2, 1);
    mb_error error = {0};
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        const char *const names[] = {"good", bad[i]};
        assert_int_equal(mb_network_set_class_names(network, names, &error), MB_ERROR_INVALID);
        mb_test_check_error(&error, MB_ERROR_INVALID,
                            "class name 2: must be 1 to 100 bytes of UTF-8 without control "
                            "characters, got \"");
    }
    const char *const twice[] = {"one", "one"}, *const largest[] = {long_name + 1, "2"};
    assert_int_equal(mb_network_set_class_names(network, twice, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "class names 1 and 2: both are \"one\"");
    assert_null(mb_network_class_names(network));
    assert_int_equal(mb_network_set_class_names(network, largest, NULL), MB_OK);
    mb_network_close(network);
}

TEST(test_failing_save_keeps_the_old_file)
{
    const mb_test_model_files *work = *state;
    mb_network *network = new_network(work, "mlp", (mb_shape){1, 28, 28}, 10, 1);
    mb_error error = {0};
    mb_bytes bytes = {0};
    assert_int_equal(mb_file_write(work->path, "what was there", 14, NULL), MB_OK);
    mb_test_limit_files(true);
    const mb_status status = mb_model_save(network, work->path, &error);
    mb_test_limit_files(false);
    assert_int_equal(status, MB_ERROR_IO);
    assert_memory_equal(error.text, work->path, strlen(work->path));
    assert_int_equal(mb_file_read(work->path, 100, &bytes, NULL), MB_OK);
    assert_int_equal(bytes.size, 14);
    assert_memory_equal(bytes.data, "what was there", 14);
    assert_int_equal(mb_test_entries(work->folder), 1);
    free(bytes.data);
    mb_network_close(network);
}

TEST(test_save_into_no_folder)
{
    const mb_test_model_files *work = *state;
    mb_network *network = new_network(work, "mlp", (mb_shape){1, 28, 28}, 10, 1);
    mb_error error = {0};
    assert_int_equal(mb_model_save(network, "/nonexistent/model.safetensors", &error), MB_ERROR_IO);
    assert_non_null(strstr(error.text, "/nonexistent/model.safetensors: cannot be written: "));
    mb_network_close(network);
}

TEST_GROUP(mb_test_model_files_open, mb_test_model_files_close);
