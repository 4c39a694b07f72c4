#include "data/image.h"
#include "support.h"
#include "test.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 11, COLUMNS = 13 };

/* How a PNG of the test picture is written. */
typedef struct form {
    int colour, depth, interlace;
} form;

static void append(png_structp png, png_bytep data, size_t size)
{
    mb_bytes *bytes = png_get_io_ptr(png);
    bytes->data = realloc(bytes->data, bytes->size + size);
    assert_non_null(bytes->data);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void flush(png_structp png) { (void)png; }

/* The test picture has every level that `depth` bits have, as far as it has pixels. */
static unsigned level_at(size_t row, size_t column, int depth)
{
    const unsigned levels = 1u << (depth < 8 ? depth : 8);
    return (unsigned)(row * 37 + column * 11) % levels;
}

static uint8_t gray_at(size_t row, size_t column, int depth)
{
    return (uint8_t)(level_at(row, column, depth) * 255 / ((1u << (depth < 8 ? depth : 8)) - 1));
}

/* Transparent on the left half, where a form has alpha. */
static uint8_t alpha_at(size_t column) { return column < COLUMNS / 2 ? 0 : 255; }

static size_t channels_of(int colour)
{
    return colour == PNG_COLOR_TYPE_RGB_ALPHA    ? 4
           : colour == PNG_COLOR_TYPE_RGB        ? 3
           : colour == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                                 : 1;
}

/* A row in the form's samples, packed by libpng from one byte each where they are smaller. */
static void fill_row(form f, size_t row, uint8_t *to)
{
    const size_t channels = channels_of(f.colour);
    for (size_t c = 0; c < COLUMNS; c++)
        for (size_t i = 0; i < channels; i++) {
            const bool alpha = (f.colour & PNG_COLOR_MASK_ALPHA) != 0 && i == channels - 1;
            *to++ = alpha ? alpha_at(c) : (uint8_t)level_at(row, c, f.depth);
            if (f.depth == 16) { /* 257 times the byte */
                *to = to[-1];
                to++;
            }
        }
}

static void set_palette(png_structp png, png_infop info, int depth)
{
    png_color palette[256];
    for (unsigned i = 0; i < 1u << depth; i++) {
        const png_byte gray = (png_byte)(i * 255 / ((1u << depth) - 1));
        palette[i] = (png_color){gray, gray, gray};
    }
    png_set_PLTE(png, info, palette, 1 << depth);
}

static mb_bytes write_png(form f)
{
    mb_bytes bytes = {0};
    uint8_t rows[ROWS][COLUMNS * 8];
    png_bytep pointers[ROWS];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(info);
    if (setjmp(png_jmpbuf(png)))
        fail_msg("libpng does not write colour type %d with %d bits", f.colour, f.depth);
    png_set_write_fn(png, &bytes, append, flush);
    png_set_IHDR(png, info, COLUMNS, ROWS, f.depth, f.colour, f.interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (f.colour == PNG_COLOR_TYPE_PALETTE)
        set_palette(png, info, f.depth);
    png_write_info(png, info);
    png_set_packing(png);
    for (size_t r = 0; r < ROWS; r++) {
        fill_row(f, r, rows[r]);
        pointers[r] = rows[r];
    }
    png_write_image(png, pointers);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return bytes;
}

static void check_png(form f)
{
    mb_bytes bytes = write_png(f);
    mb_pictures images = {0};
    const bool alpha = (f.colour & PNG_COLOR_MASK_ALPHA) != 0;
    assert_int_equal(mb_pictures_parse("x", &bytes, &images, NULL), MB_OK);
    assert_null(bytes.data);
    assert_false(images.many);
    assert_int_equal(images.count, 1);
    assert_int_equal(images.rows, ROWS);
    assert_int_equal(images.columns, COLUMNS);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            const int found = images.pixels[r * COLUMNS + c], gray = gray_at(r, c, f.depth);
            if (alpha && alpha_at(c) == 0)
                assert_true(found == 0 || found == 255);
            else if (abs(found - gray) > 1) /* the weights of the colours are rounded */
                fail_msg("type %d, %d bits: %d, expected %d", f.colour, f.depth, found, gray);
        }
    mb_pictures_free(&images);
}

TEST(reads_every_png)
{
    static const form forms[] = {
        {PNG_COLOR_TYPE_GRAY, 1, 0},        {PNG_COLOR_TYPE_GRAY, 2, 0},
        {PNG_COLOR_TYPE_GRAY, 4, 0},        {PNG_COLOR_TYPE_GRAY, 8, 0},
        {PNG_COLOR_TYPE_GRAY, 16, 0},       {PNG_COLOR_TYPE_RGB, 8, 0},
        {PNG_COLOR_TYPE_RGB, 16, 0},        {PNG_COLOR_TYPE_PALETTE, 1, 0},
        {PNG_COLOR_TYPE_PALETTE, 2, 0},     {PNG_COLOR_TYPE_PALETTE, 4, 0},
        {PNG_COLOR_TYPE_PALETTE, 8, 0},     {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0},
        {PNG_COLOR_TYPE_GRAY_ALPHA, 16, 0}, {PNG_COLOR_TYPE_RGB_ALPHA, 8, 0},
        {PNG_COLOR_TYPE_RGB_ALPHA, 16, 0},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        check_png(forms[i]);
        check_png((form){forms[i].colour, forms[i].depth, PNG_INTERLACE_ADAM7});
    }
}

/* Pixels in one row, gray and alpha in turn, as a PNG by libpng's simplified interface. */
static mb_bytes with_alpha(const uint8_t *gray_alpha, unsigned columns)
{
    png_image png = {
        .version = PNG_IMAGE_VERSION, .width = columns, .height = 1, .format = PNG_FORMAT_GA};
    png_alloc_size_t size = 0;
    assert_int_not_equal(png_image_write_to_memory(&png, NULL, &size, 0, gray_alpha, 0, NULL), 0);
    const mb_bytes bytes = {malloc(size), size};
    assert_int_not_equal(png_image_write_to_memory(&png, bytes.data, &size, 0, gray_alpha, 0, NULL),
                         0);
    return bytes;
}

static void check_ground(const uint8_t *gray_alpha, const uint8_t *expected)
{
    mb_bytes bytes = with_alpha(gray_alpha, 5);
    mb_pictures images = {0};
    assert_int_equal(mb_pictures_parse("x", &bytes, &images, NULL), MB_OK);
    assert_memory_equal(images.pixels, expected, 5);
    mb_pictures_free(&images);
}

TEST(ink_on_nothing_stands_on_what_contrasts)
{
    const uint8_t black[] = {0, 255, 0, 0, 0, 255, 255, 0, 0, 51};
    const uint8_t on_white[] = {0, 255, 0, 255, 204};
    check_ground(black, on_white);
    const uint8_t white[] = {255, 255, 255, 0, 255, 255, 0, 0, 255, 51};
    const uint8_t on_black[] = {255, 0, 255, 0, 51};
    check_ground(white, on_black);
}

/* The opaque part shows ink and paper: holes are taken for paper. */
TEST(holes_in_a_picture_are_of_its_ground)
{
    const uint8_t paper[] = {250, 255, 10, 255, 250, 255, 250, 255, 0, 0};
    const uint8_t white[] = {250, 10, 250, 250, 255};
    check_ground(paper, white);
    const uint8_t slate[] = {5, 255, 240, 255, 5, 255, 5, 255, 255, 0};
    const uint8_t black[] = {5, 240, 5, 5, 0};
    check_ground(slate, black);
}

/* `bytes` (freed) are refused with this text. */
static void refused(mb_bytes bytes, const char *text)
{
    mb_pictures images = {0};
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_pictures_parse("x", &bytes, &images, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, text);
    assert_null(bytes.data);
    assert_null(images.memory);
}

static mb_bytes part(const mb_bytes *bytes, size_t size)
{
    const mb_bytes copy = {malloc(size + 1), size};
    assert_non_null(copy.data);
    memcpy(copy.data, bytes->data, size);
    return copy;
}

TEST(a_png_cut_anywhere_is_refused)
{
    const form forms[] = {{PNG_COLOR_TYPE_RGB_ALPHA, 8, PNG_INTERLACE_ADAM7},
                          {PNG_COLOR_TYPE_PALETTE, 2, 0}};
    for (size_t f = 0; f < 2; f++) {
        const mb_bytes whole = write_png(forms[f]);
        for (size_t size = 0; size < whole.size; size++)
            refused(part(&whole, size), size < 8 ? "x: is neither" : "x: truncated PNG");
        free(whole.data);
    }
}

TEST(a_png_with_any_byte_changed_is_refused)
{
    const mb_bytes whole = write_png((form){PNG_COLOR_TYPE_GRAY, 8, 0});
    for (size_t at = 0; at < whole.size; at++) {
        const mb_bytes changed = part(&whole, whole.size);
        changed.data[at] ^= 0x10;
        refused(changed, "x: ");
    }
    free(whole.data);
}

TEST(what_follows_the_end_of_a_png_is_passed_over)
{
    mb_bytes bytes =
        mb_test_join(write_png((form){PNG_COLOR_TYPE_GRAY, 8, 0}), mb_test_text("a movie"));
    mb_pictures images = {0};
    assert_int_equal(mb_pictures_parse("x", &bytes, &images, NULL), MB_OK);
    mb_pictures_free(&images);
}

static void check_pgm(mb_bytes bytes, size_t rows, size_t columns, const uint8_t *pixels)
{
    mb_pictures images = {0};
    assert_int_equal(mb_pictures_parse("x", &bytes, &images, NULL), MB_OK);
    assert_int_equal(images.rows, rows);
    assert_int_equal(images.columns, columns);
    assert_memory_equal(images.pixels, pixels, rows * columns);
    mb_pictures_free(&images);
}

TEST(reads_pgm)
{
    const uint8_t letters[] = {'a', 'b', 'c', 'd', 'e', '\n'}, levels[] = {0, 85, 170, 255};
    const uint8_t deep[] = {0, 128, 255, 1};
    check_pgm(mb_test_text("P5\n3 2\n255\nabcde\n"), 2, 3, letters);
    check_pgm(mb_test_text("P5#c\n#\n 3\t2 # two\r255\nabcde\n"), 2, 3, letters);
    check_pgm(mb_test_text("P2 2 2 3 0 1\n2 3"), 2, 2, levels);
    check_pgm(mb_test_text("P2\n4 1\n3\n0 1 # one\n2 3\n# end"), 1, 4, levels);
    check_pgm(mb_test_text("P2 1 4 65535 0 32896 65535 257\n"), 4, 1, deep);
    const mb_bytes header = mb_test_text("P5 2 1 65535\n");
    uint8_t binary[] = {0x80, 0x80, 0xff, 0xff};
    const uint8_t read[] = {128, 255};
    const mb_bytes samples = {binary, 4};
    check_pgm(mb_test_join(header, part(&samples, 4)), 1, 2, read);
}

TEST(a_pgm_cut_anywhere_is_refused)
{
    const mb_bytes binary = mb_test_text("P5 # c\n3 2\n255\nabcdef");
    for (size_t size = 0; size < binary.size; size++)
        refused(part(&binary, size), size < 3 ? "x: is neither" : "x: ");
    free(binary.data);
    const mb_bytes decimal = mb_test_text("P2\n3 1\n1000\n500 0 7");
    for (size_t size = 0; size < decimal.size; size++)
        refused(part(&decimal, size), size < 3 ? "x: is neither" : "x: ");
    free(decimal.data);
}

TEST(bad_pgm)
{
    refused(mb_test_text("P5 3 2 255\nabcdefg"), "x: trailing garbage: 1 bytes");
    refused(mb_test_text("P2 2 1 9 1 2 3"), "x: trailing garbage: 1 bytes");
    refused(mb_test_text("P5 2 1 97\nab"), "x: pixel 1 is 98, the largest value is 97");
    refused(mb_test_text("P2 2 1 9 1 10"), "above 9");
    refused(mb_test_text("P2 2 1 9 1 -1"), "next pixel is not a number");
    refused(mb_test_text("P2 2 1 9 1 2x"), "next pixel is not a number");
    refused(mb_test_text("P5 2 1 0\nab"), "largest value is 0");
    refused(mb_test_text("P5 2 1 65536\nab"), "largest value is above 65535");
    refused(mb_test_text("P5 0 1 255\n"), "without pixels");
    refused(mb_test_text("P5 1 0 255\n"), "without pixels");
    refused(mb_test_text("P5 -1 1 255\na"), "width is not a number");
    refused(mb_test_text("P5 999999999 999999999 255\na"), "truncated");
    refused(mb_test_text("P5 99999999999999999999999 1 255\na"), "width is above");
    refused(mb_test_text("P6 1 1 255\nabc"), "is neither PNG, PGM nor IDX");
}

TEST(too_many_pixels)
{
    mb_error error = {MB_OK, ""};
    mb_pictures images = {0};
    assert_int_equal(mb_pictures_alloc("x", 8001, 8000, &images, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, "x: too large: 8001x8000");
    assert_int_equal(mb_pictures_alloc("x", SIZE_MAX, SIZE_MAX, &images, &error), MB_ERROR_FORMAT);
    assert_null(images.memory);
}

TEST(reads_idx)
{
    const uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
    const mb_bytes plain = mb_test_idx_images(2, 3, 2, pixels);
    mb_bytes both[] = {plain, mb_test_gzip(plain)};
    for (size_t i = 2; i-- > 0;) {
        mb_pictures images = {0};
        assert_int_equal(mb_pictures_parse("x", &both[i], &images, NULL), MB_OK);
        assert_true(images.many);
        assert_int_equal(images.count, 2);
        assert_int_equal(images.rows, 3);
        assert_int_equal(images.columns, 2);
        assert_memory_equal(images.pixels, pixels, sizeof pixels);
        mb_pictures_free(&images);
    }
    refused(mb_test_idx_labels(3, NULL), "x: holds labels, not images");
}

TEST(reads_files_by_content)
{
    char *folder = mb_test_make_folder();
    const mb_bytes bytes = write_png((form){PNG_COLOR_TYPE_GRAY, 8, 0});
    char *path = mb_test_write(folder, "picture.pgm", bytes);
    mb_pictures images = {0};
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_pictures_read(path, &images, NULL), MB_OK);
    assert_int_equal(images.rows, ROWS);
    mb_pictures_free(&images);
    assert_int_equal(mb_pictures_read(folder, &images, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "is not a regular file");
    free(path);
    free(bytes.data);
    mb_test_remove_folder(folder);
}
