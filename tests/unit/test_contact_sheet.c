#include "support.h"
#include "test.h"

#include <cairo.h>
#include <mnist_blas/inspection.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 256, WIDTH = 900, MARGIN = 24, TOP = 110 /* of the first image */ };

/* `count` images of zeros, which go round the classes; freed after the TEST. */
static mb_dataset make_dataset(mb_shape shape, size_t count, size_t classes)
{
    const size_t pixels = shape.channels * shape.rows * shape.columns;
    uint8_t *labels = mb_test_alloc(count, 1);
    for (size_t i = 0; i < count; i++)
        labels[i] = (uint8_t)(i % classes);
    return (mb_dataset){
        .classes = classes,
        .train = {{mb_test_alloc(count, pixels), count, shape.channels, shape.rows, shape.columns},
                  labels}};
}

/* The sheet of a dataset as cairo reads it. */
static cairo_surface_t *draw(const mb_dataset *dataset)
{
    mb_error error = {MB_OK, ""};
    char *path = mb_path_join(mb_test_folder(), "sheet.png");
    mb_contact_sheet_write(dataset, path, &error);
    assert_string_equal(error.text, "");
    cairo_surface_t *sheet = cairo_image_surface_create_from_png(path);
    free(path);
    assert_int_equal(cairo_surface_status(sheet), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_width(sheet), WIDTH);
    return sheet;
}

static uint32_t colour_at(cairo_surface_t *sheet, size_t x, size_t y)
{
    const size_t stride = (size_t)cairo_image_surface_get_stride(sheet);
    uint32_t pixel;
    memcpy(&pixel, cairo_image_surface_get_data(sheet) + y * stride + 4 * x, sizeof pixel);
    return pixel & 0xffffff;
}

/* The colour of image i says its number; it is never that of a text or a frame. */
static uint32_t colour_of(size_t i) { return (uint32_t)(0x400000 + i); }

static void paint(mb_dataset *dataset)
{
    const mb_images *images = &dataset->train.images;
    const size_t plane = images->rows * images->columns;
    uint8_t *pixels = mb_test_alloc(images->count, 3 * plane);
    for (size_t i = 0; i < images->count; i++)
        for (size_t c = 0; c < 3; c++)
            memset(pixels + (3 * i + c) * plane, (int)(colour_of(i) >> (16 - 8 * c) & 255), plane);
    dataset->train.images.pixels = pixels;
}

/* 48 of 1,000 images of the first class, in 4 rows, and the only one of the second. The last
 * images are of the validation split. */
TEST(images_are_spaced_evenly_over_their_class)
{
    enum { IMAGES = 1001, VALIDATION = 50, COLUMNS = 12, SHOWN = 4 * COLUMNS, BOX = 64 };
    mb_dataset dataset = make_dataset((mb_shape){3, 32, 32}, IMAGES + VALIDATION, 2);
    uint8_t *labels = mb_test_alloc(IMAGES + VALIDATION, 1);
    labels[500] = 1;
    dataset.train.labels = labels;
    dataset.validation = VALIDATION;
    paint(&dataset);
    cairo_surface_t *sheet = draw(&dataset);
    for (size_t place = 0; place < SHOWN; place++) {
        const size_t number = place * (IMAGES - 1) / SHOWN, column = place % COLUMNS;
        const size_t x = MARGIN + column * (WIDTH - 2 * MARGIN - BOX) / (COLUMNS - 1) + BOX / 2;
        const size_t y = TOP + place / COLUMNS * (BOX + 4) + BOX / 2;
        assert_int_equal(colour_at(sheet, x, y), colour_of(number + (number >= 500)));
    }
    assert_int_equal(colour_at(sheet, MARGIN + BOX / 2, 84 + 310 + 26 + BOX / 2), colour_of(500));
    assert_int_equal(colour_at(sheet, WIDTH / 2, 84 + 310 + 26 + BOX / 2), 0xffffff);
    cairo_surface_destroy(sheet);
}

/* Nothing is drawn over the edges, and each image has its colour. */
TEST(images_of_all_shapes_and_numbers_of_classes_fit)
{
    static const size_t cases[][4] = {
        {1, 1, 2, 9000},     {28, 28, 10, 200},    {32, 32, 20, 900},   {300, 7, 256, 520},
        {7, 300, 31, 200},   {100, 100, 256, 600}, {101, 101, 61, 200}, {148, 147, 60, 200},
        {60, 10, 255, 1000}, {32000, 1, 3, 9},     {1, 16000, 3, 9},    {148, 148, 2, 1}};
    static char texts[MAX_CLASSES][101];
    static const char *names[MAX_CLASSES];
    for (size_t i = 0; i < MAX_CLASSES; i++) {
        snprintf(texts[i], sizeof texts[i], "%0*zu", i % 2 == 0 ? 3 : 100, i);
        names[i] = texts[i];
    }
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const size_t classes = cases[i][2], count = cases[i][3];
        mb_dataset dataset = make_dataset((mb_shape){3, cases[i][0], cases[i][1]}, count, classes);
        dataset.class_names = i % 2 == 0 ? names : NULL;
        paint(&dataset);
        cairo_surface_t *sheet = draw(&dataset);
        const size_t height = (size_t)cairo_image_surface_get_height(sheet);
        bool seen[MAX_CLASSES] = {false};
        assert_in_range(height, 150, 13000);
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < WIDTH; x++) {
                const uint32_t colour = colour_at(sheet, x, y);
                if (colour - colour_of(0) < count)
                    seen[(colour - colour_of(0)) % classes] = true;
                if (x < MARGIN - 1 || x > WIDTH - MARGIN || y > height - MARGIN)
                    assert_int_equal(colour, 0xffffff);
            }
        for (size_t class = 0; class < classes && class < count; class ++)
            assert_true(seen[class]);
        cairo_surface_destroy(sheet);
    }
}

TEST(equal_data_give_equal_files)
{
    mb_dataset dataset = make_dataset((mb_shape){1, 9, 8}, 100, 3);
    mb_bytes first, second;
    char *path = mb_path_join(mb_test_folder(), "sheet.png");
    cairo_surface_destroy(draw(&dataset));
    assert_int_equal(mb_file_read(path, 1 << 20, &first, NULL), MB_OK);
    cairo_surface_destroy(draw(&dataset));
    assert_int_equal(mb_file_read(path, 1 << 20, &second, NULL), MB_OK);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    free(first.data);
    free(second.data);
    free(path);
}

TEST(refuses_what_it_cannot_draw_or_write)
{
    mb_dataset dataset = make_dataset((mb_shape){1, 9, 8}, 100, 3);
    mb_error error;
    assert_int_equal(mb_contact_sheet_write(NULL, "a.png", &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "dataset and path must not be NULL");
    assert_int_equal(mb_contact_sheet_write(&dataset, NULL, NULL), MB_ERROR_INVALID);
    mb_contact_sheet_write(&dataset, "no/folder/a.png", &error);
    mb_test_check_error(&error, MB_ERROR_IO, "no/folder/a.png: cannot be written");
    dataset.validation = 100;
    mb_contact_sheet_write(&dataset, "a.png", &error);
    mb_test_check_error(&error, MB_ERROR_INVALID, "needs training images");
    dataset.validation = 0;
    dataset.classes = 257;
    mb_contact_sheet_write(&dataset, "a.png", &error);
    mb_test_check_error(&error, MB_ERROR_INVALID, "at most 256 classes");
}
