/* CIFAR's binary files as data. */
#include "core/rng.h"
#include "support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const unsigned both = MB_SPLIT_TRAIN | MB_SPLIT_TEST;
enum { PIXELS = 3072, CLASSES = 10, MAX_RECORD = 2 + PIXELS };

static const char *const files10[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                      "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
static const char *const files100[] = {"train.bin", "test.bin"};

/* `count` records whose labels are first, first + 1, ..., and whose pixel p is label + p / 1024. */
static mb_bytes records(size_t count, size_t first, size_t labels)
{
    const mb_bytes bytes = {calloc(count, MAX_RECORD), count * (labels + PIXELS)};
    assert_non_null(bytes.data);
    for (size_t i = 0; i < count; i++) {
        uint8_t *record = bytes.data + i * (labels + PIXELS);
        record[labels - 1] = (uint8_t)(first + i);
        for (size_t p = 0; p < PIXELS; p++)
            record[labels + p] = (uint8_t)(first + i + p / 1024);
    }
    return bytes;
}

static const char *make_cifar10(const char *name)
{
    char *folder = mb_test_subfolder(mb_test_folder(), name);
    mb_test_defer(free, folder);
    for (size_t i = 0; i < TEST_COUNT(files10); i++)
        mb_test_put(folder, files10[i], records(CLASSES, 0, 1));
    return folder;
}

static mb_status try_open(const char *path, mb_dataset **dataset, mb_error *error)
{
    *dataset = NULL;
    const mb_status status = mb_dataset_open(path, both, NULL, dataset, error);
    if (*dataset != NULL)
        mb_test_defer((void (*)(void *))mb_dataset_close, *dataset);
    return status;
}

static mb_dataset *check_opens(const char *path)
{
    mb_dataset *dataset;
    mb_error error = {MB_OK, ""};
    if (try_open(path, &dataset, &error) != MB_OK)
        fail_msg("%s", error.text);
    return dataset;
}

static void check_fails(const char *path, mb_status status, const char *text)
{
    char whole[512];
    mb_dataset *dataset;
    mb_error error = {MB_OK, ""};
    snprintf(whole, sizeof whole, "%s%s", path, text);
    assert_int_equal(try_open(path, &dataset, &error), status);
    mb_test_check_error(&error, status, whole);
}

/* The images of all batches, red, green and blue; built-in names, and those of the file. */
TEST(cifar10)
{
    const char *folder = make_cifar10("cifar-10-batches-bin");
    for (int i = 0; i < 2; i++) {
        const mb_dataset *dataset = check_opens(i == 0 ? folder : mb_test_folder());
        assert_int_equal(dataset->classes, 10);
        assert_string_equal(dataset->class_names[9], "truck");
        assert_int_equal(dataset->train.images.count, 50);
        assert_int_equal(dataset->test.images.count, 10);
        assert_int_equal(dataset->train.images.channels, 3);
        assert_int_equal(dataset->train.images.rows, 32);
        assert_int_equal(dataset->train.images.columns, 32);
        for (size_t image = 0; image < 50; image++) {
            assert_int_equal(dataset->train.labels[image], image % 10);
            for (size_t p = 0; p < PIXELS; p++)
                assert_int_equal(dataset->train.images.pixels[image * PIXELS + p],
                                 image % 10 + p / 1024);
        }
    }
    mb_test_put(folder, "batches.meta.txt", mb_test_text("a\nb\nc\nd\ne\nf\ng\nh\r\ni\nlorry\n\n"));
    assert_string_equal(check_opens(folder)->class_names[9], "lorry");
    assert_string_equal(check_opens(folder)->class_names[7], "h");
    mb_test_put(folder, "batches.meta.txt", mb_test_text("a\nb\n\n"));
    check_fails(folder, MB_ERROR_FORMAT, "/data_batch_1.bin: label 2 at image 2: must be below 2");
}

/* The fine label is the class. */
TEST(cifar100)
{
    for (size_t i = 0; i < TEST_COUNT(files100); i++)
        mb_test_put(mb_test_folder(), files100[i], records(100, 0, 2));
    const mb_dataset *dataset = check_opens(mb_test_folder());
    assert_int_equal(dataset->classes, 100);
    assert_string_equal(dataset->class_names[0], "apple");
    assert_string_equal(dataset->class_names[51], "mushroom");
    assert_string_equal(dataset->class_names[99], "worm");
    assert_int_equal(dataset->train.labels[51], 51);
    assert_int_equal(dataset->train.images.pixels[51 * PIXELS], 51);
    mb_bytes coarse = records(100, 0, 2);
    coarse.data[5 * MAX_RECORD] = 20;
    mb_test_put(mb_test_folder(), "train.bin", coarse);
    check_fails(mb_test_folder(), MB_ERROR_FORMAT,
                "/train.bin: label 20 at image 5: must be below 20");
}

TEST(bad_files)
{
    const char *folder = make_cifar10("c");
    char *batch = mb_path_join(folder, files10[2]);
    mb_test_defer(free, batch);
    assert_int_equal(unlink(batch), 0);
    check_fails(folder, MB_ERROR_IO, ": missing data_batch_3.bin");
    mb_test_put(folder, files10[2], mb_test_text(""));
    check_fails(folder, MB_ERROR_FORMAT, "/data_batch_3.bin: truncated or no CIFAR file: 0 bytes");
    mb_bytes wrong = records(3, 8, 1);
    mb_test_put(folder, files10[2], wrong);
    check_fails(folder, MB_ERROR_FORMAT,
                "/data_batch_3.bin: label 10 at image 2: must be below 10");
    char *python = mb_test_subfolder(mb_test_folder(), "python");
    mb_test_defer(free, python);
    mb_test_put(python, "data_batch_1", mb_test_text("\x80\x02}q"));
    mb_test_put(python, "batches.meta", mb_test_text("\x80\x02}q"));
    check_fails(python, MB_ERROR_FORMAT, ": CIFAR-10 for Python: the binary version is read");
}

TEST(both_kinds_in_a_folder)
{
    make_cifar10("cifar-10-batches-bin");
    char *other = mb_test_subfolder(mb_test_folder(), "cifar-100-binary");
    mb_test_defer(free, other);
    mb_test_put(other, "train.bin", records(100, 0, 2));
    check_fails(mb_test_folder(), MB_ERROR_FORMAT, ": holds both cifar-10-batches-bin and");
}

/* Cut at 200 places a file is refused; with 200 bytes changed, its labels are those of classes. */
TEST(damaged_files)
{
    const char *folder = make_cifar10("c");
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    for (size_t i = 0; i < 400; i++) {
        mb_dataset *dataset = NULL;
        mb_bytes bytes = records(CLASSES, 0, 1);
        const size_t at = mb_rng_below(&rng, (uint32_t)bytes.size);
        const bool whole = at % (1 + PIXELS) == 0 && at > 0;
        if (i >= 200)
            bytes.data[at] = (uint8_t)mb_rng_below(&rng, 256);
        else
            bytes.size = at;
        mb_test_put(folder, "data_batch_4.bin", bytes);
        const mb_status status = mb_dataset_open(folder, both, NULL, &dataset, NULL);
        assert_true(status == MB_ERROR_FORMAT || i >= 200 || whole);
        for (size_t n = 0; status == MB_OK && n < dataset->train.images.count; n++)
            assert_in_range(dataset->train.labels[n], 0, 9);
        mb_dataset_close(dataset);
    }
}
