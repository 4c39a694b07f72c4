/* Sets of IDX files beyond MNIST's: prefixes, folders, types of labels, EMNIST. */
#include "core/endian.h"
#include "sources/idx_sets.h"
#include "support.h"
#include "test.h"

#include <mnist_blas/dataset.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned both = MB_SPLIT_TRAIN | MB_SPLIT_TEST;

enum { COUNT = 6, ROWS = 3, COLUMNS = 4 };

/* An IDX file of zeros and then `bytes` of `data`; freed with free(). */
static mb_bytes make_idx(unsigned type, size_t dimensions, const uint32_t *sizes,
                         const uint8_t *data, size_t bytes)
{
    const size_t header = 4 + 4 * dimensions;
    mb_bytes file = {calloc(1, header + bytes), header + bytes};
    assert_non_null(file.data);
    file.data[2] = (uint8_t)type;
    file.data[3] = (uint8_t)dimensions;
    for (size_t i = 0; i < dimensions; i++)
        mb_store_be32(file.data + 4 + 4 * i, sizes[i]);
    if (bytes > 0)
        memcpy(file.data + header, data, bytes);
    return file;
}

/* Image i has the pixels i * 100 + 0, 1, 2, ..., modulo 256; its label is first + i % classes. */
static void write_set(const char *folder, const char *prefix, const char *test, uint8_t first)
{
    const char *const splits[] = {"train", test};
    uint8_t pixels[COUNT * ROWS * COLUMNS], labels[COUNT];
    char name[256];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i / (ROWS * COLUMNS) * 100 + i % (ROWS * COLUMNS));
    for (size_t i = 0; i < COUNT; i++)
        labels[i] = (uint8_t)(first + i % 3);
    for (size_t s = 0; s < 2; s++) {
        snprintf(name, sizeof name, "%s%s-images-idx3-ubyte", prefix, splits[s]);
        mb_test_put(folder, name, mb_test_idx_images(COUNT, ROWS, COLUMNS, pixels));
        snprintf(name, sizeof name, "%s%s-labels-idx1-ubyte", prefix, splits[s]);
        mb_test_put(folder, name, mb_test_idx_labels(COUNT, labels));
    }
}

static mb_dataset *open_path(const char *path, const mb_data_options *options)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    char *found = NULL;
    assert_int_equal(mb_dataset_find(path, &found, &error), MB_OK);
    assert_string_equal(found, path);
    free(found);
    mb_dataset_open(path, both, options, &dataset, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(dataset->train.images.count, COUNT);
    return dataset;
}

static void check_opens(const char *folder, const char *inner)
{
    char *path = mb_path_join(folder, inner);
    mb_dataset_close(open_path(path, NULL));
    free(path);
}

static void check_fails(const char *path, mb_status status, const char *text)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_dataset_open(path, both, NULL, &dataset, &error), status);
    mb_test_check_error(&error, status, text);
}

TEST(a_prefix_is_found_and_can_be_given)
{
    const char *folder = mb_test_folder();
    write_set(folder, "qmnist-", "test", 0);
    check_opens(folder, "");
    check_opens(folder, "qmnist");
    check_opens(folder, "qmnist-test-labels-idx1-ubyte");
    char *file = mb_path_join(folder, "qmnist-train-images-idx3-ubyte");
    assert_int_equal(unlink(file), 0);
    check_fails(folder, MB_ERROR_IO, "missing qmnist-train-images-idx3-ubyte (or .gz)");
    free(file);
}

TEST(several_prefixes_are_named)
{
    const char *folder = mb_test_folder();
    char *path = mb_path_join(folder, "fashion"), expected[1024];
    write_set(folder, "kana_", "t10k", 0);
    write_set(folder, "fashion-", "t10k", 0);
    snprintf(expected, sizeof expected,
             "%s: holds several data sets, fashion, kana: give one of them, such as %s/fashion",
             folder, folder);
    check_fails(folder, MB_ERROR_FORMAT, expected);
    check_opens(folder, "fashion");
    check_opens(folder, "kana");
    check_fails(path + strlen(path), MB_ERROR_IO, "no such folder");
    free(path);
    write_set(folder, "", "t10k", 0);
    check_opens(folder, "");
}

TEST(folders_in_a_folder_are_searched)
{
    const char *folder = mb_test_folder();
    char *inner = mb_test_subfolder(folder, "MNIST"), *raw = mb_test_subfolder(inner, "raw");
    char *other = mb_test_subfolder(folder, "other"), *deeper = mb_test_subfolder(other, "deeper");
    write_set(raw, "", "t10k", 0);
    check_opens(folder, "");
    check_opens(folder, "MNIST");
    write_set(deeper, "", "t10k", 0);
    check_opens(folder, "");
    check_opens(folder, "other");
    write_set(other, "", "t10k", 0);
    check_fails(folder, MB_ERROR_FORMAT, "holds several data sets, MNIST/raw, other: give one of");
    free(deeper), free(other), free(raw), free(inner);
}

/* A folder of many folders is one of classes. */
TEST(many_folders_are_not_searched)
{
    char name[16];
    for (size_t i = 0; i < 17; i++) {
        snprintf(name, sizeof name, "%zu", i);
        char *inner = mb_test_subfolder(mb_test_folder(), name);
        if (i == 16)
            write_set(inner, "", "t10k", 0);
        free(inner);
    }
    check_fails(mb_test_folder(), MB_ERROR_IO, "missing train-images-idx3-ubyte (or .gz)");
}

/* The whole .gz is read if only it is there; a part of it that was unpacked is named. */
TEST(plain_is_preferred_to_packed)
{
    const char *folder = mb_test_folder();
    const mb_bytes labels = mb_test_idx_labels(COUNT, (const uint8_t[]){0, 1, 2, 0, 1, 2});
    write_set(folder, "", "t10k", 0);
    mb_test_put(folder, "train-labels-idx1-ubyte.gz", mb_test_gzip(labels));
    check_opens(folder, "");
    free(mb_test_write(folder, "train-labels-idx1-ubyte", (mb_bytes){labels.data, 9}));
    check_fails(folder, MB_ERROR_FORMAT,
                "train-labels-idx1-ubyte: truncated: header promises 6 labels, 1 are there; remove "
                "it to read ");
    char *plain = mb_path_join(folder, "train-labels-idx1-ubyte");
    assert_int_equal(unlink(plain), 0);
    check_opens(folder, "");
    free(plain);
    free(labels.data);
}

/* Labels 0 .. 2 of each type, big-endian; QMNIST's have 8 numbers. */
TEST(labels_are_integers_of_any_type)
{
    static const struct {
        unsigned type;
        size_t bytes, numbers;
        const char *name;
    } cases[] = {{0x08, 1, 1, "train-labels-idx1-ubyte"}, {0x09, 1, 1, "train-labels-idx1-byte"},
                 {0x0b, 2, 1, "train-labels-idx1-short"}, {0x0c, 4, 1, "train-labels-idx1-int"},
                 {0x0c, 4, 8, "train-labels-idx2-int"},   {0x08, 1, 8, "train-labels-idx2-ubyte"}};
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        const char *folder = mb_test_folder();
        const size_t bytes = cases[c].bytes, item = bytes * cases[c].numbers;
        const uint32_t sizes[] = {COUNT, (uint32_t)cases[c].numbers};
        uint8_t data[COUNT * 32];
        memset(data, 0x7f, sizeof data);
        for (size_t i = 0; i < COUNT; i++) {
            memset(data + i * item, 0, bytes);
            data[i * item + bytes - 1] = (uint8_t)(i % 3);
        }
        write_set(folder, "", "t10k", 0);
        char *usual = mb_path_join(folder, "train-labels-idx1-ubyte");
        assert_int_equal(unlink(usual), 0);
        mb_test_put(folder, cases[c].name,
                    make_idx(cases[c].type, 1 + (cases[c].numbers > 1), sizes, data, COUNT * item));
        mb_dataset *dataset = open_path(folder, NULL);
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(dataset->train.labels[i], i % 3);
        mb_dataset_close(dataset);
        char *path = mb_path_join(folder, cases[c].name);
        unlink(path);
        free(path);
        free(usual);
    }
}

TEST(labels_that_are_not_classes_are_refused)
{
    static const struct {
        unsigned type;
        uint32_t sizes[2];
        const char *why;
    } cases[] = {{0x0c, {COUNT, 10}, "labels of 10 numbers: must have 1, or 8 as QMNIST's"},
                 {0x0d, {COUNT, 1}, "elements of type 0x0d (floats): labels are integers"},
                 {0x09, {COUNT, 1}, "label -1 at item 0: must not be negative"}};
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        uint8_t data[COUNT * 40] = {0xff, 1};
        write_set(mb_test_folder(), "", "t10k", 0);
        mb_test_put(mb_test_folder(), "train-labels-idx1-ubyte",
                    make_idx(cases[c].type, 2, cases[c].sizes, data,
                             cases[c].type == 0x09 ? COUNT : sizeof data));
        check_fails(mb_test_folder(), MB_ERROR_FORMAT, cases[c].why);
    }
}

/* Pixel (row, column) of channel c of image i is 40 i + 3 (4 row + column) + c. */
TEST(images_of_four_dimensions_have_channels_first_or_last)
{
    static const struct {
        uint32_t sizes[4];
        bool last;
        size_t channels;
    } cases[] = {{{COUNT, ROWS + 1, COLUMNS, 3}, true, 3},
                 {{COUNT, 3, ROWS + 1, COLUMNS}, false, 3},
                 {{COUNT, 3, COLUMNS, 3}, true, 3},
                 {{COUNT, 1, ROWS, COLUMNS}, false, 1},
                 {{COUNT, ROWS, COLUMNS, 1}, true, 1}};
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        static const char *const files[] = {"train-images-idx4-ubyte", "t10k-images-idx4-ubyte"};
        const uint32_t *sizes = cases[c].sizes;
        const size_t stride = sizes[1] * sizes[2] * sizes[3], plane = stride / cases[c].channels;
        uint8_t data[COUNT * 3 * (ROWS + 1) * COLUMNS];
        for (size_t i = 0; i < COUNT * stride; i++)
            data[i] = (uint8_t)(i / stride * 40 + (cases[c].last ? i % stride
                                                                 : i % plane * cases[c].channels +
                                                                       i % stride / plane));
        write_set(mb_test_folder(), "", "t10k", 0);
        for (size_t f = 0; f < 2; f++) {
            char usual[MB_IDX_NAME_SIZE];
            char *path = mb_path_join(mb_test_folder(), mb_idx_file_name("", 2 * f, usual));
            assert_int_equal(unlink(path), 0);
            free(path);
            mb_test_put(mb_test_folder(), files[f], make_idx(0x08, 4, sizes, data, COUNT * stride));
        }
        mb_dataset *dataset = open_path(mb_test_folder(), NULL);
        const mb_images *images = &dataset->train.images;
        assert_int_equal(images->channels, cases[c].channels);
        assert_int_equal(images->rows * images->columns, plane);
        for (size_t i = 0; i < COUNT * stride; i++)
            assert_int_equal(
                images->pixels[i],
                (uint8_t)(i / stride * 40 + i % plane * images->channels + i % stride / plane));
        mb_dataset_close(dataset);
    }
    const uint32_t sizes[] = {COUNT, 2, 3, 2};
    const uint8_t data[COUNT * 12] = {0};
    mb_test_put(mb_test_folder(), "train-images-idx4-ubyte",
                make_idx(0x08, 4, sizes, data, sizeof data));
    check_fails(mb_test_folder(), MB_ERROR_FORMAT,
                "images of 2 x 3 x 2: the first or the last, their channels, must be 1 or 3");
}

/* ---- EMNIST ---- */

TEST(emnist_is_transposed)
{
    const char *folder = mb_test_folder();
    mb_data_options options = mb_data_defaults();
    write_set(folder, "emnist-digits-", "test", 0);
    mb_dataset *dataset = open_path(folder, NULL);
    assert_null(dataset->class_names);
    assert_int_equal(dataset->train.images.rows, COLUMNS);
    assert_int_equal(dataset->train.images.pixels[1], COLUMNS);
    mb_dataset_close(dataset);
    options.transpose = true;
    dataset = open_path(folder, &options);
    assert_int_equal(dataset->train.images.rows, ROWS);
    assert_int_equal(dataset->train.images.pixels[1], 1);
    mb_dataset_close(dataset);
}

/* Labels of all classes of a split of EMNIST, from `first`. */
static void write_labels(const char *folder, const char *split, uint8_t first, size_t classes)
{
    static const char *const splits[] = {"train", "test"};
    uint8_t labels[62];
    char name[128];
    for (size_t i = 0; i < classes; i++)
        labels[i] = (uint8_t)(first + i);
    for (size_t s = 0; s < 2; s++) {
        snprintf(name, sizeof name, "%s-%s-labels-idx1-ubyte", split, splits[s]);
        mb_test_put(folder, name, mb_test_idx_labels(classes, labels));
        snprintf(name, sizeof name, "%s-%s-images-idx3-ubyte", split, splits[s]);
        mb_test_put(folder, name, mb_test_idx_images(classes, 2, 2, NULL));
    }
}

TEST(emnist_has_class_names)
{
    static const struct {
        const char *split;
        uint8_t first;
        size_t classes;
        const char *names; /* NULL: numbers */
    } cases[] = {
        {"emnist-letters", 1, 26, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"emnist-letters", 0, 26, NULL},
        {"emnist-balanced", 0, 47, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"},
        {"emnist-bymerge", 0, 47, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"},
        {"emnist-byclass", 0, 62, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
        {"emnist-mnist", 0, 10, NULL}};
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        mb_dataset *dataset = NULL;
        char *path = mb_path_join(mb_test_folder(), cases[c].split);
        write_labels(mb_test_folder(), cases[c].split, cases[c].first, cases[c].classes);
        assert_int_equal(mb_dataset_open(path, both, NULL, &dataset, NULL), MB_OK);
        assert_int_equal(dataset->classes, cases[c].classes);
        assert_int_equal(dataset->class_names == NULL, cases[c].names == NULL);
        for (size_t i = 0; i < cases[c].classes; i++) {
            assert_int_equal(dataset->train.labels[i], i);
            assert_true(cases[c].names == NULL ||
                        (dataset->class_names[i][0] == cases[c].names[i] &&
                         dataset->class_names[i][1] == '\0'));
        }
        mb_dataset_close(dataset);
        free(path);
    }
}

/* Lines of a label and the codes of characters. */
TEST(emnist_mapping_names_the_classes)
{
    static const struct {
        const char *text, *why; /* NULL: is read */
    } cases[] = {{"1 120 88\n2 121\n4 122 90\n", NULL},
                 {"1 120\r\n2 121\r\n4 122", NULL},
                 {"1 120\n1 121\n", "mapping.txt: line 2: must be a label, larger than"},
                 {"x\n", "mapping.txt: line 1: must be a label"},
                 {"1 7\n", "mapping.txt: line 1: codes of characters must be numbers of ASCII"},
                 {"1 120 y\n", "mapping.txt: line 1: codes of characters"},
                 {"1 120\n2 121\n", "label 4 at item 2: training has 2 classes, and no such label"},
                 {"1 120\n2 120\n4 122\n", "class names 1 and 2: both are \"x\""}};
    const char *folder = mb_test_folder();
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        write_labels(folder, "emnist-letters", 0, 3);
        for (size_t s = 0; s < 2; s++)
            mb_test_put(folder,
                        s == 0 ? "emnist-letters-train-labels-idx1-ubyte"
                               : "emnist-letters-test-labels-idx1-ubyte",
                        mb_test_idx_labels(3, (const uint8_t[]){1, 2, 4}));
        mb_test_put(folder, "emnist-letters-mapping.txt", mb_test_text(cases[c].text));
        if (cases[c].why != NULL) {
            check_fails(folder, MB_ERROR_FORMAT, cases[c].why);
            continue;
        }
        mb_dataset *dataset = NULL;
        assert_int_equal(mb_dataset_open(folder, both, NULL, &dataset, NULL), MB_OK);
        assert_int_equal(dataset->classes, 3);
        assert_string_equal(dataset->class_names[2], "z");
        assert_int_equal(dataset->test.labels[2], 2);
        mb_dataset_close(dataset);
    }
}

/* A converted set is found in the folder, with the names beside its files. */
TEST(class_names_are_beside_the_files)
{
    char *inner = mb_test_subfolder(mb_test_folder(), "inner");
    write_set(inner, "", "t10k", 0);
    mb_test_put(inner, "classes.txt", mb_test_text("cat\ndog\neel\n"));
    mb_dataset *dataset = open_path(mb_test_folder(), NULL);
    assert_string_equal(dataset->class_names[2], "eel");
    mb_dataset_close(dataset);
    free(inner);
}
