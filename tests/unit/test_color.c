/* Pictures that are read in color. */
#include "core/rng.h"
#include "picture/normalize.h"
#include "picture/picture.h"
#include "png.h"
#include "test.h"

#include <leptonica/allheaders.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PLANE = MB_TEST_ROWS * MB_TEST_COLUMNS };

static mb_pictures parse(mb_bytes bytes, size_t channels)
{
    mb_pictures pictures = {0};
    mb_error error = {MB_OK, ""};
    if (mb_pictures_parse("x", channels, &bytes, &pictures, &error) != MB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(pictures.channels, channels);
    return pictures;
}

/* The channels of `bytes` (freed) read in color are those of the gray picture. */
static void check_equal_channels(mb_bytes bytes, int tolerance)
{
    mb_pictures gray = parse(mb_test_bytes(bytes.data, bytes.size), 1), color = parse(bytes, 3);
    const size_t plane = gray.rows * gray.columns;
    assert_int_equal(color.rows, gray.rows);
    assert_int_equal(color.columns, gray.columns);
    assert_int_equal(color.count, gray.count);
    assert_int_equal(color.numbered, gray.numbered);
    for (size_t i = 0; i < gray.count * 3 * plane; i++) {
        const uint8_t expected = gray.pixels[i / (3 * plane) * plane + i % plane];
        assert_in_range(abs(color.pixels[i] - expected), 0, tolerance);
    }
    mb_pictures_free(&gray);
    mb_pictures_free(&color);
}

TEST(gray_pictures_have_equal_channels)
{
    static const int kinds[][2] = {
        {MB_PNG_GRAY, 1},      {MB_PNG_GRAY, 2},       {MB_PNG_GRAY, 4},
        {MB_PNG_GRAY, 8},      {MB_PNG_GRAY, 16},      {MB_PNG_RGB, 8},
        {MB_PNG_RGB, 16},      {MB_PNG_PALETTE, 1},    {MB_PNG_PALETTE, 4},
        {MB_PNG_PALETTE, 8},   {MB_PNG_GRAY_ALPHA, 8}, {MB_PNG_GRAY_ALPHA, 16},
        {MB_PNG_RGB_ALPHA, 8}, {MB_PNG_RGB_ALPHA, 16}};
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        const mb_test_png kind = {kinds[i][0], kinds[i][1], false};
        check_equal_channels(mb_test_write_png(kind), mb_test_has_alpha(kind.color) ? 1 : 0);
    }
    check_equal_channels(mb_test_text("P2\n4 1\n3\n0 1 # one\n2 3\n# end"), 0);
    check_equal_channels(mb_test_idx_images(2, 3, 2, (const uint8_t *)"abcdefghijkl"), 0);
}

/* The test picture in color: no channel is another's. */
static uint32_t color_at(size_t row, size_t column)
{
    return (uint32_t)(row * 20) << 24 | (uint32_t)(column * 19) << 16 |
           (uint32_t)(255 - row * column) << 8;
}

static uint8_t expected_at(size_t channel, size_t row, size_t column)
{
    return (uint8_t)(color_at(row, column) >> (24 - 8 * channel));
}

static PIX *color_pix(void)
{
    PIX *pix = pixCreate(MB_TEST_COLUMNS, MB_TEST_ROWS, 32);
    for (size_t r = 0; r < MB_TEST_ROWS; r++)
        for (size_t c = 0; c < MB_TEST_COLUMNS; c++)
            pixSetPixel(pix, (int)c, (int)r, color_at(r, c));
    return pix;
}

/* `pix` (freed) in a format of Leptonica's. */
static mb_bytes write_pix(PIX *pix, int format)
{
    l_uint8 *data = NULL;
    size_t size = 0;
    assert_int_equal(pixWriteMem(&data, &size, pix, format), 0);
    pixDestroy(&pix);
    const mb_bytes bytes = mb_test_bytes(data, size);
    lept_free(data);
    return bytes;
}

/* `bytes` (freed) are the test picture in color; lossy formats differ by up to `tolerance`. */
static void check_color(mb_bytes bytes, int tolerance)
{
    mb_pictures read = parse(bytes, 3);
    assert_int_equal(read.rows, MB_TEST_ROWS);
    assert_int_equal(read.columns, MB_TEST_COLUMNS);
    for (size_t i = 0; i < 3 * PLANE; i++) {
        const size_t at = i % PLANE;
        const int expected = expected_at(i / PLANE, at / MB_TEST_COLUMNS, at % MB_TEST_COLUMNS);
        assert_in_range(abs(read.pixels[i] - expected), 0, tolerance);
    }
    mb_pictures_free(&read);
}

TEST(every_format)
{
    static const struct {
        int format, tolerance;
    } formats[] = {{IFF_PNG, 0},      {IFF_BMP, 0}, {IFF_TIFF, 0},  {IFF_TIFF_LZW, 0},
                   {IFF_TIFF_ZIP, 0}, {IFF_PNM, 0}, {IFF_WEBP, 60}, {IFF_JFIF_JPEG, 60}};
    for (size_t i = 0; i < TEST_COUNT(formats); i++)
        check_color(write_pix(color_pix(), formats[i].format), formats[i].tolerance);
}

/* Images in color become the gray that pictures become. */
TEST(luminance)
{
    mb_rng rng = mb_rng_at(2, MB_RNG_TESTS, 0, 0);
    for (size_t n = 0; n < 20; n++) {
        PIX *pix = pixCreate(100, 50, 32);
        for (int i = 0; i < 5000; i++)
            pixSetPixel(pix, i % 100, i / 100, mb_rng_below(&rng, 1 << 24) << 8);
        const mb_bytes png = write_pix(pix, IFF_PNG);
        mb_pictures gray = parse(mb_test_bytes(png.data, png.size), 1), color = parse(png, 3);
        mb_color_to_gray(color.pixels, 5000, color.memory);
        assert_memory_equal(color.pixels, gray.pixels, 5000);
        mb_pictures_free(&gray);
        mb_pictures_free(&color);
    }
}

/* A palette of as many colors as the picture has pixels. */
TEST(palette)
{
    PIX *pix = pixCreate(MB_TEST_COLUMNS, MB_TEST_ROWS, 8);
    PIXCMAP *colors = pixcmapCreate(8);
    for (size_t i = 0; i < PLANE; i++) {
        const size_t r = i / MB_TEST_COLUMNS, c = i % MB_TEST_COLUMNS;
        assert_int_equal(pixcmapAddColor(colors, expected_at(0, r, c), expected_at(1, r, c),
                                         expected_at(2, r, c)),
                         0);
        pixSetPixel(pix, (int)c, (int)r, (l_uint32)i);
    }
    pixSetColormap(pix, colors);
    check_color(write_pix(pix, IFF_PNG), 0);
}

/* Transparent pixels get the background of the gray picture; half transparent is between. */
TEST(transparency)
{
    static const struct {
        uint8_t samples[16], expected[12];
    } cases[] = {
        {{200, 180, 220, 255, 9, 9, 9, 0, 100, 200, 180, 128, 220, 99, 200, 255},
         {200, 255, 177, 220, 180, 255, 227, 99, 220, 255, 217, 200}},
        {{200, 180, 220, 255, 9, 9, 9, 0, 100, 200, 180, 128, 220, 99, 200, 0},
         {200, 0, 50, 0, 180, 0, 100, 0, 220, 0, 90, 0}},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_pictures read = parse(mb_test_png_row(MB_PNG_RGB_ALPHA, 4, cases[i].samples, 16), 3);
        for (size_t p = 0; p < 12; p++)
            assert_in_range(abs(read.pixels[p] - cases[i].expected[p]), 0, 1);
        mb_pictures_free(&read);
    }
}

/* The picture with EXIF's orientation. */
static mb_bytes turned(PIX *pix, int orientation)
{
    enum { HEADER = 33 };
    uint8_t exif[26] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\3\0\0\0\1\0";
    exif[19] = (uint8_t)orientation;
    const mb_bytes png = write_pix(pix, IFF_PNG);
    mb_bytes bytes = mb_test_add_chunk(mb_test_bytes(png.data, HEADER), "eXIf",
                                       mb_test_bytes(exif, sizeof exif));
    bytes = mb_test_join(bytes, mb_test_bytes(png.data + HEADER, png.size - HEADER));
    free(png.data);
    return bytes;
}

/* Each channel is turned as the gray picture of it. */
TEST(orientation)
{
    static const int components[] = {COLOR_RED, COLOR_GREEN, COLOR_BLUE};
    PIX *pix = color_pix();
    for (int orientation = 1; orientation <= 8; orientation++) {
        mb_pictures color = parse(turned(pixClone(pix), orientation), 3);
        for (size_t c = 0; c < 3; c++) {
            PIX *one = pixGetRGBComponent(pix, components[c]);
            mb_pictures gray = parse(turned(one, orientation), 1);
            assert_int_equal(color.rows, gray.rows);
            assert_int_equal(color.columns, gray.columns);
            assert_memory_equal(color.pixels + c * PLANE, gray.pixels, PLANE);
            mb_pictures_free(&gray);
        }
        mb_pictures_free(&color);
    }
    pixDestroy(&pix);
}

/* The left half of the file is (200, 40, 40), the right one (30, 60, 220). */
TEST(cmyk)
{
    static const uint8_t halves[2][3] = {{200, 40, 40}, {30, 60, 220}};
    mb_pictures read = {0};
    mb_error error = {MB_OK, ""};
    if (mb_pictures_read(MB_GOLDEN_DIR "/../fuzz/seeds/cmyk.jpg", 3, &read, &error) != MB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(read.rows, 8);
    assert_int_equal(read.columns, 16);
    for (size_t i = 0; i < 3 * 8 * 16; i++)
        assert_in_range(abs(read.pixels[i] - halves[i % 16 / 8][i / 128]), 0, 3);
    mb_pictures_free(&read);
}

/* Each channel is resized as a gray picture. */
TEST(fit_by_channel)
{
    static const size_t sizes[][2] = {{MB_TEST_ROWS, MB_TEST_COLUMNS}, {5, 6}, {40, 20}, {3, 30}};
    mb_pictures read = parse(write_pix(color_pix(), IFF_PNG), 3);
    for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
        const size_t rows = sizes[i][0], columns = sizes[i][1], plane = rows * columns;
        uint8_t *whole = mb_test_alloc(3, plane), *one = mb_test_alloc(1, plane);
        assert_int_equal(mb_picture_fit("x", read.pixels, 3, read.rows, read.columns, whole, rows,
                                        columns, NULL),
                         MB_OK);
        for (size_t c = 0; c < 3; c++) {
            mb_picture_fit("x", read.pixels + c * PLANE, 1, read.rows, read.columns, one, rows,
                           columns, NULL);
            assert_memory_equal(whole + c * plane, one, plane);
        }
    }
    mb_pictures_free(&read);
}

/* Cut at 200 places, JPEG and PNG are refused; with 200 bytes changed they are refused or whole. */
TEST(damaged_files)
{
    static const int formats[] = {IFF_PNG, IFF_JFIF_JPEG};
    for (size_t i = 0; i < TEST_COUNT(formats); i++) {
        const mb_bytes whole = write_pix(color_pix(), formats[i]);
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, i);
        for (size_t n = 0; n < 400; n++) {
            mb_pictures read = {0};
            mb_bytes bytes = mb_test_bytes(whole.data, whole.size);
            const size_t at = mb_rng_below(&rng, (uint32_t)whole.size);
            bytes.size = n < 200 ? at : whole.size;
            bytes.data[at] = n < 200 ? bytes.data[at] : (uint8_t)mb_rng_below(&rng, 256);
            const mb_status status = mb_pictures_parse("x", 3, &bytes, &read, NULL);
            assert_int_not_equal(status, MB_ERROR_MEMORY);
            assert_true(n >= 200 || status == MB_ERROR_FORMAT);
            for (size_t p = 0; p < read.count * 3 * read.rows * read.columns; p++)
                assert_in_range(read.pixels[p], 0, 255);
            mb_pictures_free(&read);
        }
        free(whole.data);
    }
}

/* Reads good and bad pictures, and resizes; returns NULL if the pixels are right. */
static void *read_often(void *unused)
{
    uint8_t image[3 * 20 * 20];
    bool right = true;
    (void)unused;
    for (size_t i = 0; i < 200; i++) {
        mb_pictures read = {0};
        mb_bytes good = mb_test_write_png((mb_test_png){MB_PNG_RGB, 8, false});
        mb_bytes bad = mb_test_text("II*\0not a TIFF");
        right = right && mb_pictures_parse("x", 3, &good, &read, NULL) == MB_OK;
        right = right && read.pixels[PLANE + 5] == mb_test_gray_at(0, 5, 8);
        right = right && mb_picture_fit("x", read.pixels, 3, read.rows, read.columns, image, 20, 20,
                                        NULL) == MB_OK;
        mb_pictures_free(&read);
        right = right && mb_pictures_parse("x", 3, &bad, &read, NULL) == MB_ERROR_FORMAT;
    }
    return right ? NULL : "wrong";
}

/* Leptonica's messages are as before when all have ended. */
TEST(several_threads)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    const int severity = setMsgSeverity(L_SEVERITY_WARNING);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(setMsgSeverity(severity), L_SEVERITY_WARNING);
}
