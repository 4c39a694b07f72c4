#include "data/dataset.h"
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

/* A path in the test's folder, valid until the next call. */
static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", mb_test_folder(), name);
    return path;
}

/* Reading NAME fails with the path of `shown` followed by `text`. */
static void check_read(const char *name, const char *shown, mb_idx_kind kind, mb_status status,
                       const char *text)
{
    char whole[1024];
    mb_idx idx = {0};
    mb_error error = {MB_OK, ""};
    snprintf(whole, sizeof whole, "%s: %s", path_of(shown), text);
    assert_int_equal(mb_idx_read(path_of(name), kind, &idx, &error), status);
    mb_test_check_error(&error, status, whole);
    assert_null(idx.bytes.data);
}

static void write_file(const char *name, mb_bytes bytes)
{
    free(mb_test_write(mb_test_folder(), name, bytes));
}

TEST(reads_images)
{
    static const char *const names[] = {"plain", "packed.gz", "misnamed"};
    const uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
    const mb_bytes bytes = mb_test_idx_images(2, 3, 2, pixels), packed = mb_test_gzip(bytes);
    write_file("plain", bytes);
    write_file("packed.gz", packed);
    write_file("misnamed", packed);
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        mb_idx idx = {0};
        assert_int_equal(mb_idx_read(path_of(names[i]), MB_IDX_IMAGES, &idx, NULL), MB_OK);
        assert_string_equal(idx.path, path_of(names[i]));
        assert_int_equal(idx.count, 2);
        assert_int_equal(idx.rows, 3);
        assert_int_equal(idx.columns, 2);
        assert_memory_equal(idx.items, pixels, sizeof pixels);
        mb_idx_free(&idx);
        assert_null(idx.bytes.data);
    }
    free(bytes.data), free(packed.data);
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

TEST(missing) { check_read("x", "x", MB_IDX_IMAGES, MB_ERROR_IO, "cannot be opened: "); }

/* A link to itself cannot be opened by anyone, root included. */
TEST(unreadable)
{
    assert_int_equal(symlink("loop", path_of("loop")), 0);
    check_read("loop", "loop", MB_IDX_IMAGES, MB_ERROR_IO, "cannot be opened: ");
    if (geteuid() != 0) {
        write_file("locked", (mb_bytes){0});
        assert_int_equal(chmod(path_of("locked"), 0), 0);
        check_read("locked", "locked", MB_IDX_LABELS, MB_ERROR_IO, "cannot be opened: ");
    }
}

/* Opening a pipe without a writer would block. */
TEST(not_a_file)
{
    assert_int_equal(mkdir(path_of("inner"), 0700), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    check_read("inner", "inner", MB_IDX_IMAGES, MB_ERROR_IO, "is not a regular file");
    check_read("pipe", "pipe", MB_IDX_IMAGES, MB_ERROR_IO, "is not a regular file");
}

TEST(above_the_limit)
{
    write_file("huge", (mb_bytes){0});
    if (truncate(path_of("huge"), ((off_t)1 << 30) + 1) != 0) {
        print_message("no sparse files of 1 GiB here\n");
        skip();
    }
    check_read("huge", "huge", MB_IDX_IMAGES, MB_ERROR_FORMAT,
               "too large: 1073741825 bytes, the limit is 1073741824");
}

TEST(empty_file)
{
    const mb_bytes nothing = {0};
    check_parse(nothing, MB_IDX_IMAGES, "x: empty file: 0 bytes");
    check_parse(mb_test_gzip(nothing), MB_IDX_LABELS, "x: empty file: 0 bytes");
    write_file("empty", nothing);
    check_read("empty", "empty", MB_IDX_LABELS, MB_ERROR_FORMAT, "empty file: 0 bytes");
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
    assert_int_equal(idx.rows * idx.columns, MB_IMAGE_MAX_PIXELS);
    mb_idx_free(&idx);
}

/* Counts of complete items, and the file's name, including .gz. */
TEST(truncated_items)
{
    mb_bytes labels = mb_test_idx_labels(10000, NULL), images = mb_test_idx_images(9, 4, 4, NULL);
    labels.size -= 880;
    images.size -= 1;
    const mb_bytes packed = mb_test_gzip(labels);
    write_file("labels.gz", packed);
    write_file("images", images);
    check_read("labels.gz", "labels.gz", MB_IDX_LABELS, MB_ERROR_FORMAT,
               "truncated: header promises 10000 labels, 9120 are there");
    check_read("images", "images", MB_IDX_IMAGES, MB_ERROR_FORMAT,
               "truncated: header promises 9 images, 8 are there");
    free(labels.data), free(images.data), free(packed.data);
}

TEST(broken_gzip)
{
    char text[128];
    const mb_bytes labels = mb_test_idx_labels(10000, NULL);
    mb_bytes packed = mb_test_gzip(labels);
    packed.data[packed.size - 5] ^= 1;
    write_file("checksum.gz", packed);
    packed.size -= 9;
    write_file("short.gz", packed);
    check_read("checksum.gz", "checksum.gz", MB_IDX_LABELS, MB_ERROR_FORMAT, "bad checksum: 0x");
    snprintf(text, sizeof text, "truncated: the gzip data continues after all %zu bytes",
             packed.size);
    check_read("short.gz", "short.gz", MB_IDX_LABELS, MB_ERROR_FORMAT, text);
    free(labels.data), free(packed.data);
}
