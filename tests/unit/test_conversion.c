/* What mb_dataset_write writes is read back as the same dataset. */
#include "support.h"
#include "test.h"

#include <mnist_blas/conversion.h>
#include <mnist_blas/features.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRAIN = 24, TEST = 9, ROWS = 5, COLUMNS = 7, MAX_VALUES = 3 * ROWS * COLUMNS };

/* Random images on a dark or light ground, in random order of classes. */
typedef struct made {
    uint8_t pixels[(TRAIN + TEST) * MAX_VALUES], labels[TRAIN + TEST];
    mb_dataset dataset;
} made;

static void make(made *m, size_t channels, const char *const *names, size_t validation)
{
    const size_t stride = channels * ROWS * COLUMNS;
    uint8_t *pixels = m->pixels;
    for (size_t i = 0; i < (TRAIN + TEST) * stride; i++)
        pixels[i] = (uint8_t)(i * i * 31 + i * 7 + i / stride);
    for (size_t i = 0; i < TRAIN + TEST; i++)
        m->labels[i] = (uint8_t)((i * 5 + i / 4) % 3);
    m->dataset = (mb_dataset){
        .classes = 3,
        .class_names = names,
        .train = {{pixels, TRAIN, channels, ROWS, COLUMNS}, m->labels},
        .test = {{pixels + TRAIN * stride, TEST, channels, ROWS, COLUMNS}, m->labels + TRAIN},
        .validation = validation};
}

static char *path_of(const char *name) { return mb_path_join(mb_test_folder(), name); }

static void check_split(const mb_split *one, const mb_split *other)
{
    assert_int_equal(one->images.count, other->images.count);
    assert_true(mb_shape_equal(mb_images_shape(&one->images), mb_images_shape(&other->images)));
    assert_memory_equal(one->labels, other->labels, one->images.count);
    assert_memory_equal(one->images.pixels, other->images.pixels,
                        one->images.count * mb_images_stride(&one->images));
}

static void check_same(const mb_dataset *written, mb_conversion conversion)
{
    char *path = path_of("converted");
    mb_error error = {MB_OK, ""};
    mb_dataset *read = NULL;
    mb_dataset_write(written, conversion, path, &error);
    assert_string_equal(error.text, "");
    mb_dataset_open(path, MB_SPLIT_TRAIN | MB_SPLIT_TEST, NULL, &read, &error);
    assert_string_equal(error.text, "");
    check_split(&written->train, &read->train);
    check_split(&written->test, &read->test);
    assert_int_equal(read->validation, written->validation);
    assert_int_equal(read->classes, written->classes);
    assert_int_equal(read->class_names == NULL, written->class_names == NULL);
    for (size_t c = 0; c < written->classes && written->class_names != NULL; c++)
        assert_string_equal(read->class_names[c], written->class_names[c]);
    assert_int_equal(read->form.ground, written->form.ground);
    mb_dataset_close(read);
    mb_test_remove_folder(path);
}

/* Names that are folders of their own in this order, or are not: dots, slashes, other orders. */
static const char *const name_sets[][3] = {{"cat", "dog", "eel"},  {"zebra", "ant", "m\xc3\xb6we"},
                                           {"1", "2", "10"},       {"10", "2", "1"},
                                           {"a.txt", "b/c", ".d"}, {"x", "y", "0"}};

/* Written by this build, and read back. */
static bool is_available(mb_conversion conversion)
{
    bool reads_pictures = false;
    for (unsigned i = 0; i < mb_data_format_names.count; i++)
        reads_pictures =
            reads_pictures || strcmp(mb_data_format_names.values[i].name, "folder") == 0;
    return (conversion != MB_CONVERSION_NPZ || mb_has_feature(MB_FEATURE_NPZ)) &&
           (conversion != MB_CONVERSION_FOLDER || reads_pictures);
}

TEST(reads_back_what_was_written)
{
    static made m;
    for (mb_conversion conversion = 0; conversion < mb_conversion_names.count; conversion++)
        for (size_t channels = 1; channels <= 3 && is_available(conversion); channels += 2) {
            make(&m, channels, NULL, 0);
            check_same(&m.dataset, conversion);
            for (size_t n = 0; n < TEST_COUNT(name_sets); n++) {
                make(&m, channels, name_sets[n], 0);
                check_same(&m.dataset, conversion);
            }
            make(&m, channels, name_sets[0], 6);
            if (conversion != MB_CONVERSION_IDX)
                check_same(&m.dataset, conversion);
        }
}

/* Images on a light ground, which are inverted in memory, are written as they were. */
TEST(light_ground_is_written_light)
{
    static made m;
    for (mb_conversion conversion = 0; conversion < mb_conversion_names.count; conversion++) {
        make(&m, 1, NULL, 0);
        memset(m.pixels, 0, sizeof m.pixels);
        for (size_t i = 0; i < TRAIN + TEST; i++)
            m.pixels[i * ROWS * COLUMNS + 2 * COLUMNS + 3] = (uint8_t)(100 + i);
        m.dataset.form.ground = MB_GROUND_LIGHT;
        if (is_available(conversion))
            check_same(&m.dataset, conversion);
    }
}

static void check_fails(const mb_dataset *dataset, const char *folder, mb_status status,
                        const char *text)
{
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_dataset_write(dataset, MB_CONVERSION_IDX, folder, &error), status);
    mb_test_check_error(&error, status, text);
}

TEST(writes_nothing_where_something_is)
{
    static made m;
    char *path = path_of("data"), *partial = path_of("data.partial"), *file = path_of("file");
    make(&m, 1, NULL, 0);
    free(mb_test_subfolder(mb_test_folder(), "data"));
    assert_int_equal(mb_dataset_write(&m.dataset, MB_CONVERSION_IDX, path, NULL), MB_OK);
    assert_int_equal(mb_test_entries(path), 4);
    check_fails(&m.dataset, path, MB_ERROR_IO, "data: is not empty: give a folder that is");
    mb_test_put(mb_test_folder(), "file", mb_test_text("x"));
    check_fails(&m.dataset, file, MB_ERROR_IO, "file: is not a folder");
    make(&m, 1, NULL, 3);
    check_fails(&m.dataset, partial, MB_ERROR_UNAVAILABLE, "has a validation split of its own");
    m.dataset.test.images.count = 0;
    check_fails(&m.dataset, partial, MB_ERROR_INVALID, "must have training and test images");
    assert_int_equal(access(partial, F_OK), -1);
    free(file), free(partial), free(path);
}

/* After a failure, as on a full disk, nothing is left. */
TEST(leaves_nothing_after_a_failure)
{
    enum { COUNT = 4, SIDE = 80 };
    static uint8_t pixels[COUNT * SIDE * SIDE];
    const uint8_t labels[COUNT] = {0, 1, 0, 1};
    const mb_split split = {{pixels, COUNT, 1, SIDE, SIDE}, labels};
    const mb_dataset dataset = {.classes = 2, .train = split, .test = split};
    char *path = path_of("full");
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (mb_conversion conversion = 0; conversion < mb_conversion_names.count; conversion++) {
        mb_error error = {MB_OK, ""};
        if (!is_available(conversion))
            continue;
        mb_test_limit_files(true);
        const mb_status status = mb_dataset_write(&dataset, conversion, path, &error);
        mb_test_limit_files(false);
        assert_int_equal(status, MB_ERROR_IO);
        mb_test_check_error(&error, MB_ERROR_IO, "cannot be written: ");
        assert_int_equal(mb_test_entries(mb_test_folder()), 0);
    }
    free(path);
}
