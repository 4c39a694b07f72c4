#include "data/idx.h"
#include "support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* `bytes` (freed) in memory, called "x", do not parse and give this text. */
static void check_parse(mb_bytes bytes, mb_idx_kind kind, const char *text)
{
    mb_idx idx = {0};
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_idx_parse("x", kind, &bytes, &idx, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, text);
    assert_null(bytes.data);
    assert_null(idx.bytes.data);
}

/* FOLDER/NAME does not read and gives FOLDER/NAME followed by `text`. */
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

static mb_bytes header(const char *bytes, size_t size)
{
    mb_bytes copy = {malloc(size), size};
    assert_non_null(copy.data);
    memcpy(copy.data, bytes, size);
    return copy;
}
/* The bytes of a string literal, which may have zeros in it. */
#define HEADER(text) header(text, sizeof text - 1)

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

/* A pipe without a writer would block whoever opens it. */
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

TEST(short_header)
{
    check_parse(HEADER("\0\0\x08"), MB_IDX_LABELS,
                "x: not an IDX file: 3 bytes, its header alone has 8");
    check_parse(HEADER("\0\0\x08\1\0\0\0"), MB_IDX_LABELS,
                "x: truncated: 7 bytes, the header of labels has 8");
    check_parse(HEADER("\0\0\x08\3\0\0\0\1\0\0\0\1\0\0\0"), MB_IDX_IMAGES,
                "x: truncated: 15 bytes, the header of images has 16");
}

TEST(not_idx)
{
    check_parse(mb_test_text("<!DOCTYPE html>"), MB_IDX_IMAGES,
                "x: not an IDX file: starts with 0x3c21444f, images start with 0x00000803");
    check_parse(HEADER("\0\0\0\0\0\0\0\0"), MB_IDX_LABELS,
                "x: not an IDX file: starts with 0x00000000, labels start with 0x00000801");
}

TEST(wrong_kind)
{
    check_parse(mb_test_idx_labels(20, NULL), MB_IDX_IMAGES,
                "x: holds labels, not images: starts with 0x00000801, not 0x00000803");
    check_parse(mb_test_idx_images(2, 3, 3, NULL), MB_IDX_LABELS,
                "x: holds images, not labels: starts with 0x00000803, not 0x00000801");
    check_parse(HEADER("\0\0\x08\2\0\0\0\0"), MB_IDX_IMAGES, "x: has 2 dimensions: images have 3");
    check_parse(HEADER("\0\0\x08\0\0\0\0\0"), MB_IDX_LABELS, "x: has 0 dimensions: labels have 1");
}

TEST(wrong_type)
{
    static const struct {
        char type;
        const char *text;
    } types[] = {{0x09, "type 0x09 (signed bytes)"},    {0x0b, "type 0x0b (16-bit integers)"},
                 {0x0c, "type 0x0c (32-bit integers)"}, {0x0d, "type 0x0d (floats)"},
                 {0x0e, "type 0x0e (doubles)"},         {0x77, "type 0x77 (unknown)"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char text[128];
        const char bytes[] = {0, 0, types[i].type, 3, 0, 0, 0, 0};
        snprintf(text, sizeof text, "x: elements of %s: only 0x08 (unsigned bytes) is read",
                 types[i].text);
        check_parse(header(bytes, sizeof bytes), MB_IDX_IMAGES, text);
    }
}

TEST(nothing_in_it)
{
    check_parse(mb_test_idx_images(0, 28, 28, NULL), MB_IDX_IMAGES,
                "x: empty: header promises 0 images");
    check_parse(mb_test_idx_labels(0, NULL), MB_IDX_LABELS, "x: empty: header promises 0 labels");
    check_parse(mb_test_idx_images(5, 0, 28, NULL), MB_IDX_IMAGES,
                "x: images without pixels: header says 0 x 28");
    check_parse(mb_test_idx_images(5, 28, 0, NULL), MB_IDX_IMAGES,
                "x: images without pixels: header says 28 x 0");
}

TEST(impossible_dimensions)
{
    check_parse(HEADER("\0\0\x08\3\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff"), MB_IDX_IMAGES,
                "x: images too large: header says 4294967295 x 4294967295, at most 65536 pixels");
    check_parse(HEADER("\0\0\x08\3\0\0\0\1\0\0\1\1\0\0\1\0"), MB_IDX_IMAGES,
                "x: images too large: header says 257 x 256, at most 65536 pixels");
    check_parse(HEADER("\0\0\x08\3\xff\xff\xff\xff\0\0\1\0\0\0\1\0"), MB_IDX_IMAGES,
                "x: too large: header promises 4294967295 images of 65536 bytes, at most "
                "1073741824 bytes");
    check_parse(HEADER("\0\0\x08\1\x40\0\0\0"), MB_IDX_LABELS,
                "x: too large: header promises 1073741824 labels of 1 bytes");
}

TEST(largest_image)
{
    mb_bytes bytes = mb_test_idx_images(1, 256, 256, NULL);
    mb_idx idx = {0};
    assert_int_equal(mb_idx_parse("x", MB_IDX_IMAGES, &bytes, &idx, NULL), MB_OK);
    assert_int_equal(idx.rows * idx.columns, MB_IDX_MAX_PIXELS);
    mb_idx_free(&idx);
}

/* Figures of the items that are whole, and the file's own name, .gz included. */
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

TEST(trailing_garbage)
{
    check_parse(mb_test_join(mb_test_idx_labels(10, NULL), mb_test_text("extra")), MB_IDX_LABELS,
                "x: trailing garbage: header promises 10 labels, 5 bytes follow them");
    check_parse(mb_test_join(mb_test_idx_images(2, 5, 5, NULL), mb_test_text("!")), MB_IDX_IMAGES,
                "x: trailing garbage: header promises 2 images, 1 bytes follow them");
}
