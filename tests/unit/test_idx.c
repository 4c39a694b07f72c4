#include "data/idx.h"
#include "support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `bytes` (freed) in memory, called "x", are refused with this text after the name. */
static void check_parse(mb_bytes bytes, mb_idx_kind kind, const char *text)
{
    mb_idx idx = {0};
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_idx_parse("x", kind, &bytes, &idx, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, text);
    assert_true(strncmp(error.text, "x: ", 3) == 0);
    assert_null(bytes.data);
    assert_null(idx.bytes.data);
}

/* Reading FOLDER/NAME fails with FOLDER/NAME followed by `text`. */
static void check_read(const char *folder, const char *name, const char *shown, mb_idx_kind kind,
                       mb_status status, const char *text)
{
    char whole[512];
    mb_idx idx = {0};
    mb_error error = {MB_OK, ""};
    char *path = mb_path_join(folder, name);
    assert_non_null(path);
    snprintf(whole, sizeof whole, "%s/%s: %s", folder, shown, text);
    assert_int_equal(mb_idx_read(path, kind, &idx, &error), status);
    mb_test_check_error(&error, status, whole);
    assert_null(idx.bytes.data);
    free(path);
}

TEST(reads_images)
{
    char *folder = mb_test_make_folder();
    const uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
    const mb_bytes bytes = mb_test_idx_images(2, 3, 2, pixels), packed = mb_test_gzip(bytes);
    char *plain = mb_test_write(folder, "plain", bytes);
    char *gzip = mb_test_write(folder, "packed.gz", packed);
    char *misnamed = mb_test_write(folder, "misnamed", packed);
    char *both = mb_test_write(folder, "plain.gz", packed);
    const char *const names[] = {"plain", "packed", "packed.gz", "misnamed"};
    const char *const read_from[] = {plain, gzip, gzip, misnamed};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        mb_idx idx = {0};
        char *path = mb_path_join(folder, names[i]);
        assert_int_equal(mb_idx_read(path, MB_IDX_IMAGES, &idx, NULL), MB_OK);
        assert_string_equal(idx.path, read_from[i]);
        assert_int_equal(idx.count, 2);
        assert_int_equal(idx.rows, 3);
        assert_int_equal(idx.columns, 2);
        assert_memory_equal(idx.items, pixels, sizeof pixels);
        mb_idx_free(&idx);
        assert_null(idx.bytes.data);
        free(path);
    }
    free(bytes.data), free(packed.data);
    free(plain), free(gzip), free(misnamed), free(both);
    mb_test_remove_folder(folder);
}

TEST(parses_labels)
{
    const uint8_t labels[] = {0, 9, 255};
    mb_bytes bytes = mb_test_idx_labels(3, labels);
    mb_idx idx = {0};
    assert_int_equal(mb_idx_parse("x", MB_IDX_LABELS, &bytes, &idx, NULL), MB_OK);
    assert_null(bytes.data);
    assert_int_equal(idx.count, 3);
    assert_int_equal(idx.rows * idx.columns, 1);
    assert_memory_equal(idx.items, labels, sizeof labels);
    mb_idx_free(&idx);
}

TEST(plain_before_packed)
{
    char *folder = mb_test_make_folder();
    const mb_bytes labels = mb_test_idx_labels(2, NULL), packed = mb_test_gzip(labels);
    free(mb_test_write(folder, "x-idx1", (mb_bytes){labels.data, 9}));
    free(mb_test_write(folder, "x-idx1.gz", packed));
    check_read(folder, "x-idx1", "x-idx1", MB_IDX_LABELS, MB_ERROR_FORMAT,
               "truncated: header promises 2 labels, 1 are there; remove it to read ");
    free(labels.data);
    free(packed.data);
    mb_test_remove_folder(folder);
}

TEST(missing)
{
    char *folder = mb_test_make_folder();
    check_read(folder, "x", "x", MB_IDX_IMAGES, MB_ERROR_IO, "missing, and so is ");
    mb_test_remove_folder(folder);
}

/* A link to itself cannot be opened by anyone, root included. */
TEST(unreadable)
{
    char *folder = mb_test_make_folder();
    char *path = mb_path_join(folder, "loop");
    assert_int_equal(symlink("loop", path), 0);
    check_read(folder, "loop", "loop", MB_IDX_IMAGES, MB_ERROR_IO, "cannot be opened: ");
    free(path);
    if (geteuid() != 0) {
        const mb_bytes bytes = mb_test_idx_labels(1, NULL);
        path = mb_test_write(folder, "locked", bytes);
        assert_int_equal(chmod(path, 0), 0);
        check_read(folder, "locked", "locked", MB_IDX_LABELS, MB_ERROR_IO, "cannot be opened: ");
        free(bytes.data);
        free(path);
    }
    mb_test_remove_folder(folder);
}

/* Opening a pipe without a writer would block. */
TEST(not_a_file)
{
    char *folder = mb_test_make_folder();
    char *inner = mb_test_subfolder(folder, "inner");
    char *pipe_path = mb_path_join(folder, "pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    check_read(folder, "inner", "inner", MB_IDX_IMAGES, MB_ERROR_IO, "is not a regular file");
    check_read(folder, "pipe", "pipe", MB_IDX_IMAGES, MB_ERROR_IO, "is not a regular file");
    free(inner);
    free(pipe_path);
    mb_test_remove_folder(folder);
}

TEST(above_the_limit)
{
    char *folder = mb_test_make_folder();
    const mb_bytes nothing = {0};
    char *path = mb_test_write(folder, "huge", nothing);
    if (truncate(path, ((off_t)1 << 30) + 1) != 0) {
        free(path);
        mb_test_remove_folder(folder);
        print_message("no sparse files of 1 GiB here\n");
        skip();
    }
    check_read(folder, "huge", "huge", MB_IDX_IMAGES, MB_ERROR_FORMAT,
               "too large: 1073741825 bytes, the limit is 1073741824");
    free(path);
    mb_test_remove_folder(folder);
}

TEST(empty_file)
{
    const mb_bytes nothing = {0};
    check_parse(nothing, MB_IDX_IMAGES, "x: empty file: 0 bytes");
    check_parse(mb_test_gzip(nothing), MB_IDX_LABELS, "x: empty file: 0 bytes");
    char *folder = mb_test_make_folder();
    free(mb_test_write(folder, "empty", nothing));
    check_read(folder, "empty", "empty", MB_IDX_LABELS, MB_ERROR_FORMAT, "empty file: 0 bytes");
    mb_test_remove_folder(folder);
}

/* A string literal, which may have zeros in it, and its size. */
#define BYTES(text) text, sizeof text - 1
#define MAGIC_IMAGES "\0\0\x08\3"
#define MAGIC_LABELS "\0\0\x08\1"

TEST(bad_headers)
{
    static const struct {
        mb_idx_kind kind;
        const char *bytes;
        size_t size;
        const char *error;
    } cases[] = {
        {MB_IDX_LABELS, BYTES("\0\0\x08"), "not an IDX file: 3 bytes, its header alone has 8"},
        {MB_IDX_LABELS, BYTES(MAGIC_LABELS "\0\0\0"),
         "truncated: 7 bytes, the header of labels has 8"},
        {MB_IDX_IMAGES, BYTES(MAGIC_IMAGES "\0\0\0\1\0\0\0\1\0\0\0"),
         "truncated: 15 bytes, the header of images has 16"},
        {MB_IDX_IMAGES, BYTES("<!DOCTYPE html>"), "not an IDX file: is a web page"},
        {MB_IDX_LABELS, BYTES("\0\0\0\0\0\0\0\0"),
         "not an IDX file: starts with 0x00000000, labels start with 0x00000801"},
        {MB_IDX_IMAGES, BYTES(MAGIC_LABELS "\0\0\0\1\1"),
         "holds labels, not images: starts with 0x00000801, not 0x00000803"},
        {MB_IDX_LABELS, BYTES(MAGIC_IMAGES "\0\0\0\1\0\0\0\1\0\0\0\1\1"),
         "holds images, not labels: starts with 0x00000803, not 0x00000801"},
        {MB_IDX_IMAGES, BYTES("\0\0\x08\2\0\0\0\0"), "has 2 dimensions: images have 3"},
        {MB_IDX_LABELS, BYTES("\0\0\x08\0\0\0\0\0"), "has 0 dimensions: labels have 1"},
        {MB_IDX_IMAGES, BYTES("\0\0\x09\3\0\0\0\0"),
         "elements of type 0x09 (signed bytes): only 0x08 (unsigned bytes) is read"},
        {MB_IDX_IMAGES, BYTES("\0\0\x0b\3\0\0\0\0"), "of type 0x0b (16-bit integers)"},
        {MB_IDX_IMAGES, BYTES("\0\0\x0c\3\0\0\0\0"), "of type 0x0c (32-bit integers)"},
        {MB_IDX_IMAGES, BYTES("\0\0\x0d\3\0\0\0\0"), "of type 0x0d (floats)"},
        {MB_IDX_IMAGES, BYTES("\0\0\x0e\3\0\0\0\0"), "of type 0x0e (doubles)"},
        {MB_IDX_IMAGES, BYTES("\0\0\x0f\3\0\0\0\0"), "of type 0x0f (unknown)"},
        {MB_IDX_IMAGES, BYTES("\0\0\x77\3\0\0\0\0"), "of type 0x77 (unknown)"},
        {MB_IDX_IMAGES, BYTES(MAGIC_IMAGES "\0\0\0\0\0\0\0\x1c\0\0\0\x1c"),
         "empty: header promises 0 images"},
        {MB_IDX_LABELS, BYTES(MAGIC_LABELS "\0\0\0\0"), "empty: header promises 0 labels"},
        {MB_IDX_IMAGES, BYTES(MAGIC_IMAGES "\0\0\0\5\0\0\0\0\0\0\0\x1c"),
         "images without pixels: header says 0 x 28"},
        {MB_IDX_IMAGES, BYTES(MAGIC_IMAGES "\0\0\0\5\0\0\0\x1c\0\0\0\0"),
         "images without pixels: header says 28 x 0"},
        {MB_IDX_IMAGES, BYTES(MAGIC_IMAGES "\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff"),
         "images too large: header says 4294967295 x 4294967295, at most 65536 pixels"},
        {MB_IDX_IMAGES, BYTES(MAGIC_IMAGES "\0\0\0\1\0\0\1\1\0\0\1\0"),
         "images too large: header says 257 x 256, at most 65536 pixels"},
        {MB_IDX_IMAGES, BYTES(MAGIC_IMAGES "\xff\xff\xff\xff\0\0\1\0\0\0\1\0"),
         "too large: header promises 4294967295 images of 65536 bytes, at most 1073741824 bytes"},
        {MB_IDX_LABELS, BYTES(MAGIC_LABELS "\x40\0\0\0"),
         "too large: header promises 1073741824 labels of 1 bytes"},
        {MB_IDX_LABELS, BYTES(MAGIC_LABELS "\0\0\0\2\1\1extra"),
         "trailing garbage: header promises 2 labels, 5 bytes follow them"},
        {MB_IDX_IMAGES, BYTES(MAGIC_IMAGES "\0\0\0\2\0\0\0\1\0\0\0\2\1\1\1\1!"),
         "trailing garbage: header promises 2 images, 1 bytes follow them"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const mb_bytes bytes = {malloc(cases[i].size), cases[i].size};
        assert_non_null(bytes.data);
        memcpy(bytes.data, cases[i].bytes, cases[i].size);
        check_parse(bytes, cases[i].kind, cases[i].error);
    }
}

TEST(largest_image)
{
    mb_bytes bytes = mb_test_idx_images(1, 256, 256, NULL);
    mb_idx idx = {0};
    assert_int_equal(mb_idx_parse("x", MB_IDX_IMAGES, &bytes, &idx, NULL), MB_OK);
    assert_int_equal(idx.rows * idx.columns, MB_IDX_MAX_PIXELS);
    mb_idx_free(&idx);
}

/* Counts of complete items, and the file's name, including .gz. */
TEST(truncated_items)
{
    char *folder = mb_test_make_folder();
    mb_bytes labels = mb_test_idx_labels(10000, NULL), images = mb_test_idx_images(9, 4, 4, NULL);
    labels.size -= 880;
    images.size -= 1;
    const mb_bytes packed = mb_test_gzip(labels);
    free(mb_test_write(folder, "labels.gz", packed));
    free(mb_test_write(folder, "images", images));
    check_read(folder, "labels", "labels.gz", MB_IDX_LABELS, MB_ERROR_FORMAT,
               "truncated: header promises 10000 labels, 9120 are there");
    check_read(folder, "images", "images", MB_IDX_IMAGES, MB_ERROR_FORMAT,
               "truncated: header promises 9 images, 8 are there");
    free(labels.data), free(images.data), free(packed.data);
    mb_test_remove_folder(folder);
}

TEST(broken_gzip)
{
    char *folder = mb_test_make_folder(), text[128];
    const mb_bytes labels = mb_test_idx_labels(10000, NULL);
    mb_bytes packed = mb_test_gzip(labels);
    packed.data[packed.size - 5] ^= 1;
    free(mb_test_write(folder, "checksum.gz", packed));
    packed.size -= 9;
    free(mb_test_write(folder, "short.gz", packed));
    check_read(folder, "checksum", "checksum.gz", MB_IDX_LABELS, MB_ERROR_FORMAT,
               "bad checksum: 0x");
    snprintf(text, sizeof text, "truncated: the gzip data continues after all %zu bytes",
             packed.size);
    check_read(folder, "short", "short.gz", MB_IDX_LABELS, MB_ERROR_FORMAT, text);
    free(labels.data), free(packed.data);
    mb_test_remove_folder(folder);
}
