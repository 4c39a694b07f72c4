/* Classes, and what the options of reading change, in any format. */
#include "support.h"
#include "test.h"

#include <mnist_blas/dataset.h>
#include <stdlib.h>
#include <string.h>

static const unsigned both = MB_SPLIT_TRAIN | MB_SPLIT_TEST;
static const mb_test_dataset small = {
    .train = 60, .test = 20, .rows = 6, .columns = 5, .classes = 10, .seed = 1};

/* Opens the small dataset with labels that are changed from 0 .. 9. */
static mb_dataset *open_relabelled(const char *folder, unsigned splits,
                                   const mb_data_options *options, uint8_t (*label)(uint8_t))
{
    static const char *const names[] = {"train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"};
    const size_t counts[] = {60, 20};
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    mb_test_write_dataset(folder, &small);
    for (size_t f = 0; f < 2; f++) {
        uint8_t labels[60];
        for (size_t i = 0; i < counts[f]; i++)
            labels[i] = label((uint8_t)(i % 10));
        mb_test_put(folder, names[f], mb_test_idx_labels(counts[f], labels));
    }
    mb_dataset_open(folder, splits, options, &dataset, &error);
    assert_string_equal(error.text, "");
    return dataset;
}

static uint8_t sparse_label(uint8_t class) { return (uint8_t)(class + 1 + (class > 4)); }

static uint8_t same_label(uint8_t class) { return class; }

/* As EMNIST's letters, which start at 1, and sign language, whose numbers have gaps. */
TEST(labels_that_are_not_0_1_2_are_renumbered)
{
    const char *folder = mb_test_folder();
    mb_dataset *dataset = open_relabelled(folder, both, NULL, sparse_label);
    assert_int_equal(dataset->classes, 10);
    assert_string_equal(dataset->class_names[0], "1");
    assert_string_equal(dataset->class_names[9], "11");
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(dataset->test.labels[i], i % 10);
    mb_data_options options = mb_data_defaults();
    options.expected_classes = dataset->classes;
    options.expected_names = dataset->class_names;
    mb_dataset *other = open_relabelled(folder, MB_SPLIT_TEST, &options, sparse_label);
    assert_memory_equal(other->test.labels, dataset->test.labels, 20);
    mb_dataset_close(other);
    mb_dataset_close(dataset);
    dataset = open_relabelled(folder, both, NULL, same_label);
    assert_null(dataset->class_names);
    mb_dataset_close(dataset);
}

/* By a file in the options, else by classes.txt beside the data. */
TEST(classes_are_named_by_the_lines_of_a_file)
{
    const char *folder = mb_test_folder();
    mb_data_options options = mb_data_defaults();
    mb_test_put(folder, "classes.txt", mb_test_text("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"));
    mb_dataset *dataset = open_relabelled(folder, both, NULL, sparse_label);
    assert_string_equal(dataset->class_names[9], "j");
    mb_dataset_close(dataset);
    mb_test_put(folder, "names",
                mb_test_text("0\r\n1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n\xc3\xa4"));
    char *path = mb_path_join(folder, "names");
    options.class_names = path;
    dataset = open_relabelled(folder, both, &options, sparse_label);
    assert_string_equal(dataset->class_names[8], "8");
    assert_string_equal(dataset->class_names[9], "\xc3\xa4");
    mb_dataset_close(dataset);
    free(path);
    static const struct {
        const char *text, *why;
    } bad[] = {{"a\nb\n", "classes.txt: 2 class names, but there are 10 classes"},
               {"a\n\nb", "classes.txt: class name 2: must be 1 to 100 bytes of UTF-8 without"},
               {"a\x1b[m\n", "classes.txt: class name 1: must be"},
               {"\xff\n", "classes.txt: class name 1: must be"},
               {"a\na\n", "classes.txt: class names 1 and 2: both are \"a\""}};
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        mb_error error;
        mb_test_put(folder, "classes.txt", mb_test_text(bad[i].text));
        assert_int_equal(mb_dataset_open(folder, both, NULL, &dataset, &error), MB_ERROR_FORMAT);
        mb_test_check_error(&error, MB_ERROR_FORMAT, bad[i].why);
    }
}

static uint8_t later_label(uint8_t class) { return (uint8_t)(class + 1); }

static uint8_t missing_label(uint8_t class) { return class < 9 ? class : 0; }

static uint8_t unknown_label(uint8_t class) { return (uint8_t)(class < 9 ? class + 1 : 1); }

/* The file that named the classes is not needed to read data for the model. */
TEST(named_classes_of_a_model_are_found_by_their_labels)
{
    const char *folder = mb_test_folder();
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    mb_data_options options = mb_data_defaults();
    mb_error error;
    options.expected_classes = 10;
    options.expected_names = names;
    static const struct {
        uint8_t (*label)(uint8_t);
        uint8_t first, last;
    } cases[] = {
        {same_label, 0, 9}, {later_label, 0, 9}, {sparse_label, 0, 9}, {missing_label, 0, 0}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_dataset *dataset = open_relabelled(folder, MB_SPLIT_TEST, &options, cases[i].label);
        assert_string_equal(dataset->class_names[9], "j");
        assert_int_equal(dataset->test.labels[0], cases[i].first);
        assert_int_equal(dataset->test.labels[8], 8);
        assert_int_equal(dataset->test.labels[9], cases[i].last);
        mb_dataset_close(dataset);
    }
    mb_dataset *dataset = open_relabelled(folder, MB_SPLIT_TEST, NULL, unknown_label);
    mb_dataset_close(dataset);
    assert_int_equal(mb_dataset_open(folder, MB_SPLIT_TEST, &options, &dataset, &error),
                     MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT,
                        "t10k-labels-idx1-ubyte: 9 labels, the smallest 1, but 10 classes with "
                        "names: they do not say which is which");
}

/* Names beside the data are those of the model in another order; a model without names takes them.
 */
TEST(named_classes_of_a_model_are_found_by_their_names)
{
    const char *folder = mb_test_folder();
    static const char *const names[] = {"j", "b", "c", "d", "e", "f", "g", "h", "i", "a"};
    mb_data_options options = mb_data_defaults();
    mb_dataset *dataset = NULL;
    mb_error error;
    options.expected_classes = 10;
    mb_test_put(folder, "classes.txt", mb_test_text("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"));
    dataset = open_relabelled(folder, both, &options, same_label);
    assert_string_equal(dataset->class_names[0], "a");
    assert_int_equal(dataset->train.labels[9], 9);
    mb_dataset_close(dataset);
    options.expected_names = names;
    dataset = open_relabelled(folder, both, &options, same_label);
    assert_string_equal(dataset->class_names[0], "j");
    assert_int_equal(dataset->train.labels[9], 0);
    assert_int_equal(dataset->test.labels[0], 9);
    mb_dataset_close(dataset);
    options.expected_names = NULL;
    mb_test_put(folder, "classes.txt", mb_test_text("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n"));
    assert_int_equal(mb_dataset_open(folder, both, &options, &dataset, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT,
                        "classes.txt: 11 class names, but the model has 10 classes");
}

/* Bilinear and area filters are those of `predict`; here each pixel becomes four. */
TEST(images_are_transposed_colored_and_resized)
{
    const char *folder = mb_test_folder();
    mb_data_options options = mb_data_defaults();
    mb_dataset *dataset = open_relabelled(folder, both, NULL, same_label);
    options.transpose = options.color = true;
    mb_dataset *other = open_relabelled(folder, both, &options, same_label);
    const mb_images *images = &dataset->train.images, *changed = &other->train.images;
    assert_true(mb_shape_equal(mb_images_shape(changed), (mb_shape){3, 5, 6}));
    for (size_t p = 0; p < 60 * 30; p++)
        for (size_t c = 0; c < 3; c++)
            assert_int_equal(changed->pixels[(p / 30 * 3 + c) * 30 + p % 5 * 6 + p % 30 / 5],
                             images->pixels[p]);
    mb_dataset_close(other);
    options = mb_data_defaults();
    options.size = (mb_shape){1, 3, 10};
    other = open_relabelled(folder, both, &options, same_label);
    assert_true(mb_shape_equal(mb_images_shape(&other->test.images), (mb_shape){1, 3, 10}));
    mb_dataset_close(other);
    mb_dataset_close(dataset);
}
