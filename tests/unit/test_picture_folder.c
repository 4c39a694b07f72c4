/* Folders of pictures as data. */
#include "png.h"
#include "sources/picture_list.h"
#include "test.h"

#include <mnist_blas/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned both = MB_SPLIT_TRAIN | MB_SPLIT_TEST;

static char *path_of(const char *name)
{
    char *path = mb_path_join(mb_test_folder(), name);
    assert_non_null(path);
    mb_test_defer(free, path);
    return path;
}

/* Writes a file, and the folders that it is in. */
static void put(const char *name, mb_bytes bytes)
{
    char *path = path_of(name);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    assert_int_equal(fclose(file), 0);
    free(bytes.data);
}

/* A gray picture of 1 x 2 pixels. */
static void put_gray(const char *name, uint8_t value)
{
    const uint8_t pixels[] = {value, (uint8_t)(value + 1)};
    put(name, mb_test_png_row(MB_PNG_GRAY, 2, pixels, 2));
}

static void put_color(const char *name, const uint8_t *pixels)
{
    put(name, mb_test_png_row(MB_PNG_RGB, 2, pixels, 6));
}

static mb_dataset *open_with(const char *name, unsigned splits, const mb_data_options *options)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    if (mb_dataset_open(path_of(name), splits, options, &dataset, &error) != MB_OK)
        fail_msg("%s", error.text);
    mb_test_defer((void (*)(void *))mb_dataset_close, dataset);
    return dataset;
}

/* Opening fails with the path of `at` in the folder, followed by `text`. */
static void check_fails(const char *name, const mb_data_options *options, mb_status status,
                        const char *at, const char *text)
{
    char whole[512];
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    snprintf(whole, sizeof whole, "%s/%s%s", mb_test_folder(), at, text);
    assert_int_equal(mb_dataset_open(path_of(name), both, options, &dataset, &error), status);
    mb_test_check_error(&error, status, whole);
}

/* The first pixels of the images are `values`, the labels are `labels`, both by digits. */
static void check_split(const mb_split *split, const char *values, const char *labels)
{
    assert_int_equal(split->images.count, strlen(values));
    for (size_t i = 0; i < split->images.count; i++) {
        assert_int_equal(split->images.pixels[i * mb_images_stride(&split->images)],
                         values[i] - '0');
        assert_int_equal(split->labels[i], labels[i] - '0');
    }
}

TEST(numbers_in_names_are_compared_by_value)
{
    static const char *const names[] = {"",
                                        "0",
                                        "00",
                                        "2",
                                        "010",
                                        "10",
                                        "10b2",
                                        "10b10",
                                        "a",
                                        "a1",
                                        "a01.png",
                                        "a1.png",
                                        "a2",
                                        "a2.jpg",
                                        "a10.jpg",
                                        "a9999999999999999999999",
                                        "a10000000000000000000000",
                                        "b"};
    for (size_t i = 0; i < TEST_COUNT(names); i++)
        for (size_t j = 0; j < TEST_COUNT(names); j++) {
            const int order = mb_compare_names(names[i], names[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

/* Images are in the order of their names, over all classes, which are numbers. */
TEST(train_and_test)
{
    put_gray("d/train/10/1.png", 1);
    put_gray("d/train/2/10.png", 4);
    put_gray("d/train/2/2.png", 2);
    put_gray("d/train/10/2.png", 3);
    put_gray("d/test/10/b/7.png", 6);
    put_gray("d/test/2/a7.png", 5);
    mb_dataset *dataset = open_with("d", both, NULL);
    assert_int_equal(dataset->classes, 2);
    assert_string_equal(dataset->class_names[0], "2");
    assert_string_equal(dataset->class_names[1], "10");
    assert_int_equal(dataset->train.images.channels, 1);
    assert_int_equal(dataset->train.images.rows, 1);
    assert_int_equal(dataset->train.images.columns, 2);
    check_split(&dataset->train, "1234", "1010");
    check_split(&dataset->test, "56", "01");
    assert_int_equal(dataset->validation, 0);
    check_split(&open_with("d", MB_SPLIT_TEST, NULL)->test, "56", "01");
    check_split(&open_with("d", MB_SPLIT_TRAIN, NULL)->train, "1234", "1010");
    check_split(&open_with("d/", MB_SPLIT_TRAIN, NULL)->train, "1234", "1010");
}

/* "1" and "0" are no names but numbers; with a "b" names are sorted by bytes. */
TEST(class_names)
{
    put_gray("d/train/1/1.png", 1);
    put_gray("d/train/0/1.png", 0);
    put_gray("d/test/1/1.png", 2);
    assert_null(open_with("d", both, NULL)->class_names);
    put_gray("d/train/b/1.png", 3);
    put_gray("d/train/10/1.png", 4);
    put_gray("d/train/2/1.png", 4);
    const mb_dataset *dataset = open_with("d", both, NULL);
    assert_string_equal(dataset->class_names[2], "10");
    assert_string_equal(dataset->class_names[3], "2");
    assert_string_equal(dataset->class_names[4], "b");
    put_gray("d/test/\xff/1.png", 3);
    check_fails("d", NULL, MB_ERROR_FORMAT, "d: class", "");
}

/* A folder val is the validation split if there is a test folder, else the test split. */
TEST(validation)
{
    put_gray("d/train/a/1.png", 1);
    put_gray("d/train/b/1.png", 2);
    put_gray("d/Valid/a/1.png", 3);
    put_gray("d/Valid/b/0.png", 4);
    mb_dataset *dataset = open_with("d", both, NULL);
    check_split(&dataset->train, "12", "01");
    check_split(&dataset->test, "43", "10");
    assert_int_equal(dataset->validation, 0);
    put_gray("d/test/b/0.png", 5);
    dataset = open_with("d", both, NULL);
    check_split(&dataset->train, "1243", "0110");
    check_split(&dataset->test, "5", "1");
    assert_int_equal(dataset->validation, 2);
    put_gray("d/val/a/1.png", 3);
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_dataset_open(path_of("d"), both, NULL, &dataset, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, "is the same part as");
}

/* Without a test folder, by the fraction; one folder deeper, as archives have it. */
TEST(one_part)
{
    mb_data_options options = mb_data_defaults();
    options.test_fraction = 0.25;
    for (char name[] = "o/flowers/a/0.png"; name[12] < '8'; name[12]++) {
        name[10] = 'a';
        put_gray(name, (uint8_t)(name[12] - '0'));
        name[10] = 'b';
        put_gray(name, (uint8_t)(name[12] - '0'));
    }
    put_gray("o/train/a/1.png", 1);
    for (int i = 0; i < 2; i++) {
        const mb_dataset *dataset = open_with(i == 0 ? "o/flowers" : "o", both, &options);
        assert_int_equal(dataset->train.images.count, 12);
        assert_int_equal(dataset->test.images.count, 4);
        assert_int_equal(dataset->test.labels[0] + dataset->test.labels[1] +
                             dataset->test.labels[2] + dataset->test.labels[3],
                         2);
        if (i == 0) { /* now the only folder */
            assert_int_equal(unlink(path_of("o/train/a/1.png")), 0);
            assert_int_equal(rmdir(path_of("o/train/a")), 0);
            assert_int_equal(rmdir(path_of("o/train")), 0);
        }
    }
    put_gray("t/train/a/1.png", 1);
    put_gray("t/train/a/2.png", 2);
    put_gray("t/train/b/1.png", 1);
    put_gray("t/train/b/2.png", 2);
    options.test_fraction = 0.5;
    assert_int_equal(open_with("t", both, &options)->test.images.count, 2);
}

/* Files that are no pictures by name, and those that a picture's content makes one. */
TEST(names_of_files)
{
    static const char *const ignored[] = {"d/train/a/.DS_Store",  "d/train/a/Thumbs.db",
                                          "d/train/b/labels.csv", "d/train/b/.x/1.png",
                                          "d/train/README.md",    "d/train/unlabelled.png"};
    put_gray("d/train/a/1", 1);
    put_gray("d/train/b/2.txt.jpg", 2);
    put_gray("d/test/b/3.png", 3);
    for (size_t i = 0; i < TEST_COUNT(ignored); i++)
        put(ignored[i], mb_test_text("no picture"));
    check_split(&open_with("d", both, NULL)->train, "12", "01");
    put("d/train/a/notes.doc", mb_test_text("no picture"));
    check_fails("d", NULL, MB_ERROR_FORMAT, "d/train/a/notes.doc: is not PNG",
                ", JPEG, TIFF, BMP, WebP, PNM, IDX or CSV: it is a text: --skip-bad leaves it out");
}

static void put_all_colors(void)
{
    put_color("d/train/a/1.png", (const uint8_t[]){1, 10, 20, 2, 11, 21});
    put_color("d/train/b/2.png", (const uint8_t[]){3, 12, 22, 4, 13, 23});
    put_gray("d/test/a/1.png", 5);
}

TEST(channels)
{
    static const uint8_t planar[] = {1, 2, 10, 11, 20, 21, 3, 4, 12, 13, 22, 23};
    mb_data_options options = mb_data_defaults();
    put_all_colors();
    const mb_dataset *dataset = open_with("d", both, NULL);
    assert_int_equal(dataset->train.images.channels, 3);
    assert_memory_equal(dataset->train.images.pixels, planar, sizeof planar);
    assert_int_equal(dataset->test.images.channels, 3);
    assert_memory_equal(dataset->test.images.pixels, ((uint8_t[]){5, 6, 5, 6, 5, 6}), 6);
    options.gray = true;
    dataset = open_with("d", both, &options);
    assert_int_equal(dataset->train.images.channels, 1);
    assert_int_equal(dataset->train.images.pixels[0], 9); /* 0.3, 0.5, 0.2 */
    options.gray = false;
    options.color = true;
    for (char name[] = "g/a/1.png"; name[2] <= 'b'; name[2]++) {
        name[4] = '1';
        put_gray(name, 1);
        name[4] = '2';
        put_gray(name, 2);
    }
    options.test_fraction = 0.5;
    assert_int_equal(open_with("g", both, &options)->train.images.channels, 3);
}

TEST(sizes)
{
    mb_data_options options = mb_data_defaults();
    put_all_colors();
    put("d/train/b/10.png", mb_test_png_row(MB_PNG_GRAY, 3, (const uint8_t *)"abc", 3));
    put("d/train/a/9.png", mb_test_png_row(MB_PNG_GRAY, 4, (const uint8_t *)"abcd", 4));
    check_fails("d", NULL, MB_ERROR_FORMAT, "d/train/a/9.png: 1x4 pixels, but ", "");
    check_fails("d", NULL, MB_ERROR_FORMAT, "d/train/a/1.png has 1x2: give --size ROWSxCOLUMNS",
                "");
    options.size = (mb_shape){1, 3, 5};
    mb_dataset *dataset = open_with("d", both, &options);
    assert_int_equal(dataset->train.images.count, 4);
    assert_int_equal(dataset->train.images.rows, 3);
    assert_int_equal(dataset->train.images.columns, 5);
    options.transpose = true;
    dataset = open_with("d", both, &options);
    assert_int_equal(dataset->train.images.rows, 3);
    assert_int_equal(dataset->train.images.columns, 5);
    options.size = (mb_shape){1, 200, 200};
    check_fails("d", &options, MB_ERROR_FORMAT,
                "d/train: too large: 4 pictures of 3x200x200: one "
                "must have at most 65536 values: give a smaller --size, or --gray",
                "");
}

/* All threads read the same images as one does. */
TEST(threads)
{
    const mb_machine_options wanted = {.threads = 3, .pin = "none"};
    mb_data_options options = mb_data_defaults();
    mb_machine *machine = NULL;
    for (size_t i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof name, "d/%zu/%zu.png", i % 7, i);
        put_color(name, (const uint8_t[]){(uint8_t)i, 1, 2, 3, 4, (uint8_t)(i / 2)});
    }
    assert_int_equal(mb_machine_open(&wanted, &machine, NULL), MB_OK);
    mb_test_defer((void (*)(void *))mb_machine_close, machine);
    const mb_dataset *one = open_with("d", both, &options);
    options.machine = machine;
    const mb_dataset *all = open_with("d", both, &options);
    assert_int_equal(one->train.images.count, all->train.images.count);
    assert_memory_equal(one->train.images.pixels, all->train.images.pixels,
                        one->train.images.count * 6);
    assert_memory_equal(one->train.labels, all->train.labels, one->train.images.count);
}

TEST(unreadable_pictures)
{
    mb_data_options options = mb_data_defaults();
    put_gray("d/train/a/2.png", 2);
    put_gray("d/train/b/3.png", 3);
    put_gray("d/val/b/4.png", 4);
    put_gray("d/val/a/6.png", 6);
    put_gray("d/test/a/1.png", 1);
    put("d/train/a/1.png", mb_test_text("first"));
    assert_int_equal(mkfifo(path_of("d/train/b/30.png"), 0600), 0);
    assert_int_equal(symlink("nowhere", path_of("d/val/a/5.png")), 0);
    const mb_bytes idx = mb_test_idx_images(1, 1, 2, NULL);
    put("d/val/b/1.png", mb_test_gzip(idx));
    free(idx.data);
    check_fails(
        "d", &options, MB_ERROR_FORMAT,
        "d/train/a/1.png: is not PNG, JPEG, TIFF, BMP, "
        "WebP, PNM, IDX or CSV: it is a text; also b/30.png, b/1.png, ...: 4 of 8 pictures: "
        "--skip-bad leaves them out",
        "");
    options.skip_bad = true;
    const mb_dataset *dataset = open_with("d", both, &options);
    check_split(&dataset->train, "2346", "0110");
    assert_int_equal(dataset->validation, 2);
    assert_non_null(strstr(dataset->warning, "d/train: 4 pictures left out, the first is "));
    assert_non_null(strstr(dataset->warning, "d/train/a/1.png: is not PNG"));
    put("e/train/a/1.png", mb_test_text("first"));
    put("e/train/b/1.png", mb_test_text("second"));
    put_gray("e/test/a/1.png", 1);
    check_fails("e", &options, MB_ERROR_FORMAT, "e/train/a/1.png: is not PNG", "");
}

/* A folder that links to one above it, and pictures that are too large. */
TEST(hostile_folders)
{
    put_gray("d/a/1.png", 1);
    put_gray("d/b/1.png", 1);
    assert_int_equal(symlink("..", path_of("d/b/up")), 0);
    check_fails("d", NULL, MB_ERROR_IO, "d/b/up/b: is a link to a folder above it", "");
    assert_int_equal(unlink(path_of("d/b/up")), 0);
    mb_bytes png = mb_test_png_row(MB_PNG_GRAY, 2, (const uint8_t *)"ab", 2);
    memcpy(png.data + 16, "\0\1\x86\xa0\0\1\x86\xa0", 8);
    put("d/b/2.png", png);
    check_fails("d", NULL, MB_ERROR_FORMAT, "d/b/2.png: ", "");
    for (size_t i = 0; i < 260; i++) {
        char name[64];
        snprintf(name, sizeof name, "m/%zu/1.png", i);
        put_gray(name, 1);
    }
    check_fails("m", NULL, MB_ERROR_FORMAT, "m: more than 256 folders: each is a class", "");
}

TEST(missing_parts)
{
    mb_data_options options = mb_data_defaults();
    put_gray("d/test/a/1.png", 1);
    put_gray("d/test/b/1.png", 1);
    check_fails("d", NULL, MB_ERROR_IO, "d: missing the folder train", "");
    assert_int_equal(open_with("d", MB_SPLIT_TEST, NULL)->test.images.count, 2);
    put_gray("e/a/1.png", 1);
    check_fails("e", NULL, MB_ERROR_FORMAT, "e: 1 class", "");
    assert_int_equal(mkdir(path_of("e/b"), 0777), 0);
    put_gray("e/a/2.png", 1);
    put_gray("e/c/1.png", 1);
    put_gray("e/c/2.png", 1);
    options.test_fraction = 0.5;
    check_fails("e", &options, MB_ERROR_FORMAT, "e: class \"b\" has no training image", "");
    for (options.format = 0;
         strcmp(mb_data_format_names.values[options.format].name, "folder") != 0;)
        options.format++;
    assert_int_equal(mkdir(path_of("f"), 0777), 0);
    check_fails("f", &options, MB_ERROR_FORMAT, "f: has no pictures", "");
    check_fails("f/g", &options, MB_ERROR_IO, "f/g: no such folder", "");
}
