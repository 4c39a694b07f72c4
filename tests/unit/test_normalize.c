#include "core/rng.h"
#include "picture/normalize.h"
#include "support.h"
#include "synthetic/digits.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = MB_SYNTHETIC_SIDE, PIXELS = MB_SYNTHETIC_PIXELS, DIGITS = 100 };

/* A gray picture in memory. */
typedef struct picture {
    size_t rows, columns;
    uint8_t *gray;
} picture;

static picture blank(size_t rows, size_t columns, uint8_t gray)
{
    const picture made = {rows, columns, malloc(rows * columns)};
    assert_non_null(made.gray);
    memset(made.gray, gray, rows * columns);
    return made;
}

/* An image enlarged to blocks, with its upper left corner at (top, left) of a black picture. */
static picture placed(const uint8_t *image, size_t factor, size_t rows, size_t columns, size_t top,
                      size_t left)
{
    const picture made = blank(rows, columns, 0);
    for (size_t r = 0; r < SIDE * factor; r++)
        for (size_t c = 0; c < SIDE * factor; c++)
            made.gray[(top + r) * columns + left + c] = image[r / factor * SIDE + c / factor];
    return made;
}

static void invert(const picture *p)
{
    for (size_t i = 0; i < p->rows * p->columns; i++)
        p->gray[i] = (uint8_t)(255 - p->gray[i]);
}

static mb_status try_normalize(const picture *p, uint8_t *image, mb_error *error)
{
    return mb_picture_normalize("x", p->gray, p->rows, p->columns, MB_FRAMING_MNIST, image, SIDE,
                                SIDE, error);
}

/* Normalizes the picture and frees it. */
static void normalize(picture p, uint8_t *image)
{
    assert_int_equal(try_normalize(&p, image, NULL), MB_OK);
    free(p.gray);
}

static int max_difference(const uint8_t *one, const uint8_t *other)
{
    int max = 0;
    for (size_t i = 0; i < PIXELS; i++)
        max = abs(one[i] - other[i]) > max ? abs(one[i] - other[i]) : max;
    return max;
}

/* Mean difference per pixel in gray levels: 20 for a shift by one pixel. */
static double mean_difference(const uint8_t *one, const uint8_t *other)
{
    double sum = 0.0;
    for (size_t i = 0; i < PIXELS; i++)
        sum += abs(one[i] - other[i]);
    return sum / PIXELS;
}

/* Normalizing a normalized image changes only faint edges. */
TEST(images_in_the_form_stay)
{
    uint8_t digit[PIXELS], once[PIXELS], twice[PIXELS];
    for (size_t i = 0; i < DIGITS; i++) {
        mb_synthetic_digit(1, i, digit);
        normalize(placed(digit, 1, SIDE, SIDE, 0, 0), once);
        normalize(placed(once, 1, SIDE, SIDE, 0, 0), twice);
        assert_in_range(max_difference(once, twice), 0, 12);
    }
}

/* A digit enlarged with linear interpolation, as programs for pictures do. */
static picture smooth(const uint8_t *image, size_t factor)
{
    const picture made = blank(SIDE * factor, SIDE * factor, 0);
    for (size_t i = 0; i < made.rows * made.columns; i++) {
        const double y = ((double)(i / made.columns) + 0.5) / (double)factor - 0.5;
        const double x = ((double)(i % made.columns) + 0.5) / (double)factor - 0.5;
        double value = 0.0;
        for (size_t p = 0; p < PIXELS; p++)
            value += image[p] * fmax(0.0, 1.0 - fabs(y - (double)(p / SIDE))) *
                     fmax(0.0, 1.0 - fabs(x - (double)(p % SIDE)));
        made.gray[i] = (uint8_t)lround(value);
    }
    return made;
}

/* Blurred edges begin outside of the ink: they must not make it smaller, or shift it. */
TEST(smooth_enlargements)
{
    enum { SOME = 20 };
    uint8_t digit[PIXELS], one[PIXELS], other[PIXELS];
    double sum = 0.0;
    for (size_t factor = 3; factor <= 9; factor += 3)
        for (size_t i = 0; i < SOME; i++) {
            mb_synthetic_digit(13, i, digit);
            normalize(placed(digit, 1, SIDE, SIDE, 0, 0), one);
            normalize(smooth(one, factor), other);
            sum += mean_difference(one, other);
        }
    assert_true(sum / (3 * SOME) < 5.5); /* interpolation alone makes most of it */
}

TEST(light_and_dark_ink_are_the_same)
{
    uint8_t digit[PIXELS], light[PIXELS], dark[PIXELS];
    for (size_t i = 0; i < DIGITS; i++) {
        mb_synthetic_digit(2, i, digit);
        const picture inverse = placed(digit, 3, 90, 100, 4, 9);
        invert(&inverse);
        normalize(placed(digit, 3, 90, 100, 4, 9), light);
        normalize(inverse, dark);
        assert_in_range(max_difference(light, dark), 0, 1);
    }
}

TEST(the_place_in_the_picture_does_not_matter)
{
    uint8_t digit[PIXELS], one[PIXELS], other[PIXELS];
    for (size_t i = 0; i < DIGITS; i++) {
        mb_synthetic_digit(3, i, digit);
        normalize(placed(digit, 2, 150, 130, 0, 3), one);
        normalize(placed(digit, 2, 150, 130, 90, 60), other);
        assert_memory_equal(one, other, PIXELS);
    }
}

/* If the center of mass is close to half a pixel, the smallest difference shifts a digit by a whole
 * pixel; few digits do. */
TEST(the_size_in_the_picture_hardly_matters)
{
    uint8_t digit[PIXELS], one[PIXELS], other[PIXELS];
    for (size_t factor = 2; factor <= 30; factor += 7) {
        const size_t side = SIDE * factor;
        size_t alike = 0;
        for (size_t i = 0; i < DIGITS; i++) {
            mb_synthetic_digit(4, i, digit);
            normalize(placed(digit, 1, SIDE, SIDE, 0, 0), one);
            normalize(placed(digit, factor, side, side, 0, 0), other);
            alike += mean_difference(one, other) < 2.0;
        }
        assert_in_range(alike, DIGITS * 95 / 100, DIGITS);
    }
}

TEST(the_center_of_mass_is_the_center)
{
    uint8_t digit[PIXELS], image[PIXELS];
    for (size_t i = 0; i < DIGITS; i++) {
        double mass = 0.0, down = 0.0, across = 0.0;
        mb_synthetic_digit(5, i, digit);
        normalize(placed(digit, 4, 200, 160, 61, 17), image);
        for (size_t p = 0; p < PIXELS; p++) {
            mass += image[p];
            down += (double)image[p] * (double)(p / SIDE);
            across += (double)image[p] * (double)(p % SIDE);
        }
        /* gray levels are rounded after the shift */
        assert_true(fabs(down / mass - SIDE / 2) < 0.51);
        assert_true(fabs(across / mass - SIDE / 2) < 0.51);
        assert_non_null(memchr(image, 255, PIXELS));
    }
}

/* A 2 x 10 bar is cropped, scaled to 20 rows and centred. */
TEST(a_bar_fills_the_box)
{
    uint8_t image[PIXELS];
    const picture p = blank(40, 60, 200);
    for (size_t r = 5; r < 35; r++)
        memset(p.gray + r * 60 + 7, 90, 6);
    normalize(p, image);
    for (size_t r = 0; r < SIDE; r++)
        for (size_t c = 0; c < SIDE; c++) /* the center is between two columns: both are right */
            assert_int_equal(image[r * SIDE + c], r >= 4 && r < 24 && c >= 12 && c < 16 ? 255 : 0);
}

/* Gray paper, half as bright on one side, with noise: the result is close to that of the
 * digit alone. */
TEST(uneven_light_and_noise)
{
    uint8_t digit[PIXELS], clean[PIXELS], found[PIXELS];
    size_t alike = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        mb_synthetic_digit(6, i, digit);
        const picture p = placed(digit, 6, 250, 220, 50, 20);
        mb_rng rng = mb_rng_at(7, MB_RNG_TESTS, 0, i);
        for (size_t pixel = 0; pixel < p.rows * p.columns; pixel++) {
            const double paper = 110.0 + 110.0 * (double)(pixel % p.columns) / (double)p.columns;
            const double ink = 1.0 - 0.8 * p.gray[pixel] / 255.0;
            p.gray[pixel] = (uint8_t)(paper * ink + 8.0 * (double)mb_rng_uniform(&rng));
        }
        normalize(placed(digit, 6, 250, 220, 50, 20), clean);
        normalize(p, found);
        alike += mean_difference(clean, found) < 3.0;
    }
    assert_in_range(alike, DIGITS * 90 / 100, DIGITS); /* the others are shifted by a pixel */
}

TEST(specks_are_dropped)
{
    uint8_t digit[PIXELS], clean[PIXELS], found[PIXELS];
    mb_synthetic_digit(8, 0, digit);
    const picture p = placed(digit, 5, 200, 200, 30, 30);
    p.gray[5 * 200 + 5] = 255;
    p.gray[190 * 200 + 100] = p.gray[190 * 200 + 101] = 255;
    normalize(placed(digit, 5, 200, 200, 30, 30), clean);
    normalize(p, found);
    assert_memory_equal(clean, found, PIXELS);
}

/* What may be around a digit of dark ink on white paper. */
static void add_frame(const picture *p)
{
    for (size_t i = 0; i < p->rows * p->columns; i++) {
        const size_t r = i / p->columns, c = i % p->columns;
        if ((r >= 8 && r < 192 && c >= 8 && c < 192) && !(r >= 11 && r < 189 && c >= 11 && c < 189))
            p->gray[i] = 20;
    }
}

static void add_squares(const picture *p)
{
    for (size_t i = 0; i < p->rows * p->columns; i++)
        if ((i / p->columns % 24 == 5 || i % p->columns % 24 == 5) && p->gray[i] > 190)
            p->gray[i] = 190;
}

static void add_shadow(const picture *p)
{
    for (size_t i = 0; i < p->rows * p->columns; i++)
        if (i / p->columns + 2 * (i % p->columns) < 260)
            p->gray[i] = p->gray[i] / 5 * 3;
}

/* Table on the left and below. */
static void add_table(const picture *p)
{
    for (size_t i = 0; i < p->rows * p->columns; i++)
        if (i / p->columns > 175 || i % p->columns < 20)
            p->gray[i] = 60;
}

TEST(surroundings_are_no_ink)
{
    static void (*const add[])(const picture *) = {add_frame, add_squares, add_shadow, add_table};
    uint8_t digit[PIXELS], clean[PIXELS], found[PIXELS];
    for (size_t kind = 0; kind < sizeof add / sizeof *add; kind++) {
        size_t alike = 0;
        for (size_t i = 0; i < DIGITS; i++) {
            mb_synthetic_digit(11, i, digit);
            const picture p = placed(digit, 5, 200, 200, 30, 30);
            invert(&p);
            add[kind](&p);
            normalize(placed(digit, 5, 200, 200, 30, 30), clean);
            normalize(p, found);
            alike += mean_difference(clean, found) < 3.0;
        }
        assert_in_range(alike, DIGITS * 95 / 100, DIGITS);
    }
}

/* A straight stroke through most of the picture, alone, is no ruled line. */
TEST(a_thin_one_is_not_blank)
{
    uint8_t image[PIXELS];
    const picture p = blank(SIDE, SIDE, 0);
    for (size_t r = 4; r < 24; r++)
        p.gray[r * SIDE + 13 + r / 16] = 255;
    normalize(p, image);
    assert_non_null(memchr(image, 255, PIXELS));
}

/* What is left of a form's line, as beside some of MNIST's digits, is no second digit. */
TEST(a_broken_line_is_no_digit)
{
    uint8_t image[PIXELS];
    const picture p = blank(SIDE, SIDE, 0);
    for (size_t r = 4; r < 24; r++) {
        memset(p.gray + r * SIDE + 9, 255, 3);
        p.gray[r * SIDE + 18] = r % 7 < 3 ? 255 : 0;
    }
    normalize(p, image);
}

/* Half of the picture is ink. */
TEST(thick_strokes_cropped)
{
    uint8_t image[PIXELS];
    const picture p = blank(80, 30, 245);
    for (size_t r = 0; r < 80; r++)
        for (size_t c = 0; c < 30; c++)
            p.gray[r * 30 + c] =
                (uint8_t)fmin(245.0, 30.0 + fmax(0.0, fabs((double)c - 15.0) - 6.0) * 40.0);
    normalize(p, image);
    assert_int_equal(image[14 * SIDE + 14], 255);
}

/* Pale ink is as wide as black ink. */
TEST(the_strength_of_the_ink_does_not_matter)
{
    uint8_t digit[PIXELS], black[PIXELS], pale[PIXELS];
    for (size_t i = 0; i < DIGITS; i++) {
        mb_synthetic_digit(14, i, digit);
        const picture p = placed(digit, 4, 112, 112, 0, 0);
        for (size_t pixel = 0; pixel < p.rows * p.columns; pixel++)
            p.gray[pixel] = (uint8_t)(240 - p.gray[pixel] / 4);
        normalize(placed(digit, 4, 112, 112, 0, 0), black);
        normalize(p, pale);
        assert_true(mean_difference(black, pale) < 3.0);
    }
}

TEST(two_digits_are_said)
{
    uint8_t digit[PIXELS], other[PIXELS], image[PIXELS];
    size_t said = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        mb_synthetic_digit(12, i, digit);
        mb_synthetic_digit(12, i + DIGITS, other);
        const picture p = placed(digit, 4, 120, 240, 4, 4), q = placed(other, 4, 120, 240, 4, 120);
        mb_error error = {MB_OK, ""};
        for (size_t pixel = 0; pixel < 120 * 240; pixel++)
            p.gray[pixel] |= q.gray[pixel];
        try_normalize(&p, image, &error);
        said += strncmp(error.text, "x: looks like 2 digits", 22) == 0;
        free(p.gray);
        free(q.gray);
    }
    assert_in_range(said, DIGITS * 95 / 100, DIGITS);
}

TEST(blank_pictures)
{
    static const size_t sides[][2] = {{1, 1}, {1, 50}, {28, 28}, {300, 200}};
    static const uint8_t grays[] = {0, 128, 255};
    uint8_t image[PIXELS];
    for (size_t i = 0; i < 12; i++) {
        const picture p = blank(sides[i / 3][0], sides[i / 3][1], grays[i % 3]);
        mb_error error = {MB_OK, ""};
        assert_int_equal(try_normalize(&p, image, &error), MB_ERROR_FORMAT);
        mb_test_check_error(&error, MB_ERROR_FORMAT, "x: nothing stands out");
        free(p.gray);
    }
}

TEST(noise_alone_is_nothing)
{
    uint8_t image[PIXELS];
    const picture p = blank(200, 200, 0);
    mb_rng rng = mb_rng_at(9, MB_RNG_TESTS, 0, 0);
    for (size_t i = 0; i < 200 * 200; i++)
        p.gray[i] = (uint8_t)(120 + mb_rng_below(&rng, 20));
    assert_int_equal(try_normalize(&p, image, NULL), MB_ERROR_FORMAT);
    free(p.gray);
}

/* Other input sizes, and pictures one pixel wide: the digit is inside the image, and its maximum is
 * 255. */
TEST(any_size_to_any_size)
{
    for (size_t from = 0; from < 200; from++) {
        mb_rng rng = mb_rng_at(10, MB_RNG_TESTS, 0, from);
        const picture p = blank(1 + mb_rng_below(&rng, 30), 2 + mb_rng_below(&rng, 30), 30);
        const size_t rows = 1 + mb_rng_below(&rng, 40), columns = 1 + mb_rng_below(&rng, 40);
        uint8_t *image = malloc(rows * columns);
        p.gray[mb_rng_below(&rng, (uint32_t)(p.rows * p.columns))] = 250;
        const mb_status status = mb_picture_normalize("x", p.gray, p.rows, p.columns,
                                                      MB_FRAMING_MNIST, image, rows, columns, NULL);
        assert_true(status == MB_OK || status == MB_ERROR_FORMAT);
        if (status == MB_OK)
            assert_non_null(memchr(image, 255, rows * columns));
        free(image);
        free(p.gray);
    }
}
