#include "picture/picture.h"
#include "png.h"
#include "test.h"

#include <leptonica/allheaders.h>
#include <stdlib.h>
#include <string.h>

/* Reads `bytes` (freed) and checks the size; the caller frees the pictures. */
static mb_pictures read_picture(mb_bytes bytes, size_t rows, size_t columns)
{
    mb_pictures pictures = {0};
    mb_error error = {MB_OK, ""};
    if (mb_pictures_parse("x", 1, &bytes, &pictures, &error) != MB_OK)
        fail_msg("%s", error.text);
    assert_null(bytes.data);
    assert_false(pictures.numbered);
    assert_int_equal(pictures.count, 1);
    assert_int_equal(pictures.rows, rows);
    assert_int_equal(pictures.columns, columns);
    return pictures;
}

/* `bytes` (freed) decode to the test picture within `tolerance` gray levels. */
static void check_picture(mb_bytes bytes, int depth, bool alpha, int tolerance, const char *name)
{
    mb_pictures pictures = read_picture(bytes, MB_TEST_ROWS, MB_TEST_COLUMNS);
    for (size_t r = 0; r < MB_TEST_ROWS; r++)
        for (size_t c = 0; c < MB_TEST_COLUMNS; c++) {
            const int found = pictures.pixels[r * MB_TEST_COLUMNS + c],
                      gray = mb_test_gray_at(r, c, depth);
            if (alpha && mb_test_alpha_at(c) == 0)
                assert_true(found == 0 || found == 255);
            else if (abs(found - gray) > tolerance)
                fail_msg("%s, %d bits: %d, expected %d", name, depth, found, gray);
        }
    mb_pictures_free(&pictures);
}

TEST(every_png)
{
    static const int forms[][2] = {
        {MB_PNG_GRAY, 1},        {MB_PNG_GRAY, 2},      {MB_PNG_GRAY, 4},
        {MB_PNG_GRAY, 8},        {MB_PNG_GRAY, 16},     {MB_PNG_RGB, 8},
        {MB_PNG_RGB, 16},        {MB_PNG_PALETTE, 1},   {MB_PNG_PALETTE, 2},
        {MB_PNG_PALETTE, 4},     {MB_PNG_PALETTE, 8},   {MB_PNG_GRAY_ALPHA, 8},
        {MB_PNG_GRAY_ALPHA, 16}, {MB_PNG_RGB_ALPHA, 8}, {MB_PNG_RGB_ALPHA, 16}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            const mb_test_png f = {forms[i][0], forms[i][1], interlaced};
            check_picture(mb_test_write_png(f), f.depth, mb_test_has_alpha(f.color), 1, "PNG");
        }
}

/* The test picture, written by Leptonica. */
static mb_bytes write_picture(int format)
{
    PIX *pix = pixCreate(MB_TEST_COLUMNS, MB_TEST_ROWS, 8);
    l_uint8 *data = NULL;
    size_t size = 0;
    for (int r = 0; r < MB_TEST_ROWS; r++)
        for (int c = 0; c < MB_TEST_COLUMNS; c++)
            pixSetPixel(pix, c, r, mb_test_gray_at((size_t)r, (size_t)c, 8));
    if (format == IFF_WEBP) {
        PIX *color = pixConvertTo32(pix);
        pixDestroy(&pix);
        pix = color;
    }
    assert_int_equal(pixWriteMem(&data, &size, pix, format), 0);
    pixDestroy(&pix);
    const mb_bytes bytes = mb_test_bytes(data, size);
    lept_free(data);
    return bytes;
}

/* A format and its tolerance in gray levels. */
static const struct {
    const char *name;
    int format, tolerance;
} formats[] = {{"BMP", IFF_BMP, 0},           {"TIFF", IFF_TIFF, 0}, {"TIFF LZW", IFF_TIFF_LZW, 0},
               {"TIFF ZIP", IFF_TIFF_ZIP, 0}, {"PNM", IFF_PNM, 0},   {"PNG", IFF_PNG, 0},
               {"JPEG", IFF_JFIF_JPEG, 60},   {"WebP", IFF_WEBP, 60}};
enum { FORMATS = sizeof formats / sizeof *formats };

TEST(every_format)
{
    for (size_t i = 0; i < FORMATS; i++)
        check_picture(write_picture(formats[i].format), 8, false, formats[i].tolerance,
                      formats[i].name);
}

static void check_background(const uint8_t *gray_alpha, const uint8_t *expected)
{
    const mb_bytes png = mb_test_png_row(MB_PNG_GRAY_ALPHA, 5, gray_alpha, 10);
    mb_pictures pictures = read_picture(png, 1, 5);
    for (size_t i = 0; i < 5; i++) /* blending truncates */
        assert_in_range(pictures.pixels[i] + 1, expected[i], expected[i] + 1);
    mb_pictures_free(&pictures);
}

/* A drawing without background gets a contrasting one; transparent holes in a picture of ink and
 * paper become paper. */
TEST(background_of_transparent_pixels)
{
    static const uint8_t cases[][2][10] = {
        {{0, 255, 0, 0, 0, 255, 255, 0, 0, 51}, {0, 255, 0, 255, 204}},
        {{255, 255, 255, 0, 255, 255, 0, 0, 255, 51}, {255, 0, 255, 0, 51}},
        {{250, 255, 10, 255, 250, 255, 250, 255, 0, 0}, {250, 10, 250, 250, 255}},
        {{5, 255, 240, 255, 5, 255, 5, 255, 255, 0}, {5, 240, 5, 5, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_background(cases[i][0], cases[i][1]);
}

/* `bytes` (freed) are refused with this text, gray and in color. */
static void refused(mb_bytes bytes, const char *text)
{
    for (size_t channels = 1; channels <= 3; channels += 2) {
        mb_pictures pictures = {0};
        mb_error error = {MB_OK, ""};
        mb_bytes copy = mb_test_bytes(bytes.data, bytes.size);
        assert_int_equal(mb_pictures_parse("x", channels, &copy, &pictures, &error),
                         MB_ERROR_FORMAT);
        mb_test_check_error(&error, MB_ERROR_FORMAT, text);
        assert_null(copy.data);
        assert_null(pictures.memory);
    }
    free(bytes.data);
}

/* Every prefix of `whole` (freed) except its last `free_end` bytes is refused: as unknown below
 * `known` bytes, and with this text from there on. */
static void refused_if_cut(mb_bytes whole, size_t known, size_t free_end, const char *text)
{
    for (size_t size = 0; size + free_end < whole.size; size++)
        refused(mb_test_bytes(whole.data, size), size < known ? "x: is not" : text);
    free(whole.data);
}

TEST(truncated_pictures)
{
    refused_if_cut(mb_test_write_png((mb_test_png){MB_PNG_RGB_ALPHA, 8, true}), 12, 0,
                   "x: truncated PNG");
    refused_if_cut(mb_test_write_png((mb_test_png){MB_PNG_PALETTE, 2, false}), 12, 0,
                   "x: truncated PNG");
    refused_if_cut(write_picture(IFF_JFIF_JPEG), 12, 0, "x: truncated JPEG");
    for (size_t i = 0; i < FORMATS; i++) /* PGM is below; a TIFF ends with no pixels */
        if (formats[i].format != IFF_PNM)
            refused_if_cut(write_picture(formats[i].format), 12,
                           strncmp(formats[i].name, "TIFF", 4) == 0 ? 20 : 0, "x: ");
}

TEST(png_with_a_byte_changed)
{
    const mb_bytes whole = mb_test_write_png((mb_test_png){MB_PNG_GRAY, 8, false});
    for (size_t at = 0; at < whole.size; at++) {
        const mb_bytes changed = mb_test_bytes(whole.data, whole.size);
        changed.data[at] ^= 0x10;
        refused(changed, "x: ");
    }
    free(whole.data);
}

/* Accepted if the pixels are valid: bytes after the end, and chunks that libpng rejects. */
TEST(png_with_more_than_pixels)
{
    const mb_test_png f = {MB_PNG_GRAY, 8, false};
    check_picture(mb_test_join(mb_test_write_png(f), mb_test_text("a movie")), 8, false, 0, "PNG");
    mb_bytes png = mb_test_write_png(f);
    const size_t header = 33;
    mb_bytes more =
        mb_test_add_chunk(mb_test_bytes(png.data, header), "iCCP", mb_test_text("no profile"));
    more = mb_test_add_chunk(more, "tRNS", mb_test_text("wrong"));
    more = mb_test_join(more, mb_test_bytes(png.data + header, png.size - header));
    free(png.data);
    check_picture(more, 8, false, 0, "PNG");
}

TEST(png_of_another_kind)
{
    mb_bytes png = mb_test_write_png((mb_test_png){MB_PNG_GRAY, 8, false});
    mb_bytes apple =
        mb_test_add_chunk(mb_test_bytes(png.data, 8), "CgBI", mb_test_bytes("\x50\0\x20\6", 4));
    refused(mb_test_join(apple, mb_test_bytes(png.data + 8, png.size - 8)), "CgBI");
    png.data[16] = 1; /* width */
    refused(png, "x: too large: 11x16777229");
}

/* Too many pixels: refused before memory is allocated. */
TEST(too_large)
{
    mb_error error = {MB_OK, ""};
    mb_pictures pictures = {0};
    assert_int_equal(mb_pictures_alloc("x", 1, 8001, 8000, &pictures, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, "x: too large: 8001x8000");
    assert_int_equal(mb_pictures_alloc("x", 1, SIZE_MAX, SIZE_MAX, &pictures, &error),
                     MB_ERROR_FORMAT);
    assert_null(pictures.memory);
    refused(mb_test_text("P6 8001 8001 255\nabcdefghi"), "x: ");
    const mb_bytes jpeg = write_picture(IFF_JFIF_JPEG);
    for (size_t at = 0; at + 9 < jpeg.size; at++)
        if (jpeg.data[at] == 0xff && jpeg.data[at + 1] == 0xc0)
            memcpy(jpeg.data + at + 5, "\x7f\xff\x7f\xff", 4);
    refused(jpeg, "x: too large: 32767x32767");
}

TEST(pgm)
{
    static const struct {
        const char *text;
        size_t rows, columns;
        uint8_t pixels[6];
    } cases[] = {
        {"P5\n3 2\n255\nabcde\n", 2, 3, {'a', 'b', 'c', 'd', 'e', '\n'}},
        {"P5#c\n#\n 3\t2 # two\r255\nabcde\n", 2, 3, {'a', 'b', 'c', 'd', 'e', '\n'}},
        {"P5\n3 1\n255\nab\n\n", 1, 3, {'a', 'b', '\n'}},
        {"P5\n3 1\n255\nab\r\r\n", 1, 3, {'a', 'b', '\r'}},
        {"P5 2 1 1023\n\2\2\3\xff", 1, 2, {128, 255}},
        {"P2 2 2 3 0 1\n2 3", 2, 2, {0, 85, 170, 255}},
        {"P2\n4 1\n3\n0 1 # one\n2 3\n# end", 1, 4, {0, 85, 170, 255}},
        {"P2 1 4 65535 0 32896 65535 257\n", 4, 1, {0, 128, 255, 1}},
        {"P5 2 1 65535\n\x80\x80\xff\xff", 1, 2, {128, 255}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mb_pictures pictures =
            read_picture(mb_test_text(cases[i].text), cases[i].rows, cases[i].columns);
        assert_memory_equal(pictures.pixels, cases[i].pixels, cases[i].rows * cases[i].columns);
        mb_pictures_free(&pictures);
    }
}

TEST(truncated_pgm)
{
    refused_if_cut(mb_test_text("P5 # c\n3 2\n255\nabcdef"), 3, 0, "x: ");
    refused_if_cut(mb_test_text("P2\n3 1\n1000\n500 0 7"), 3, 0, "x: ");
}

TEST(bad_pgm)
{
    static const char *const cases[][2] = {
        {"P5 3 2 255\nabcdefg", "x: trailing garbage: 1 bytes"},
        {"P2 2 1 9 1 2 3", "x: trailing garbage: 1 bytes"},
        {"P5 2 1 97\nab", "x: pixel 1 is 98, the largest value is 97"},
        {"P2 2 1 9 1 10", "above 9"},
        {"P2 2 1 9 1 -1", "next pixel is not a number"},
        {"P2 2 1 9 1 2x", "next pixel is not a number"},
        {"P5 2 1 0\nab", "largest value is 0"},
        {"P5 2 1 65536\nab", "largest value is above 65535"},
        {"P5 0 1 255\n", "without pixels"},
        {"P5 1 0 255\n", "without pixels"},
        {"P5 -1 1 255\na", "width is not a number"},
        {"P5 999999999 999999999 255\na", "truncated"},
        {"P5 99999999999999999999999 1 255\na", "width is above"},
        {"P8 1 1 255\nabcdefghij", "is not PNG, JPEG"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(mb_test_text(cases[i][0]), cases[i][1]);
}

TEST(idx)
{
    const uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
    const mb_bytes plain = mb_test_idx_images(2, 3, 2, pixels);
    mb_bytes both[] = {plain, mb_test_gzip(plain)};
    for (size_t i = 2; i-- > 0;) {
        mb_pictures pictures = {0};
        assert_int_equal(mb_pictures_parse("x", 1, &both[i], &pictures, NULL), MB_OK);
        assert_true(pictures.numbered);
        assert_int_equal(pictures.count, 2);
        assert_int_equal(pictures.rows, 3);
        assert_int_equal(pictures.columns, 2);
        assert_memory_equal(pictures.pixels, pixels, sizeof pixels);
        mb_pictures_free(&pictures);
    }
    refused(mb_test_idx_labels(3, NULL), "x: holds labels, not images");
}

TEST(files_by_content)
{
    char *folder = mb_test_make_folder();
    const mb_bytes bytes = mb_test_write_png((mb_test_png){MB_PNG_GRAY, 8, false});
    char *path = mb_test_write(folder, "picture.pgm", bytes);
    mb_pictures pictures = {0};
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_pictures_read(path, 1, &pictures, NULL), MB_OK);
    assert_int_equal(pictures.rows, MB_TEST_ROWS);
    mb_pictures_free(&pictures);
    assert_int_equal(mb_pictures_read(folder, 1, &pictures, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "is not a regular file");
    free(path);
    free(bytes.data);
    mb_test_remove_folder(folder);
}
