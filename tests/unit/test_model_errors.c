#include "core/file.h"
#include "model/safetensors.h"
#include "model_files.h"
#include "support.h"
#include "test.h"

#include <math.h>
#include <mnist_blas/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Files that are valid as safetensors, but not as models. */

/* The model that tests change: 4 pixels, 3 hidden units, 2 classes. */
enum { TENSORS = 4, PAIRS = 4 };

typedef struct handmade {
    float values[12];
    size_t shapes[TENSORS][2];
    mb_named_tensor tensors[TENSORS + 1];
    mb_key_value metadata[PAIRS + 1];
    size_t tensor_count, metadata_count;
} handmade;

static void start_model(handmade *model)
{
    static const size_t shapes[TENSORS][2] = {{3, 4}, {3, 0}, {2, 3}, {2, 0}};
    static const char *const names[TENSORS] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    for (int i = 0; i < 12; i++)
        model->values[i] = (float)i;
    memcpy(model->shapes, shapes, sizeof shapes);
    for (size_t i = 0; i < TENSORS; i++)
        model->tensors[i] = (mb_named_tensor){names[i], i % 2 == 0 ? 2 : 1, model->shapes[i],
                                              model->values, MB_DTYPE_F32};
    model->metadata[0] = (mb_key_value){"network", "dense:3,relu,dense:2"};
    model->metadata[1] = (mb_key_value){"input", "1x2x2"};
    model->metadata[2] = (mb_key_value){"classes", "2"};
    model->metadata[3] = (mb_key_value){"ground", "light"};
    model->tensor_count = TENSORS;
    model->metadata_count = PAIRS;
}

static void write_model(const mb_test_model_files *work, const handmade *model)
{
    const mb_safetensors_content content = {.tensors = model->tensors,
                                            .tensor_count = model->tensor_count,
                                            .metadata = model->metadata,
                                            .metadata_count = model->metadata_count};
    mb_test_write_tensors(work, &content);
}

/* The file at work->path is refused with its name and a text that starts with `text`. */
static void assert_file_refused(const mb_test_model_files *work, const char *text)
{
    mb_network *const before = (mb_network *)(uintptr_t)work; /* anything but NULL */
    mb_network *network = before;
    mb_error error = {0};
    assert_int_equal(mb_model_load(work->machine, work->path, &network, &error), MB_ERROR_FORMAT);
    assert_int_equal(error.status, MB_ERROR_FORMAT);
    assert_ptr_equal(network, before);
    const size_t length = strlen(work->path);
    assert_memory_equal(error.text, work->path, length);
    assert_true(strlen(error.text) > length + 2 + strlen(text) - 1);
    assert_memory_equal(error.text + length, ": ", 2);
    assert_memory_equal(error.text + length + 2, text, strlen(text));
    assert_int_equal(mb_model_load(work->machine, work->path, &network, NULL), MB_ERROR_FORMAT);
}

static void assert_refused(const mb_test_model_files *work, const handmade *model, const char *text)
{
    write_model(work, model);
    assert_file_refused(work, text);
}

TEST(the_unchanged_model_loads)
{
    const mb_test_model_files *work = *state;
    handmade model;
    mb_network *network = NULL;
    float weight[12];
    start_model(&model);
    write_model(work, &model);
    assert_int_equal(mb_model_load(work->machine, work->path, &network, NULL), MB_OK);
    mb_network_get_tensor(network, 0, weight);
    assert_memory_equal(weight, model.values, sizeof weight);
    mb_network_close(network);
}

/* A valid model with a `change` is refused. */
#define REFUSED(change, text)                                                                      \
    do {                                                                                           \
        handmade model;                                                                            \
        start_model(&model);                                                                       \
        change;                                                                                    \
        assert_refused(*state, &model, text);                                                      \
    } while (0)

TEST(tensors_that_do_not_fit)
{
    static const float hidden[3] = {0, NAN, 0};
    size_t ones[200];
    for (size_t i = 0; i < MB_COUNT_OF(ones); i++)
        ones[i] = 1;
    REFUSED(model.tensor_count--, "tensor \"2.bias\" of shape (2) is missing");
    REFUSED(model.tensors[model.tensor_count++] =
                ((mb_named_tensor){"4.bias", 0, NULL, model.values, MB_DTYPE_F32}),
            "tensor \"4.bias\": the network dense:3,relu,dense:2 has no tensor of this name");
    REFUSED((model.shapes[0][0] = 4, model.shapes[0][1] = 3),
            "tensor \"0.weight\": shape (4, 3), must be (3, 4)");
    REFUSED(model.tensors[0].dimensions = 1, "tensor \"0.weight\": shape (3), must be (3, 4)");
    REFUSED(model.tensors[3].dimensions = 0, "tensor \"2.bias\": shape (), must be (2)");
    REFUSED(model.tensors[1] = ((mb_named_tensor){"0.bias", 200, ones, model.values, MB_DTYPE_F32}),
            "tensor \"0.bias\": shape (1, 1, 1, 1, ");
    REFUSED(model.metadata[1].value = "1x2x3", "tensor \"0.weight\": shape (3, 4), must be (3, 6)");
    REFUSED(model.values[11] = INFINITY, "tensor \"0.weight\": element 11 is not finite: inf");
    REFUSED(model.values[11] = -INFINITY, "tensor \"0.weight\": element 11 is not finite: -inf");
    REFUSED(model.tensors[1].values = hidden, "tensor \"0.bias\": element 1 is not finite: nan");
}

TEST(another_dtype)
{
    const mb_test_model_files *work = *state;
    handmade model;
    mb_bytes bytes = {0};
    start_model(&model);
    write_model(work, &model);
    assert_int_equal(mb_file_read(work->path, SIZE_MAX, &bytes, NULL), MB_OK);
    uint8_t *dtype = memmem(bytes.data, bytes.size, "\"F32\"", 5);
    assert_non_null(dtype);
    dtype[1] = 'U';
    assert_int_equal(mb_file_write(work->path, bytes.data, bytes.size, NULL), MB_OK);
    assert_file_refused(work, "tensor \"0.weight\": dtype U32, must be F32");
    free(bytes.data);
}

TEST(metadata_that_do_not_fit)
{
    static const char *const inputs[] = {"",
                                         "1",
                                         "1x2",
                                         "1x2x2x1",
                                         "1x2x2 ",
                                         " 1x2x2",
                                         "1x02x2",
                                         "0x2x2",
                                         "1x-2x2",
                                         "+1x2x2",
                                         "1X2X2",
                                         "1x2.0x2",
                                         "1xx2",
                                         "1x2x",
                                         "1,2,2",
                                         "0x1x2x2",
                                         "1x2x18446744073709551616",
                                         "1x2x99999999999999999999999"};
    static const char *const classes[] = {"", "two", "2 ", "-2", "02", "2x2", "0", "2.0"};
    static const char *const keys[] = {"network", "input", "classes"};
    /* The network's message follows the file's name. */
    static const char *const specs[] = {"",
                                        "dense",
                                        "dense:3,relu,dense:0",
                                        "dense:3,,dense:2",
                                        "denser:2",
                                        "dense:3,relu,dense:2,relu"};
    char text[128];
    for (size_t i = 0; i < MB_COUNT_OF(keys); i++) {
        snprintf(text, sizeof text, "not a model of mnist_blas: no metadata \"%s\"", keys[i]);
        REFUSED(model.metadata_count = i, text);
    }
    for (size_t i = 0; i < MB_COUNT_OF(inputs); i++) {
        snprintf(text, sizeof text, "metadata \"input\": invalid value \"%s\"", inputs[i]);
        REFUSED(model.metadata[1].value = inputs[i], text);
    }
    for (size_t i = 0; i < MB_COUNT_OF(classes); i++) {
        snprintf(text, sizeof text, "metadata \"classes\": invalid value \"%s\"", classes[i]);
        REFUSED(model.metadata[2].value = classes[i], text);
    }
    for (size_t i = 0; i < MB_COUNT_OF(specs); i++)
        REFUSED(model.metadata[0].value = specs[i], "");
    REFUSED(model.metadata[2].value = "3", "");
    REFUSED(model.metadata[3].value = "red",
            "metadata \"ground\": must be dark or light, got \"red\"");
    REFUSED(model.metadata[3].key = "framing",
            "metadata \"framing\": must be mnist, none or emnist, got \"light\"");
    REFUSED(model.metadata[3].key = "mean", "metadata \"mean\" without \"std\"");
    static const char *const stds[] = {"", "0", "1e-9", "2", "nan", "0.5,0.5", "0.5,", "half"};
    for (size_t i = 0; i < TEST_COUNT(stds); i++) {
        snprintf(text, sizeof text,
                 "metadata \"std\": must be a number from 1e-06 to 1 for each of 1 channels, got "
                 "\"%s\"",
                 stds[i]);
        REFUSED((model.metadata[3] = (mb_key_value){"mean", "0.5"},
                 model.metadata[4] = (mb_key_value){"std", stds[i]}, model.metadata_count = 5),
                text);
    }
}

TEST(bad_class_names)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"", "must be a JSON array with the names of 2 classes, got \"\""},
        {"[\"a\"", "must be a JSON array with the names of 2 classes"},
        {"[\"a\"]", "must be a JSON array with the names of 2 classes, got \"[\"a\"]\""},
        {"[\"a\",\"b\",\"c\"]", "must be a JSON array with the names of 2 classes"},
        {"{\"0\":\"a\",\"1\":\"b\"}", "must be a JSON array with the names of 2 classes"},
        {"[\"a\",1]", "class name 2: must be a string"},
        {"[\"a\",\"\"]", "class name 2: must be 1 to 100 bytes"},
        {"[\"\\u001b[m\",\"a\"]", "class name 1: must be 1 to 100 bytes"},
        {"[\"a\",\"b\\u0000\"]", "must be a JSON array"},
        {"[\"a\",\"a\"]", "class names 1 and 2: both are \"a\""},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char text[160];
        snprintf(text, sizeof text, "metadata \"class_names\": %s", cases[i].why);
        REFUSED((model.metadata[3] = (mb_key_value){"class_names", cases[i].json}), text);
    }
    char *many = malloc(1 << 20);
    assert_non_null(many);
    memset(many, '[', (1 << 20) - 1);
    many[(1 << 20) - 1] = '\0';
    REFUSED((model.metadata[3] = (mb_key_value){"class_names", many}),
            "metadata \"class_names\": must be a JSON array with the names of 2 classes");
    free(many);
}

TEST(no_model_file)
{
    const mb_test_model_files *work = *state;
    mb_network *network = NULL;
    mb_error error = {0};
    (void)unlink(work->path);
    assert_int_equal(mb_model_load(work->machine, work->path, &network, &error), MB_ERROR_IO);
    assert_memory_equal(error.text, work->path, strlen(work->path));
    assert_null(network);
    assert_int_equal(mb_file_write(work->path, "not a model", 11, NULL), MB_OK);
    assert_file_refused(work, "is a text, not a safetensors file");
}

TEST_GROUP(mb_test_model_files_open, mb_test_model_files_close);
