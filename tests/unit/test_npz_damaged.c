/* NPZ and NPY files that are not what they should be: each is refused with one line, without much
 * memory and time. */
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
enum { COUNT = 24, PIXELS = 16 };

static uint8_t pixels[COUNT * PIXELS], labels[COUNT];

static int make_images(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT * PIXELS; i++)
        pixels[i] = (uint8_t)(i * 7 % 251);
    for (size_t i = 0; i < COUNT; i++)
        labels[i] = i % 3;
    return 0;
}

TEST_GROUP(make_images, NULL);

static void need_npz(void)
{
    if (!mb_has_feature(MB_FEATURE_NPZ))
        skip();
}

static char *put(const char *name, mb_bytes bytes)
{
    char *path = mb_test_write(mb_test_folder(), name, bytes);
    free(bytes.data);
    mb_test_defer(free, path);
    return path;
}

static void is_refused(const char *path, const char *why)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    const mb_status status = mb_dataset_open(path, both, NULL, &dataset, &error);
    assert_int_not_equal(status, MB_OK);
    mb_test_check_error(&error, status, why);
    assert_memory_equal(error.text, mb_test_folder(), strlen(mb_test_folder()));
    assert_null(dataset);
}

static mb_bytes image_array(void)
{
    return mb_test_npy("|u1", "(24, 4, 4)", pixels, sizeof pixels);
}
static mb_bytes label_array(void) { return mb_test_npy("|u1", "(24,)", labels, sizeof labels); }

/* An archive of training images, which `images` describes, and labels. */
static mb_bytes zip_with(mb_test_member images)
{
    images.name = images.name != NULL ? images.name : "x_train.npy";
    images.content = images.content.data != NULL ? images.content : image_array();
    const mb_test_member members[] = {images, {.name = "y_train.npy", .content = label_array()}};
    return mb_test_zip(members, 2);
}

TEST(members_that_are_not_read)
{
    need_npz();
    is_refused(put("a.npz", zip_with((mb_test_member){.flags = 1})),
               "a.npz: x_train: is encrypted");
    is_refused(put("a.npz", zip_with((mb_test_member){.method = 14})),
               "a.npz: x_train: packed by method 14: only 0 (stored) and 8 (deflate) are read");
    is_refused(put("a.npz", zip_with((mb_test_member){.wrong_crc = 1})),
               "a.npz: x_train: not a whole zip archive, or a damaged one: CRC error");
    is_refused(put("a.npz", zip_with((mb_test_member){.size = 3u << 30})),
               "a.npz: x_train: trailing garbage");
    is_refused(put("a.npz", zip_with((mb_test_member){.method = 8})), "a.npz: x_train: ");
    is_refused(put("a.npz", zip_with((mb_test_member){.content = mb_test_text("not an array")})),
               "a.npz: x_train: not an NPY array");
    is_refused(put("a.npz", zip_with((mb_test_member){
                                .content = mb_test_npy("|u1", "(1152921504606846976,)", "", 0)})),
               "a.npz: x_train: too large: shape (1152921504606846976,)");
    is_refused(put("a.npz", zip_with((mb_test_member){
                                .content = mb_test_npy("|u1", "(24, 70000, 1)", "", 0)})),
               "a.npz: x_train: truncated");
    is_refused(put("a.npz", zip_with((mb_test_member){.name = "../\x1b[31m.npy"})),
               "no array of training images");
}

TEST(files_that_are_no_archives)
{
    need_npz();
    is_refused(put("a.npz", mb_test_text("")), "a.npz: ");
    is_refused(put("a.npz", mb_test_text("PK")), "a.npz: not a whole zip archive");
    is_refused(put("a.npz", mb_test_text("<html>not found</html>")),
               "a.npz: not an NPZ archive: is a web page");
    is_refused(put("a.npz", mb_test_npy("|u1", "(1,)", "x", 1)),
               "a.npz: not an NPZ archive: is a NumPy array (NPY)");
    is_refused(put("a.npz", mb_test_zip(NULL, 0)), "a.npz: no array of training images");
}

TEST(files_that_are_no_arrays)
{
    put("x_train.npy", mb_test_text("version https://git-lfs.github.com/spec/v1"));
    is_refused(mb_test_folder(), "x_train.npy: not an NPY array: is a Git LFS pointer");
    put("x_train.npy", mb_test_text(""));
    is_refused(mb_test_folder(), "x_train.npy: not an NPY array: must start with");
    put("x_train.npy", image_array());
    put("y_train.npy", mb_test_text("{}"));
    is_refused(mb_test_folder(), "y_train.npy: not an NPY array: is a JSON file");
}

TEST(no_regular_files)
{
    char *pipe = mb_path_join(mb_test_folder(), "x_train.npy");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    put("y_train.npy", label_array());
    is_refused(mb_test_folder(), "x_train.npy: is not a regular file");
    free(pipe);
    free(mb_test_subfolder(mb_test_folder(), "a.npz"));
    if (mb_has_feature(MB_FEATURE_NPZ))
        is_refused(mb_test_folder(), "a.npz: is not a regular file");
}

/* Opens the folder, and checks the images that are read, if there is a checksum. */
static size_t open_changed(bool checked)
{
    mb_dataset *dataset = NULL;
    mb_error error = {MB_OK, ""};
    mb_data_options options = mb_data_defaults();
    options.test_fraction = 0.25;
    if (mb_dataset_open(mb_test_folder(), both, &options, &dataset, &error) != MB_OK) {
        mb_test_check_error(&error, error.status, mb_test_folder());
        return 0;
    }
    uint64_t sum = 0, wanted = 0;
    for (size_t i = 0; i < sizeof pixels; i++)
        wanted += pixels[i];
    for (size_t i = 0; i < dataset->train.images.count * PIXELS; i++)
        sum += dataset->train.images.pixels[i];
    for (size_t i = 0; i < dataset->test.images.count * PIXELS; i++)
        sum += dataset->test.images.pixels[i];
    assert_true(!checked || sum == wanted);
    mb_dataset_close(dataset);
    return 1;
}

/* A changed byte of an archive is noticed, unless nothing depends on it. */
TEST(any_byte_of_an_archive)
{
    need_npz();
    const mb_bytes whole = zip_with((mb_test_member){.name = NULL});
    size_t read = 0;
    for (size_t i = 0; i < whole.size; i += 2) {
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, i);
        const uint8_t byte = whole.data[i];
        whole.data[i] ^= (uint8_t)(1u << mb_rng_below(&rng, 8));
        free(mb_test_write(mb_test_folder(), "a.npz", whole));
        whole.data[i] = byte;
        read += open_changed(true);
    }
    assert_in_range(read, 1, 60); /* dates, versions, attributes, names that are not looked at */
    for (size_t size = 0; size < whole.size; size += 5) {
        free(mb_test_write(mb_test_folder(), "a.npz", (mb_bytes){whole.data, size}));
        assert_int_equal(open_changed(true), 0);
    }
    free(whole.data);
}

TEST(any_byte_of_an_array)
{
    const mb_bytes whole = image_array();
    put("y_train.npy", label_array());
    for (size_t i = 0; i < whole.size; i += 2) {
        mb_rng rng = mb_rng_at(2, MB_RNG_TESTS, 0, i);
        const uint8_t byte = whole.data[i];
        whole.data[i] ^= (uint8_t)(1u << mb_rng_below(&rng, 8));
        free(mb_test_write(mb_test_folder(), "x_train.npy", whole));
        whole.data[i] = byte;
        open_changed(false);
    }
    for (size_t size = 0; size < whole.size; size += 5) {
        free(mb_test_write(mb_test_folder(), "x_train.npy", (mb_bytes){whole.data, size}));
        assert_int_equal(open_changed(false), 0);
    }
    free(whole.data);
}
