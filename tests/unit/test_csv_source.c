/* Tables in CSV as data: which files are read, and their classes. */
#include "support.h"
#include "test.h"

#include <mnist_blas/dataset.h>
#include <mnist_blas/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned both = MB_SPLIT_TRAIN | MB_SPLIT_TEST;

/* A table of 2 x 2 images, of which the first pixel is the number of the line from `first` on; the
 * labels are those words, in turn. NULL: no labels. */
static void write_table(const char *name, size_t lines, int first, const char *words)
{
    char text[4096] = "";
    const char *word = words;
    char *at = text;
    at += sprintf(at, "%spixel0,pixel1,pixel2,pixel3\n", words != NULL ? "label," : "");
    for (size_t i = 0; i < lines; i++) {
        if (words != NULL) {
            const int size = (int)strcspn(word, " ");
            at += sprintf(at, "%.*s,", size, word);
            word = word[size] == '\0' ? words : word + size + 1;
        }
        at += sprintf(at, "%d,7,0,200\n", first + (int)i);
    }
    mb_bytes bytes = mb_test_text(text);
    if (strstr(name, ".gz") != NULL) {
        const mb_bytes packed = mb_test_gzip(bytes);
        free(bytes.data);
        bytes = packed;
    }
    mb_test_put(mb_test_folder(), name, bytes);
}

static mb_status try_open(const char *name, unsigned splits, mb_dataset **dataset, mb_error *error)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", mb_test_folder(), name);
    *error = (mb_error){MB_OK, ""};
    return mb_dataset_open(path, splits, NULL, dataset, error);
}

static mb_dataset *open_data(const char *name, unsigned splits)
{
    mb_dataset *dataset = NULL;
    mb_error error;
    try_open(name, splits, &dataset, &error);
    assert_string_equal(error.text, "");
    mb_test_defer((void (*)(void *))mb_dataset_close, dataset);
    return dataset;
}

static void refuse(const char *name, mb_status status, const char *part)
{
    mb_dataset *dataset = NULL;
    mb_error error;
    assert_int_equal(try_open(name, both, &dataset, &error), status);
    mb_test_check_error(&error, status, part);
    assert_null(dataset);
}

static void check_pair(const char *name)
{
    const mb_dataset *dataset = open_data(name, both);
    assert_int_equal(dataset->train.images.count, 6);
    assert_int_equal(dataset->test.images.count, 4);
    assert_int_equal(dataset->train.images.pixels[0], 1);
    assert_int_equal(dataset->test.images.pixels[0], 101);
    assert_int_equal(dataset->classes, 2);
    assert_null(dataset->warning);
}

TEST(a_folder_with_two_tables)
{
    write_table("My_TRAIN_data.CSV", 6, 1, "0 1");
    write_table("My_TEST_data.csv.gz", 4, 101, "1 0");
    write_table("sample_submission.csv", 4, 1, NULL);
    write_table(".train.csv", 4, 1, NULL);
    check_pair("");
    const mb_dataset *dataset = open_data("", MB_SPLIT_TEST);
    assert_int_equal(dataset->test.images.count, 4);
    assert_int_equal(dataset->train.images.count, 0);
}

TEST(a_file_with_another_beside_it)
{
    write_table("mnist_train.csv", 6, 1, "0 1");
    write_table("mnist_test.csv", 4, 101, "1 0");
    write_table("fashion_train.csv", 20, 1, "0 1");
    check_pair("mnist_train.csv");
    /* The test table by itself: all of it, or a part if it is trained on. */
    assert_int_equal(open_data("mnist_test.csv", MB_SPLIT_TEST)->test.images.count, 4);
    const mb_dataset *dataset = open_data("fashion_train.csv", both);
    assert_int_equal(dataset->train.images.count, 17);
    assert_int_equal(dataset->test.images.count, 3);
    assert_null(dataset->warning);
    refuse("", MB_ERROR_IO,
           ": 3 tables, of which not just one has \"train\" and one \"test\" in its name: give one "
           "of them instead of the folder: fashion_train.csv, mnist_test.csv, mnist_train.csv");
}

TEST(one_table_is_split)
{
    write_table("a.tsv", 20, 1, "0 1");
    const mb_dataset *dataset = open_data("", both);
    assert_int_equal(dataset->train.images.count, 17);
    assert_int_equal(dataset->test.images.count, 3);
    assert_int_equal(open_data("a.tsv", MB_SPLIT_TEST)->test.images.count, 3);
}

TEST(emnist_is_transposed)
{
    write_table("emnist-digits-train.csv", 20, 1, "0 1");
    const mb_dataset *dataset = open_data("emnist-digits-train.csv", both);
    assert_int_equal(dataset->train.images.pixels[1], 0);
    assert_int_equal(dataset->train.images.pixels[2], 7);
}

/* Kaggle's test.csv is to be classified. */
TEST(a_test_table_without_labels_is_no_test_split)
{
    write_table("train.csv", 20, 1, "0 1");
    write_table("test.csv", 5, 101, NULL);
    static const char *const names[] = {"", "train.csv"};
    for (size_t i = 0; i < 2; i++) {
        const mb_dataset *dataset = open_data(names[i], both);
        assert_int_equal(dataset->train.images.count, 17);
        assert_int_equal(dataset->test.images.count, 3);
        assert_non_null(strstr(dataset->warning, "test.csv: has no labels: images of "));
        assert_int_equal(open_data(names[i], MB_SPLIT_TEST)->test.images.count, 3);
    }
    refuse("test.csv", MB_ERROR_FORMAT,
           "test.csv: has no labels: 4 of 4 columns are the pixels of images of 1x2x2; predict "
           "classifies them");
}

TEST(names_of_both_tables_are_classes)
{
    write_table("train.csv", 6, 1, "pear apple fig");
    write_table("test.csv", 4, 101, "fig pear");
    const mb_dataset *dataset = open_data("", both);
    assert_int_equal(dataset->classes, 3);
    assert_string_equal(dataset->class_names[0], "apple");
    assert_string_equal(dataset->class_names[1], "fig");
    assert_string_equal(dataset->class_names[2], "pear");
    const uint8_t train[] = {2, 0, 1, 2, 0, 1}, test[] = {1, 2, 1, 2};
    assert_memory_equal(dataset->train.labels, train, sizeof train);
    assert_memory_equal(dataset->test.labels, test, sizeof test);
    write_table("test.csv", 4, 101, "fig banana");
    refuse("", MB_ERROR_FORMAT, "class \"banana\" has no training image");
    write_table("test.csv", 4, 101, "0 1");
    refuse("", MB_ERROR_FORMAT, "test.csv: labels are numbers, but those of ");
}

TEST(wrong_paths)
{
    mb_dataset *dataset = NULL;
    mb_error error;
    mb_data_options options = mb_data_defaults();
    for (unsigned i = 0; i < mb_data_format_names.count; i++)
        if (strcmp(mb_data_format_names.values[i].name, "csv") == 0)
            options.format = i;
    assert_int_equal(mb_dataset_open(mb_test_folder(), both, &options, &dataset, &error),
                     MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, ": no table (.csv, .tsv, .csv.gz or .tsv.gz)");
    assert_int_equal(mb_dataset_open("/nowhere.csv", both, &options, &dataset, &error),
                     MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "/nowhere.csv: no such folder or file");
    free(mb_test_subfolder(mb_test_folder(), "train.csv"));
    refuse("", MB_ERROR_IO, "train.csv: is not a regular file");
}
