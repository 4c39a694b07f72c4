#include "core/rng.h"
#include "numpy_files.h"
#include "support.h"
#include "test.h"

#include <mnist_blas/dataset.h>
#include <mnist_blas/features.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const unsigned both = MB_SPLIT_TRAIN | MB_SPLIT_TEST;
enum { ROWS = 3, COLUMNS = 5, PIXELS = ROWS * COLUMNS, MAX_IMAGES = 40 };

/* Image `i` of these is the same whatever split it is in; its label is i % 3. */
static uint8_t pixels[MAX_IMAGES][PIXELS], labels[MAX_IMAGES];

static int make_images(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAX_IMAGES; i++) {
        labels[i] = (uint8_t)(i % 3);
        for (size_t p = 0; p < PIXELS; p++)
            pixels[i][p] = p == 0 ? (uint8_t)(10 + i) : (uint8_t)(i * p % 251);
    }
    return 0;
}

TEST_GROUP(make_images, NULL);

/* The array of images `first` and after. */
static mb_bytes images_of(size_t first, size_t count)
{
    char shape[40];
    snprintf(shape, sizeof shape, "(%zu, %d, %d)", count, ROWS, COLUMNS);
    return mb_test_npy("|u1", shape, pixels[first], count * PIXELS);
}

static mb_bytes labels_of(size_t first, size_t count)
{
    char shape[40];
    snprintf(shape, sizeof shape, "(%zu, 1)", count);
    return mb_test_npy("|u1", shape, labels + first, count);
}

static char *write_zip(const char *name, const mb_test_member *members, size_t count)
{
    const mb_bytes bytes = mb_test_zip(members, count);
    char *path = mb_test_write(mb_test_folder(), name, bytes);
    free(bytes.data);
    mb_test_defer(free, path);
    return path;
}

#define MEMBER(file, ...) ((mb_test_member){.name = (file), .content = __VA_ARGS__})
#define WRITE_ZIP(name, ...)                                                                       \
    write_zip((name), (const mb_test_member[]){__VA_ARGS__},                                       \
              TEST_COUNT(((const mb_test_member[]){__VA_ARGS__})))

/* 20 training, 8 validation and 6 test images. */
static char *write_divided(void)
{
    const mb_test_member members[] = {
        MEMBER("train_images.npy", images_of(0, 20)), MEMBER("train_labels.npy", labels_of(0, 20)),
        MEMBER("val_images.npy", images_of(20, 8)),   MEMBER("val_labels.npy", labels_of(20, 8)),
        MEMBER("test_images.npy", images_of(28, 6)),  MEMBER("test_labels.npy", labels_of(28, 6))};
    return write_zip("divided.npz", members, TEST_COUNT(members));
}

static mb_dataset *opens(const char *path, unsigned splits, const mb_data_options *options)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    const mb_status status = mb_dataset_open(path, splits, options, &dataset, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, MB_OK);
    return dataset;
}

static void is_refused(const char *path, const mb_data_options *options, const char *why)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    const mb_status status = mb_dataset_open(path, both, options, &dataset, &error);
    assert_int_not_equal(status, MB_OK);
    mb_test_check_error(&error, status, why);
    assert_null(dataset);
}

/* The split has `count` images from number `first` on. */
static void has_images(const mb_split *split, size_t first, size_t count)
{
    assert_int_equal(split->images.count, count);
    assert_int_equal(split->images.rows, ROWS);
    assert_int_equal(split->images.columns, COLUMNS);
    assert_int_equal(split->images.channels, 1);
    assert_memory_equal(split->images.pixels, pixels[first], count * PIXELS);
    assert_memory_equal(split->labels, labels + first, count);
}

static void need_npz(void)
{
    if (!mb_has_feature(MB_FEATURE_NPZ))
        skip();
}

/* ---- names ---- */

TEST(keras)
{
    need_npz();
    const char *path =
        WRITE_ZIP("mnist.npz", MEMBER("x_test.npy", images_of(9, 6)),
                  MEMBER("x_train.npy", images_of(0, 9)), MEMBER("y_train.npy", labels_of(0, 9)),
                  MEMBER("y_test.npy", labels_of(9, 6)), MEMBER("notes.txt", mb_test_text("x")));
    for (int folder = 0; folder < 2; folder++) {
        mb_dataset *data = opens(folder ? mb_test_folder() : path, both, NULL);
        has_images(&data->train, 0, 9);
        has_images(&data->test, 9, 6);
        assert_int_equal(data->validation, 0);
        assert_int_equal(data->classes, 3);
        assert_null(data->class_names);
        mb_dataset_close(data);
    }
    mb_dataset *data = opens(path, MB_SPLIT_TEST, NULL);
    assert_int_equal(data->train.images.count, 0);
    has_images(&data->test, 9, 6);
    mb_dataset_close(data);
}

TEST(medmnist_with_its_validation_split)
{
    need_npz();
    mb_dataset *data = opens(write_divided(), both, NULL);
    has_images(&data->train, 0, 28);
    has_images(&data->test, 28, 6);
    assert_int_equal(data->validation, 8);
    mb_dataset_close(data);
    data = opens(write_divided(), MB_SPLIT_TEST, NULL);
    assert_int_equal(data->validation, 0);
    mb_dataset_close(data);
}

TEST(kmnist)
{
    need_npz();
    WRITE_ZIP("k49-train-imgs.npz", MEMBER("arr_0.npy", images_of(0, 12)));
    WRITE_ZIP("k49-train-labels.npz", MEMBER("arr_0.npy", labels_of(0, 12)));
    WRITE_ZIP("k49-test-imgs.npz", MEMBER("arr_0.npy", images_of(12, 6)));
    WRITE_ZIP("k49-test-labels.npz", MEMBER("arr_0.npy", labels_of(12, 6)));
    mb_dataset *data = opens(mb_test_folder(), both, NULL);
    has_images(&data->train, 0, 12);
    has_images(&data->test, 12, 6);
    mb_dataset_close(data);
}

static void put(const char *name, mb_bytes bytes) { mb_test_put(mb_test_folder(), name, bytes); }

TEST(npy_files)
{
    put("X_Train.npy", images_of(0, 12));
    put("train-labels.npy", labels_of(0, 12));
    put("images.test.NPY", images_of(12, 6));
    put("y_test.npy", labels_of(12, 6));
    put("means.npy", labels_of(0, 1));
    mb_dataset *data = opens(mb_test_folder(), both, NULL);
    has_images(&data->train, 0, 12);
    has_images(&data->test, 12, 6);
    mb_dataset_close(data);
}

/* Without a test split: the training images are divided, the validation images stay. */
TEST(test_fraction_leaves_the_validation_split)
{
    need_npz();
    mb_data_options options = mb_data_defaults();
    options.test_fraction = 0.25;
    const char *path = WRITE_ZIP(
        "a.npz", MEMBER("x_train.npy", images_of(0, 20)), MEMBER("y_train.npy", labels_of(0, 20)),
        MEMBER("x_val.npy", images_of(20, 8)), MEMBER("y_val.npy", labels_of(20, 8)));
    mb_dataset *data = opens(path, both, &options);
    assert_int_equal(data->train.images.count, 23);
    assert_int_equal(data->test.images.count, 5);
    assert_int_equal(data->validation, 8);
    const mb_split validation = {mb_images_slice(&data->train.images, 15, 8),
                                 data->train.labels + 15};
    has_images(&validation, 20, 8);
    bool seen[20] = {false};
    for (size_t i = 0; i < 20; i++) {
        const mb_split *split = i < 15 ? &data->train : &data->test;
        const size_t at = i < 15 ? i : i - 15, number = split->images.pixels[at * PIXELS] - 10u;
        assert_true(number < 20 && !seen[number]);
        seen[number] = true;
        assert_memory_equal(split->images.pixels + at * PIXELS, pixels[number], PIXELS);
        assert_int_equal(split->labels[at], labels[number]);
    }
    mb_dataset_close(data);
}

/* Without the name of a split, all are divided. */
TEST(images_and_labels)
{
    put("images.npy", images_of(0, 20));
    put("labels.npy", labels_of(0, 20));
    mb_dataset *data = opens(mb_test_folder(), both, NULL);
    assert_int_equal(data->train.images.count, 17);
    assert_int_equal(data->test.images.count, 3);
    mb_dataset_close(data);
}

/* ---- shapes ---- */

TEST(shapes_of_images)
{
    static const struct {
        const char *shape; /* of 180 elements */
        size_t channels, rows, columns;
        const char *size, *why;
    } cases[] = {{"(12, 3, 5)", 1, 3, 5, NULL, NULL},
                 {"(12, 3, 5, 1)", 1, 3, 5, NULL, NULL},
                 {"(12, 1, 3, 5)", 1, 3, 5, NULL, NULL},
                 {"(12, 5, 1, 3)", 3, 5, 1, NULL, NULL},
                 {"(12, 3, 5, 1)", 1, 3, 5, NULL, NULL},
                 {"(5, 4, 9)", 1, 4, 9, NULL, NULL},
                 {"(5, 36)", 1, 6, 6, NULL, NULL},
                 {"(12, 15)", 1, 3, 5, "3x5", NULL},
                 {"(12, 15)", 0, 0, 0, NULL, "shape (12, 15): images are (N, rows, columns)"},
                 {"(180,)", 0, 0, 0, NULL, "shape (180,): images are"},
                 {"(5, 4, 3, 3, 1)", 0, 0, 0, NULL, "shape (5, 4, 3, 3, 1): images are"},
                 {"(5, 2, 9, 2)", 0, 0, 0, NULL, "shape (5, 2, 9, 2): images are"}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_data_options options = mb_data_defaults();
        if (cases[i].size != NULL)
            options.size = (mb_shape){0, cases[i].rows, cases[i].columns};
        const size_t items = strtoul(cases[i].shape + 1, NULL, 10);
        const size_t count = items < MAX_IMAGES ? items : MAX_IMAGES;
        put("x_train.npy", mb_test_npy("|u1", cases[i].shape, pixels, 180));
        put("y_train.npy", labels_of(0, count));
        if (cases[i].why != NULL) {
            is_refused(mb_test_folder(), &options, cases[i].why);
            continue;
        }
        options.test_fraction = 0.3;
        options.color = cases[i].channels == 3;
        mb_dataset *data = opens(mb_test_folder(), both, &options);
        assert_int_equal(data->train.images.channels, cases[i].channels);
        assert_int_equal(data->train.images.rows, cases[i].rows);
        assert_int_equal(data->train.images.columns, cases[i].columns);
        mb_dataset_close(data);
    }
}

/* (N, rows, columns, 3) and (N, 3, rows, columns) become planes. */
TEST(colors_become_planes)
{
    uint8_t last[12 * PIXELS * 3], first[12 * PIXELS * 3];
    for (size_t i = 0; i < 12; i++)
        for (size_t p = 0; p < PIXELS; p++)
            for (size_t c = 0; c < 3; c++)
                last[(i * PIXELS + p) * 3 + c] = first[(i * 3 + c) * PIXELS + p] =
                    (uint8_t)(i * 61 + p * 7 + c * 90);
    for (int is_first = 0; is_first < 2; is_first++) {
        put("x_test.npy", is_first ? mb_test_npy("|u1", "(12, 3, 3, 5)", first, sizeof first)
                                   : mb_test_npy("|u1", "(12, 3, 5, 3)", last, sizeof last));
        put("y_test.npy", labels_of(0, 12));
        mb_dataset *data = opens(mb_test_folder(), MB_SPLIT_TEST, NULL);
        assert_int_equal(data->test.images.channels, 3);
        /* (12, 3, 3, 5) has 3 after N, and (12, 3, 5, 3) has it last. */
        assert_memory_equal(data->test.images.pixels, first, sizeof first);
        mb_dataset_close(data);
    }
}

TEST(forms_of_labels)
{
    static const int64_t with_gaps[12] = {5, 2, 9, 5, 2, 9, 5, 2, 9, 5, 2, 9};
    static const float whole[12] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
    uint8_t hot[12][3] = {{0}}, fortran[3][12] = {{0}};
    for (size_t i = 0; i < 12; i++)
        hot[i][i % 3] = fortran[i % 3][i] = 1;
    static const char header[] = "{'descr': '|u1', 'fortran_order': True, 'shape': (12, 3)}";
    const mb_bytes good[] = {mb_test_npy("<i8", "(12,)", with_gaps, sizeof with_gaps),
                             mb_test_npy("<f4", "(12, 1)", whole, sizeof whole),
                             mb_test_npy("|u1", "(12, 3)", hot, sizeof hot),
                             mb_test_npy_of(header, fortran, sizeof fortran)};
    put("x_train.npy", images_of(0, 12));
    put("x_test.npy", images_of(0, 12));
    put("y_test.npy", mb_test_npy("|u1", "(12,)", labels, 12));
    for (size_t i = 0; i < TEST_COUNT(good); i++) {
        mb_dataset *data = NULL;
        put("y_train.npy", good[i]);
        data = opens(mb_test_folder(), MB_SPLIT_TRAIN, NULL);
        assert_int_equal(data->classes, 3);
        for (size_t k = 0; k < 12; k++)
            assert_int_equal(data->train.labels[k], i > 0 || k % 3 == 2 ? k % 3 : 1 - k % 3);
        if (i == 0)
            assert_string_equal(data->class_names[2], "9");
        mb_dataset_close(data);
    }
    hot[7][0] = hot[7][1] = 1;
    put("y_train.npy", mb_test_npy("|u1", "(12, 3)", hot, sizeof hot));
    is_refused(mb_test_folder(), NULL, "y_train.npy: row 7: labels of 3 columns must be one-hot");
    memset(hot[7], 0, 3);
    put("y_train.npy", mb_test_npy("|u1", "(12, 3)", hot, sizeof hot));
    is_refused(mb_test_folder(), NULL, "y_train.npy: row 7: all 3 columns are 0");
    put("y_train.npy", labels_of(0, 11));
    is_refused(mb_test_folder(), NULL, "y_train.npy: 11 labels, but ");
    put("y_train.npy", mb_test_npy("|u1", "(1, 12)", labels, 12));
    is_refused(mb_test_folder(), NULL, "y_train.npy: 1 labels, but ");
    put("y_train.npy", mb_test_npy("|u1", "(12, 1, 1)", labels, 12));
    is_refused(mb_test_folder(), NULL, "y_train.npy: shape (12, 1, 1): labels are");
    put("y_train.npy", mb_test_npy("|O", "(12,)", labels, 12));
    is_refused(mb_test_folder(), NULL, "y_train.npy: holds Python objects");
}

/* ---- what is missing ---- */

TEST(missing_arrays)
{
    need_npz();
    is_refused(WRITE_ZIP("a.npz", MEMBER("x_train.npy", images_of(0, 9)),
                         MEMBER("extra.npy", labels_of(0, 9))),
               NULL,
               "a.npz: no array of training labels (y_train or train_labels); its arrays: x_train, "
               "extra");
    is_refused(WRITE_ZIP("a.npz", MEMBER("arr_0.npy", images_of(0, 9)),
                         MEMBER("arr_1.npy", labels_of(0, 9))),
               NULL, "a.npz: no array of training images (x_train or train_images)");
    is_refused(WRITE_ZIP("a.npz", MEMBER("notes.txt", mb_test_text("x"))), NULL,
               "no array of training images (x_train or train_images); its arrays: none");
    is_refused(WRITE_ZIP("a.npz", MEMBER("x_train.npy", images_of(0, 9)),
                         MEMBER("train_images.npy", images_of(0, 9))),
               NULL, "a.npz: two arrays of training images: ");
    is_refused(WRITE_ZIP("a.npz", MEMBER("x_train.npy", images_of(0, 9)),
                         MEMBER("y_train.npy", labels_of(0, 9)),
                         MEMBER("x_val.npy", images_of(0, 9))),
               NULL, "a.npz: no array of validation labels");
    is_refused(WRITE_ZIP("a.npz", MEMBER("x_train.npy", images_of(0, 9)),
                         MEMBER("y_train.npy", labels_of(0, 9)),
                         MEMBER("x_val.npy", mb_test_npy("|u1", "(9, 5, 3)", pixels, 9 * PIXELS)),
                         MEMBER("y_val.npy", labels_of(0, 9))),
               NULL, "a.npz: x_val: images of 1x5x3, but those of ");
    char *path = mb_test_write(mb_test_folder(), "x_train.npy", (mb_bytes){NULL, 0});
    is_refused(path, NULL, "x_train.npy: one array: give the folder");
    free(path);
}
