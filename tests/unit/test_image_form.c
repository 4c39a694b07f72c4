#include "data/dataset.h"
#include "picture/normalize.h"
#include "support.h"
#include "test.h"

#include <string.h>

enum { COUNT = 10, MAX_SIDE = 56, MAX_PIXELS = MAX_SIDE * MAX_SIDE };

/* Bars of this height and a fifth of it in width, their upper end at `top` of 28 rows; the last
 * `others` images are blank, or filled if `filled`. */
typedef struct form_case {
    size_t side, height, top, others;
    bool filled, inverted;
    mb_framing framing;
} form_case;

static void draw(const form_case *c, size_t index, uint8_t *image)
{
    const size_t scale = c->side / 28, height = c->height * scale, top = c->top * scale;
    const size_t left = (c->side - height / 5) / 2;
    const bool other = index >= COUNT - c->others;
    memset(image, other && c->filled ? 200 : 0, c->side * c->side);
    for (size_t row = top; !other && row < top + height; row++)
        memset(image + row * c->side + left, 200, height / 5);
    for (size_t i = 0; c->inverted && i < c->side * c->side; i++)
        image[i] = (uint8_t)(255 - image[i]);
}

/* Photographs are standardized by each channel; images with a background are not. */
TEST(images_without_ground_are_standardized)
{
    enum { SIDE = 8, PLANE = SIDE * SIDE, ALL = 2 * 3 * PLANE };
    uint8_t pixels[ALL];
    for (size_t i = 0; i < ALL; i++) /* 100 and 140 in the first channel, 10 more in the next */
        pixels[i] = (uint8_t)(100 + i % 2 * 40 + i / PLANE % 3 * 10);
    const mb_images images = {pixels, 2, 3, SIDE, SIDE};
    mb_image_form form = mb_images_measure(&images);
    assert_int_equal(form.ground, MB_GROUND_DARK);
    assert_true(mb_form_is_standardized(&form));
    for (size_t c = 0; c < 3; c++) {
        assert_float_equal(form.standardization.mean[c], (120.0f + 10.0f * (float)c) / 255.0f,
                           1e-6f);
        assert_float_equal(form.standardization.std[c], 20.0f / 255.0f, 1e-6f);
    }
    memset(pixels, 7, ALL);
    assert_float_equal(mb_images_standardization(&images).std[1], 1.0f, 0.0f);
    for (int value = 0; value < 256; value += 255) {
        memset(pixels, value, ALL);
        form = mb_images_measure(&images);
        assert_false(mb_form_is_standardized(&form));
    }
}

TEST(framing_is_measured)
{
    static const form_case cases[] = {
        {28, 20, 4, 0, false, false, MB_FRAMING_MNIST},
        {28, 20, 4, 0, false, true, MB_FRAMING_MNIST},
        {56, 20, 4, 0, false, false, MB_FRAMING_MNIST},
        {28, 21, 3, 0, false, false, MB_FRAMING_MNIST},
        {28, 24, 2, 0, false, false, MB_FRAMING_EMNIST},
        {28, 24, 2, 0, false, true, MB_FRAMING_EMNIST},
        {56, 24, 2, 1, true, false, MB_FRAMING_EMNIST},
        {28, 24, 4, 0, false, false, MB_FRAMING_NONE},
        {28, 26, 1, 0, false, false, MB_FRAMING_NONE},
        {28, 28, 0, 0, false, false, MB_FRAMING_NONE},
        {28, 20, 1, 0, false, false, MB_FRAMING_NONE},
        {28, 12, 8, 0, false, false, MB_FRAMING_NONE},
        {28, 20, 4, 1, true, false, MB_FRAMING_MNIST},
        {28, 20, 4, 2, true, false, MB_FRAMING_NONE},
        {28, 20, 4, 5, false, false, MB_FRAMING_MNIST},
        {28, 20, 4, 10, false, false, MB_FRAMING_NONE},
    };
    static uint8_t pixels[COUNT * MAX_PIXELS];
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        const size_t side = cases[c].side;
        for (size_t i = 0; i < COUNT; i++)
            draw(&cases[c], i, pixels + i * side * side);
        const mb_images images = {pixels, COUNT, 1, side, side};
        const mb_image_form form = mb_images_measure(&images);
        if (form.framing != cases[c].framing ||
            form.ground != (cases[c].inverted ? MB_GROUND_LIGHT : MB_GROUND_DARK))
            fail_msg("case %zu: framing %d, ground %d", c, (int)form.framing, (int)form.ground);
    }
}

/* MNIST's form is of one channel. */
TEST(images_of_colour_have_no_framing)
{
    static uint8_t pixels[3 * MAX_PIXELS];
    const form_case bar = {28, 20, 4, 0, false, false, MB_FRAMING_MNIST};
    for (size_t channel = 0; channel < 3; channel++)
        draw(&bar, 0, pixels + channel * 28 * 28);
    const mb_images images = {pixels, 1, 3, 28, 28};
    assert_int_equal(mb_images_measure(&images).framing, MB_FRAMING_NONE);
}

/* `dark` of the 20 pixels at the border are 0 to 31, `light` 224 to 255, the others between. */
TEST(photographs_have_no_ground)
{
    static const struct {
        size_t dark, light;
        bool is_dark, is_light;
    } cases[] = {{20, 0, true, false}, {10, 0, true, false}, {9, 0, false, false},
                 {2, 2, false, false}, {9, 9, false, false}, {0, 9, false, false},
                 {10, 10, true, true}, {0, 10, false, true}, {0, 20, false, true}};
    enum { SIDE = 6, BORDER = 20 };
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        uint8_t pixels[SIDE * SIDE];
        for (size_t i = 0, at = 0; i < sizeof pixels; i++) {
            const size_t row = i / SIDE, column = i % SIDE;
            const bool border = row % (SIDE - 1) == 0 || column % (SIDE - 1) == 0;
            pixels[i] = (uint8_t)(7 * at % 32);
            if (!border || (at >= cases[c].dark && at < BORDER - cases[c].light))
                pixels[i] = (uint8_t)(100 + 5 * at);
            else if (at >= cases[c].dark)
                pixels[i] ^= 255;
            at += border;
        }
        const mb_images images = {pixels, 1, 1, SIDE, SIDE};
        if (mb_images_have_ground(&images, MB_GROUND_DARK) != cases[c].is_dark ||
            mb_images_have_ground(&images, MB_GROUND_LIGHT) != cases[c].is_light)
            fail_msg("case %zu", c);
    }
}

/* A picture for a model of EMNIST's images, an L: the middle of the ink's box, not its center of
 * mass, is that of the image. */
TEST(pictures_get_the_framing_that_is_measured)
{
    enum { ROWS = 300, COLUMNS = 200, HEIGHT = 120, STROKE = 10, SIDE = 28 };
    static uint8_t gray[ROWS * COLUMNS], image[SIDE * SIDE];
    memset(gray, 255, sizeof gray);
    for (size_t row = 0; row < HEIGHT; row++)
        memset(gray + (50 + row) * COLUMNS + 90, 0,
               row + 2 * STROKE < HEIGHT ? STROKE : 6 * STROKE);
    assert_int_equal(
        mb_picture_normalize("x", gray, ROWS, COLUMNS, MB_FRAMING_EMNIST, image, SIDE, SIDE, NULL),
        MB_OK);
    for (size_t row = 0; row < SIDE; row++)
        for (size_t column = 0; column < SIDE; column++) {
            const bool inside = row >= 2 && row < 26 && column >= 8 && column < 20;
            const bool ink = inside && (row >= 22 || column < 10);
            if (image[row * SIDE + column] != (ink ? 255 : 0))
                fail_msg("(%zu, %zu): %d", row, column, image[row * SIDE + column]);
        }
    const mb_images images = {image, 1, 1, SIDE, SIDE};
    assert_int_equal(mb_images_measure(&images).framing, MB_FRAMING_EMNIST);
}
