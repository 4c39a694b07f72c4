#include "support.h"
#include "test.h"

#include <mnist_blas/dataset.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const unsigned both = MB_SPLIT_TRAIN | MB_SPLIT_TEST;
static const mb_test_dataset small = {
    .train = 60, .test = 20, .rows = 6, .columns = 5, .classes = 10, .seed = 1};

static void drop(const char *folder, const char *name)
{
    char *path = mb_path_join(folder, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* Opening the folder fails with FOLDER followed by `text`. */
static void check_fails(const char *folder, unsigned splits, mb_status status, const char *text)
{
    char whole[512];
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    snprintf(whole, sizeof whole, "%s%s", folder, text);
    assert_int_equal(mb_dataset_open(folder, splits, NULL, &dataset, &error), status);
    mb_test_check_error(&error, status, whole);
    assert_null(dataset);
}

static mb_dataset *check_opens(const char *folder, unsigned splits)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    const mb_status status = mb_dataset_open(folder, splits, NULL, &dataset, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, MB_OK);
    assert_string_equal(dataset->folder, folder);
    return dataset;
}

TEST(opens)
{
    for (int gzip = 0; gzip < 2; gzip++) {
        char *folder = mb_test_make_folder();
        mb_test_dataset variant = small;
        variant.gzip = gzip != 0;
        mb_test_write_dataset(folder, &variant);
        mb_dataset *dataset = check_opens(folder, both);
        assert_int_equal(dataset->train.images.rows, 6);
        assert_int_equal(dataset->train.images.columns, 5);
        assert_int_equal(dataset->classes, 10);
        assert_int_equal(dataset->train.images.count, 60);
        assert_int_equal(dataset->test.images.count, 20);
        size_t zeros = 0;
        for (size_t i = 0; i < 60; i++)
            assert_int_equal(dataset->train.labels[i], i % 10);
        for (size_t i = 0; i < 60 * 30; i++)
            zeros += dataset->train.images.pixels[i] == 0;
        assert_in_range(zeros, 60 * 30 * 7 / 10, 60 * 30 * 9 / 10);
        mb_dataset_close(dataset);
        mb_test_remove_folder(folder);
    }
    mb_dataset_close(NULL);
}

TEST(opens_one_split)
{
    char *folder = mb_test_make_folder();
    mb_test_write_dataset(folder, &small);
    mb_dataset *dataset = check_opens(folder, MB_SPLIT_TRAIN);
    assert_int_equal(dataset->train.images.count, 60);
    assert_int_equal(dataset->test.images.count, 0);
    assert_null(dataset->test.images.pixels);
    assert_int_equal(dataset->test.images.rows, dataset->train.images.rows);
    mb_dataset_close(dataset);
    dataset = check_opens(folder, MB_SPLIT_TEST);
    assert_int_equal(dataset->train.images.count, 0);
    assert_int_equal(dataset->test.images.count, 20);
    assert_int_equal(dataset->classes, 10);
    mb_dataset_close(dataset);
    drop(folder, "train-images-idx3-ubyte");
    drop(folder, "train-labels-idx1-ubyte");
    mb_dataset_close(check_opens(folder, MB_SPLIT_TEST));
    mb_test_remove_folder(folder);
}

TEST(prefers_plain)
{
    char *folder = mb_test_make_folder();
    mb_test_write_dataset(folder, &small);
    mb_test_put(folder, "train-images-idx3-ubyte.gz", mb_test_text("not looked at"));
    mb_dataset_close(check_opens(folder, both));
    mb_test_remove_folder(folder);
}

/* As browsers and unpackers name them. */
TEST(opens_under_other_names)
{
    char *folder = mb_test_make_folder(), *own, *dotted;
    mb_test_write_dataset(folder, &small);
    char *path = mb_path_join(folder, "train-images-idx3-ubyte");
    dotted = mb_path_join(folder, "train-images.idx3-ubyte");
    assert_int_equal(rename(path, dotted), 0);
    mb_dataset_close(check_opens(folder, both));
    free(mb_test_subfolder(folder, "train-images-idx3-ubyte"));
    mb_dataset_close(check_opens(folder, both));
    own = mb_path_join(path, "train-images-idx3-ubyte");
    assert_int_equal(rename(dotted, own), 0);
    mb_dataset_close(check_opens(folder, both));
    assert_int_equal(rename(own, dotted), 0);
    mb_test_put(folder, "train-images.idx3-ubyte.gz", mb_test_text("not looked at"));
    mb_dataset_close(check_opens(folder, both));
    free(own);
    free(dotted);
    free(path);
    mb_test_remove_folder(folder);
}

/* Images of 33 pixels by name: small letters are first pixels, capitals last ones. */
TEST(counts_images_in_both_splits)
{
    static const struct {
        const char *train, *test; /* the images by name */
        size_t shared;
    } cases[] = {{"abc", "de", 0},      {"abc", "ace", 2}, {"aab", "aabb", 4},
                 {"abcde", "abcde", 5}, {"a", "", 0},      {"abA", "aBC", 1}};
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        uint8_t pixels[2][5][33] = {0}, labels[5] = {0};
        const char *const names[] = {cases[c].train, cases[c].test};
        mb_dataset data = {0};
        mb_split *const splits[] = {&data.train, &data.test};
        size_t shared = 99;
        for (size_t s = 0; s < 2; s++) {
            for (size_t i = 0; names[s][i] != '\0'; i++)
                pixels[s][i][names[s][i] >= 'a' ? 0 : 32] = (uint8_t)names[s][i];
            *splits[s] = (mb_split){{pixels[s][0], strlen(names[s]), 1, 11, 3}, labels};
        }
        assert_int_equal(mb_dataset_count_shared(&data, &shared, NULL), MB_OK);
        assert_int_equal(shared, cases[c].shared);
    }
    assert_int_equal(mb_dataset_count_shared(NULL, NULL, NULL), MB_ERROR_INVALID);
}

TEST(bad_arguments)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_dataset_open(NULL, both, NULL, &dataset, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "path and dataset must not be NULL");
    assert_int_equal(mb_dataset_open("/tmp", both, NULL, NULL, NULL), MB_ERROR_INVALID);
    check_fails("/tmp", 0, MB_ERROR_INVALID, ": splits: must be 1, 2 or 3, got 0");
    check_fails("/tmp", 4, MB_ERROR_INVALID, ": splits: must be 1, 2 or 3, got 4");
}

TEST(folder_missing)
{
    char *folder = mb_test_make_folder();
    char *absent = mb_path_join(folder, "absent");
    check_fails(absent, both, MB_ERROR_IO, ": no such folder");
    mb_test_put(folder, "absent", mb_test_text("x"));
    check_fails(absent, both, MB_ERROR_IO, ": is not data of a known format: --format names them");
    free(absent);
    mb_test_remove_folder(folder);
}

/* One file of the small dataset is missing or wrong. */
TEST(broken_files)
{
    static const uint8_t zeros[60] = {0};
    uint8_t gap[60], high[20] = {[13] = 10};
    for (size_t i = 0; i < sizeof gap; i++)
        gap[i] = i == 17 ? 200 : (uint8_t)(i % 10);
    const struct {
        const char *name;
        size_t count, rows, columns; /* an IDX file of images; labels without rows; missing: 0 */
        const uint8_t *labels;
        size_t cut;       /* bytes cut off at its end */
        const char *text; /* after the folder; %s: the folder */
    } cases[] = {
        {"train-images-idx3-ubyte", .text = ": missing train-images-idx3-ubyte (or .gz)"},
        {"train-labels-idx1-ubyte", .text = ": missing train-labels-idx1-ubyte (or .gz)"},
        {"t10k-images-idx3-ubyte", .text = ": missing t10k-images-idx3-ubyte (or .gz)"},
        {"t10k-labels-idx1-ubyte", .text = ": missing t10k-labels-idx1-ubyte (or .gz)"},
        {"t10k-labels-idx1-ubyte", 20, 0, 0, zeros, 3,
         "/t10k-labels-idx1-ubyte: truncated: header promises 20 labels, 17 are there"},
        {"train-images-idx3-ubyte", 20, 0, 0, zeros, 0,
         "/train-images-idx3-ubyte: holds labels, not images: starts with 0x00000801"},
        {"train-labels-idx1-ubyte", 59, 0, 0, zeros, 0,
         "/train-labels-idx1-ubyte: 59 labels, but %s/train-images-idx3-ubyte has 60 images"},
        {"t10k-images-idx3-ubyte", 20, 5, 6, NULL, 0,
         "/t10k-images-idx3-ubyte: images of 5 x 6, but those of %s/train-images-idx3-ubyte are 6 "
         "x 5: give --size ROWSxCOLUMNS to resize them"},
        {"train-labels-idx1-ubyte", 60, 0, 0, zeros, 0,
         "/train-labels-idx1-ubyte: 1 class: all 60 labels are 0, at least 2 classes are needed"},
        {"train-labels-idx1-ubyte", 60, 0, 0, gap, 0,
         "/train-labels-idx1-ubyte: label 200 at item 17, but no label is 10: give --class-names "
         "FILE with 11 names if that is right"},
        {"t10k-labels-idx1-ubyte", 20, 0, 0, high, 0,
         "/t10k-labels-idx1-ubyte: label 10 at item 13: training has 10 classes, "
         "and no such label"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char *folder = mb_test_make_folder(), text[512];
        mb_test_write_dataset(folder, &small);
        if (cases[i].count == 0) {
            drop(folder, cases[i].name);
        } else {
            mb_bytes file = cases[i].rows > 0 ? mb_test_idx_images(cases[i].count, cases[i].rows,
                                                                   cases[i].columns, NULL)
                                              : mb_test_idx_labels(cases[i].count, cases[i].labels);
            file.size -= cases[i].cut;
            mb_test_put(folder, cases[i].name, file);
        }
        const char *place = strstr(cases[i].text, "%s");
        const int before = place != NULL ? (int)(place - cases[i].text) : (int)sizeof text - 1;
        snprintf(text, sizeof text, "%.*s%s%s", before, cases[i].text, place != NULL ? folder : "",
                 place != NULL ? place + 2 : "");
        check_fails(folder, both, cases[i].count == 0 ? MB_ERROR_IO : MB_ERROR_FORMAT, text);
        mb_test_remove_folder(folder);
    }
}

/* The size of training images is not checked if only the test split is read. */
TEST(one_split_of_another_size)
{
    char *folder = mb_test_make_folder();
    mb_test_write_dataset(folder, &small);
    mb_test_put(folder, "t10k-images-idx3-ubyte", mb_test_idx_images(20, 5, 6, NULL));
    mb_dataset_close(check_opens(folder, MB_SPLIT_TEST));
    mb_test_remove_folder(folder);
}

/* The extremes of the class count: 2, and all 256. */
TEST(class_counts)
{
    const size_t counts[] = {2, 256};
    for (size_t i = 0; i < 2; i++) {
        char *folder = mb_test_make_folder();
        mb_test_dataset variant = small;
        variant.train = 300;
        variant.classes = counts[i];
        mb_test_write_dataset(folder, &variant);
        mb_dataset *dataset = check_opens(folder, both);
        assert_int_equal(dataset->classes, counts[i]);
        mb_dataset_close(dataset);
        mb_test_remove_folder(folder);
    }
}

TEST(arrays_become_a_dataset)
{
    static const uint8_t pixels[4 * 6] = {7}, labels[] = {0, 2, 1, 0};
    const mb_split train = {{pixels, 3, 1, 2, 3}, labels}, test = {{pixels, 4, 1, 2, 3}, labels};
    mb_dataset *dataset = NULL, own = {.classes = 3, .train = train};
    assert_int_equal(mb_dataset_from_arrays(&train, &test, 0, &dataset, NULL), MB_OK);
    assert_int_equal(dataset->classes, 3);
    assert_null(dataset->folder);
    assert_ptr_equal(dataset->train.images.pixels, pixels);
    assert_int_equal(dataset->test.images.count, 4);
    mb_dataset_close(dataset);
    assert_int_equal(mb_dataset_from_arrays(&train, NULL, 5, &dataset, NULL), MB_OK);
    assert_int_equal(dataset->classes, 5);
    assert_int_equal(dataset->test.images.count, 0);
    assert_int_equal(dataset->test.images.columns, 3);
    mb_dataset_close(dataset);
    mb_dataset_close(&own); /* owned by the caller: nothing is freed */
}

/* By the values of pixels: `share` of 16 are `low` .. `low` + spread - 1, the others any. */
TEST(the_ground_is_that_of_most_of_the_border)
{
    static const struct {
        unsigned share, low, spread;
        mb_ground ground;
    } cases[] = {
        {16, 0, 1, MB_GROUND_DARK},    {16, 255, 1, MB_GROUND_LIGHT}, {12, 255, 1, MB_GROUND_LIGHT},
        {9, 195, 31, MB_GROUND_LIGHT}, {16, 160, 30, MB_GROUND_DARK}, {0, 0, 1, MB_GROUND_DARK},
        {5, 255, 1, MB_GROUND_DARK}, /* a third is white: a photograph */
    };
    enum { COUNT = 10000, ROWS = 5, COLUMNS = 7, PIXELS = ROWS * COLUMNS };
    uint8_t *pixels = malloc((size_t)COUNT * PIXELS);
    assert_non_null(pixels);
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        for (size_t i = 0; i < (size_t)COUNT * PIXELS; i++) {
            const unsigned random = (unsigned)(i * 2654435761u >> 7);
            pixels[i] = (uint8_t)((random >> 8) % 16 < cases[c].share
                                      ? cases[c].low + random % cases[c].spread
                                      : random);
            const size_t row = i % PIXELS / COLUMNS, column = i % COLUMNS;
            if (row > 0 && row + 1 < ROWS && column > 0 && column + 1 < COLUMNS)
                pixels[i] = cases[c].ground == MB_GROUND_LIGHT ? 0 : 255; /* not the border */
        }
        const mb_images images = {pixels, COUNT, 1, ROWS, COLUMNS};
        if (mb_images_measure(&images).ground != cases[c].ground)
            fail_msg("case %zu is called %s", c, cases[c].ground ? "dark" : "light");
    }
    free(pixels);
}

static void check_inverted(const mb_images *images, const mb_images *others)
{
    assert_int_equal(images->count, others->count);
    for (size_t i = 0; i < images->count * mb_images_stride(images); i++)
        assert_int_equal(images->pixels[i], 255 - others->pixels[i]);
}

/* Light images from files are inverted; those of arrays if that is asked for, in a copy. */
TEST(light_images_are_inverted)
{
    char *folder = mb_test_make_folder();
    mb_dataset *dark = mb_test_dataset_open(&small), *light = NULL, *read = NULL;
    const mb_image_form inverted = {.ground = MB_GROUND_LIGHT};
    assert_int_equal(dark->form.ground, MB_GROUND_DARK);
    assert_int_equal(mb_dataset_from_arrays(&dark->train, &dark->test, 0, &light, NULL), MB_OK);
    assert_int_equal(mb_dataset_set_form(light, inverted, NULL), MB_OK);
    assert_int_equal(light->form.ground, MB_GROUND_LIGHT);
    check_inverted(&light->train.images, &dark->train.images);
    check_inverted(&light->test.images, &dark->test.images);

    mb_test_write_dataset(folder, &small);
    mb_test_put(folder, "train-images-idx3-ubyte",
                mb_test_idx_images(60, 6, 5, light->train.images.pixels));
    mb_test_put(folder, "t10k-images-idx3-ubyte",
                mb_test_idx_images(20, 6, 5, light->test.images.pixels));
    read = check_opens(folder, both);
    assert_int_equal(read->form.ground, MB_GROUND_LIGHT);
    check_inverted(&read->train.images, &light->train.images);
    check_inverted(&read->test.images, &light->test.images);
    mb_dataset_close(read);
    read = check_opens(folder, MB_SPLIT_TEST); /* nothing is measured */
    assert_int_equal(read->form.ground, MB_GROUND_DARK);
    assert_int_equal(mb_dataset_set_form(read, inverted, NULL), MB_OK);
    check_inverted(&read->test.images, &light->test.images);
    mb_dataset_close(read);

    assert_int_equal(mb_dataset_set_form(light, (mb_image_form){0}, NULL), MB_OK);
    assert_memory_equal(light->train.images.pixels, dark->train.images.pixels, 60 * 30);
    mb_dataset_close(light);
    mb_dataset own = {.train = dark->train};
    assert_int_equal(mb_dataset_set_form(&own, inverted, NULL), MB_ERROR_INVALID);
    mb_dataset_close(dark);
    mb_test_remove_folder(folder);
}

TEST(arrays_that_make_no_dataset_are_refused)
{
    static const uint8_t pixels[4 * 6], labels[] = {0, 2, 1, 0};
    const mb_split good = {{pixels, 3, 1, 2, 3}, labels};
    static const struct {
        mb_images images;
        size_t classes;
        const char *why;
    } cases[] = {
        {{pixels, 0, 1, 2, 3}, 0, "the test split has no images"},
        {{NULL, 3, 1, 2, 3}, 0, "the test split has no images"},
        {{pixels, 1, 2, 2, 1}, 0, "test images of 2x2x1: must have 1 or 3 channels"},
        {{pixels, 1, 3, 2, 1}, 0, "test images of 3x2x1, but training images are 1x2x3"},
        {{pixels, 3, 1, 0, 3}, 0, "test images of 1x0x3: must have"},
        {{pixels, 3, 1, 3, 2}, 0, "test images of 1x3x2, but training images are 1x2x3"},
        {{pixels, 3, 1, 2, 3}, 2, "training label 2 at item 1: must be below 2, the classes"},
        {{pixels, 3, 1, 2, 3}, 1, "1 classes: must be 2 to 256"},
        {{pixels, 3, 1, 2, 3}, 257, "257 classes: must be 2 to 256"},
    };
    mb_dataset *dataset = NULL;
    mb_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mb_split test = {cases[i].images, labels};
        assert_int_equal(mb_dataset_from_arrays(&good, &test, cases[i].classes, &dataset, &error),
                         MB_ERROR_INVALID);
        mb_test_check_error(&error, MB_ERROR_INVALID, cases[i].why);
    }
    assert_int_equal(mb_dataset_from_arrays(NULL, &good, 0, &dataset, &error), MB_ERROR_INVALID);
    assert_null(dataset);
}

TEST(real_mnist)
{
    mb_dataset *dataset = check_opens(mb_test_real_mnist(), both);
    assert_int_equal(dataset->train.images.rows, 28);
    assert_int_equal(dataset->train.images.columns, 28);
    assert_int_equal(dataset->classes, 10);
    assert_int_equal(dataset->train.images.count, 60000);
    assert_int_equal(dataset->test.images.count, 10000);
    assert_int_equal(dataset->train.labels[0], 5);
    size_t sum = 0; /* the training mean 0.1307, known from tutorials */
    for (size_t i = 0; i < (size_t)60000 * 28 * 28; i++)
        sum += dataset->train.images.pixels[i];
    assert_int_equal((size_t)((double)sum / 255 / 60000 / 784 * 1e4), 1306);
    mb_dataset_close(dataset);
}
