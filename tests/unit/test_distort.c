#include "core/rng.h"
#include "data/distort.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, IMAGES = 600, MAX_BYTES = 3 * PIXELS };

static const double pi = 3.14159265358979323846;
static const double degree = 3.14159265358979323846 / 180.0;
static const mb_shape gray = {1, SIDE, SIDE};

/* Images, and what distorts them. */
typedef struct bench {
    mb_arena arena;
    mb_sample_source source;
    mb_distortion distortion;
    mb_augmenter augmenter;
    uint8_t *pixels;
    void *scratch;
    uint8_t image[MAX_BYTES]; /* the last one that was distorted */
} bench;

static uint8_t labels[IMAGES];

/* Images of `value`; after a change of the pixels, prepare(b). */
static bench *make_bench(mb_shape shape, size_t count, uint8_t value)
{
    const size_t bytes = shape.channels * shape.rows * shape.columns;
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->pixels = malloc(count * bytes);
    assert_non_null(b->pixels);
    memset(b->pixels, value, count * bytes);
    b->source.split =
        (mb_split){{b->pixels, count, shape.channels, shape.rows, shape.columns}, labels};
    return b;
}

static void prepare(bench *b)
{
    const mb_split split = b->source.split;
    assert_int_equal(mb_sample_source_open(&split, NULL, true, &b->arena, &b->source, NULL), MB_OK);
    assert_int_equal(mb_distorter_open(&b->distortion, &b->source, &b->arena, &b->augmenter, NULL),
                     MB_OK);
    b->scratch = mb_arena_alloc(&b->arena, b->augmenter.scratch, 1);
    assert_non_null(b->scratch);
}

static void free_bench(bench *b)
{
    mb_arena_free(&b->arena);
    free(b->pixels);
    free(b);
}

/* A bench of random images: strokes on black, or no pixel black. */
static bench *random_bench(mb_shape shape, size_t count, bool dense)
{
    bench *b = make_bench(shape, count, 0);
    for (size_t i = 0; i < count * shape.channels * shape.rows * shape.columns; i++)
        if (dense || mb_rng_below(mb_test_rng(), 4) == 0)
            b->pixels[i] = (uint8_t)mb_test_random_size(1, 255);
    prepare(b);
    return b;
}

/* Distorts image `number`. */
static const uint8_t *distort(bench *b, mb_distortion_kind kind, double strength, size_t number)
{
    b->distortion.kind = kind;
    b->distortion.strength = strength;
    mb_augment_image(&b->augmenter, mb_kernels_best(), number, 0, b->scratch, b->image);
    return b->image;
}

TEST(strength_0_changes_nothing)
{
    static const mb_shape shapes[] = {{1, 1, 1}, {3, 5, 7}, {1, 28, 28}, {3, 28, 28}, {1, 1, 40}};
    for (size_t s = 0; s < 2 * TEST_COUNT(shapes); s++) {
        bench *b = random_bench(shapes[s / 2], 9, s % 2);
        for (size_t number = 0; number < 9; number++)
            for (size_t kind = 0; kind < MB_DISTORTIONS; kind++)
                assert_memory_equal(distort(b, (mb_distortion_kind)kind, 0.0, number),
                                    b->pixels + number * b->source.pixels, b->source.pixels);
        free_bench(b);
    }
}

/* The center of mass of an image, from the center of its pixels; the sum of its pixels is about
 * that of one white pixel. */
static void find_mass(const uint8_t *image, double *x, double *y)
{
    double sum = *x = *y = 0.0;
    for (size_t p = 0; p < PIXELS; p++) {
        sum += image[p];
        *x += image[p] * ((double)(p % SIDE) - 0.5 * (SIDE - 1));
        *y += image[p] * ((double)(p / SIDE) - 0.5 * (SIDE - 1));
    }
    assert_true(fabs(sum - 255.0) < 60.0);
    *x /= sum;
    *y /= sum;
}

/* Images of one white pixel. */
static bench *pixel_bench(size_t row, size_t column)
{
    bench *b = make_bench(gray, IMAGES, 0);
    for (size_t i = 0; i < IMAGES; i++)
        b->pixels[i * PIXELS + row * SIDE + column] = 255;
    prepare(b);
    return b;
}

/* In a direction that is the same at all distances, and in each eighth of the circle for an eighth
 * of the images. */
TEST(a_shift_moves_a_pixel_by_its_distance)
{
    static const double distances[] = {0.5, 1.0, 3.25, 10.0};
    size_t octants[8] = {0};
    bench *b = pixel_bench(14, 13);
    for (size_t number = 0; number < IMAGES; number++) {
        double x, y, towards = 0.0;
        for (size_t d = 0; d < TEST_COUNT(distances); d++) {
            find_mass(distort(b, MB_DISTORTION_SHIFT, distances[d], number), &x, &y);
            x += 0.5;
            y -= 0.5;
            assert_true(fabs(hypot(x, y) - distances[d]) < 0.02);
            towards = d == 0 ? atan2(y, x) : towards;
            assert_true(hypot(x - distances[d] * cos(towards), y - distances[d] * sin(towards)) <
                        0.03 * (1.0 + distances[d]));
        }
        octants[(size_t)floor((towards / degree + 180.0) / 45.0) % 8]++;
    }
    for (size_t i = 0; i < 8; i++)
        assert_in_range(octants[i], IMAGES / 8 - 30, IMAGES / 8 + 30);
    free_bench(b);
}

/* About the center, either way. */
TEST(a_rotation_moves_a_pixel_by_its_angle)
{
    static const double angles[] = {7.5, 30.0, 135.0};
    bench *b = pixel_bench(6, 21);
    size_t clockwise = 0;
    for (size_t number = 0; number < IMAGES; number++) {
        double sign = 0.0;
        for (size_t a = 0; a < TEST_COUNT(angles); a++) {
            double x, y;
            find_mass(distort(b, MB_DISTORTION_ROTATION, angles[a], number), &x, &y);
            if (a == 0)
                sign = x > 7.5 ? 1.0 : -1.0; /* from the upper right, clockwise is to the right */
            const double cosine = cos(angles[a] * degree), sine = sign * sin(angles[a] * degree);
            assert_true(hypot(x - (cosine * 7.5 + sine * 7.5), y - (sine * 7.5 - cosine * 7.5)) <
                        0.2); /* interpolation moves the mass */
        }
        clockwise += sign > 0.0;
    }
    assert_in_range(clockwise, IMAGES / 2 - 60, IMAGES / 2 + 60);
    free_bench(b);
}

/* Pixel for pixel, in all channels. */
TEST(a_quarter_turn_is_exact)
{
    bench *b = random_bench((mb_shape){3, SIDE, SIDE}, 20, false);
    size_t senses[2] = {0};
    for (size_t number = 0; number < 20; number++) {
        const uint8_t *rotated = distort(b, MB_DISTORTION_ROTATION, 90.0, number);
        bool same[2] = {true, true};
        for (size_t i = 0; i < MAX_BYTES; i++) {
            const size_t row = i % PIXELS / SIDE, column = i % SIDE, last = SIDE - 1;
            const uint8_t *channel = b->pixels + number * MAX_BYTES + i / PIXELS * PIXELS;
            same[0] = same[0] && rotated[i] == channel[(last - column) * SIDE + row];
            same[1] = same[1] && rotated[i] == channel[column * SIDE + last - row];
        }
        assert_true(same[0] != same[1]);
        senses[same[1]]++;
    }
    assert_true(senses[0] > 0 && senses[1] > 0);
    free_bench(b);
}

TEST(images_without_a_background_are_mirrored_at_the_border)
{
    bench *b = make_bench((mb_shape){3, SIDE, SIDE}, 20, 77);
    prepare(b);
    for (size_t number = 0; number < 20; number++) {
        assert_memory_equal(distort(b, MB_DISTORTION_SHIFT, 40.0, number), b->pixels, MAX_BYTES);
        assert_memory_equal(distort(b, MB_DISTORTION_ROTATION, 33.0, number), b->pixels, MAX_BYTES);
    }
    free_bench(b);
}

/* The limits of means over 470,400 numbers are 4 standard errors or more. */
TEST(noise_is_gaussian_with_its_standard_deviation)
{
    static const double sigma = 0.1;
    const double n = (double)IMAGES * PIXELS;
    double sum = 0.0, squares = 0.0, fourth = 0.0, neighbours = 0.0, within = 0.0;
    bench *b = make_bench(gray, IMAGES, 128);
    prepare(b);
    for (size_t number = 0; number < IMAGES; number++) {
        const uint8_t *noisy = distort(b, MB_DISTORTION_NOISE, sigma, number);
        for (size_t p = 0; p < PIXELS; p++) {
            const double z = (noisy[p] - 128.0) / (255.0 * sigma);
            sum += z;
            squares += z * z;
            fourth += z * z * z * z;
            within += fabs(z) < 25.0 / 25.5 ? 1.0 : 0.0; /* 25.5 would be between two values */
            neighbours += p > 0 ? z * (noisy[p - 1] - 128.0) / (255.0 * sigma) : 0.0;
        }
    }
    assert_true(fabs(sum / n) < 0.0075);
    assert_true(fabs(sqrt(squares / n) - 1.0) < 0.004);
    assert_true(fabs(fourth / n - 3.0) < 0.08);
    assert_true(fabs(within / n - erf(24.5 / 25.5 / sqrt(2.0))) < 0.004);
    assert_true(fabs(neighbours / n) < 0.0075);
    free_bench(b);
}

/* Half of the noise on black is below 0. */
TEST(noise_is_clipped)
{
    const double sigma = 0.2;
    double sum = 0.0, black = 0.0;
    bench *b = make_bench(gray, IMAGES, 0);
    prepare(b);
    for (size_t number = 0; number < IMAGES; number++) {
        const uint8_t *noisy = distort(b, MB_DISTORTION_NOISE, sigma, number);
        for (size_t p = 0; p < PIXELS; p++) {
            sum += noisy[p];
            black += noisy[p] == 0 ? 1.0 : 0.0;
        }
    }
    const double n = (double)IMAGES * PIXELS;
    assert_true(fabs(sum / n - 255.0 * sigma / sqrt(2.0 * pi)) < 0.2);
    assert_true(fabs(black / n - 0.5 * (1.0 + erf(0.5 / (255.0 * sigma) / sqrt(2.0)))) < 0.005);
    free_bench(b);
}

/* Twice the standard deviation is twice the noise, as far as a gray level has it. */
TEST(noise_is_the_same_at_each_strength)
{
    uint8_t weaker[PIXELS];
    bench *b = make_bench(gray, 3, 128);
    prepare(b);
    memcpy(weaker, distort(b, MB_DISTORTION_NOISE, 0.05, 2), PIXELS);
    const uint8_t *stronger = distort(b, MB_DISTORTION_NOISE, 0.1, 2);
    for (size_t p = 0; p < PIXELS; p++)
        assert_true(abs(stronger[p] - 128 - 2 * (weaker[p] - 128)) <= 1);
    free_bench(b);
}

TEST(seed_and_image_choose_the_distortion_and_the_epoch_does_not)
{
    static const double strengths[MB_DISTORTIONS] = {2.0, 20.0, 0.2};
    uint8_t first[PIXELS];
    bench *b = random_bench(gray, 3, false);
    memcpy(b->pixels + PIXELS, b->pixels, PIXELS);
    for (size_t kind = 0; kind < MB_DISTORTIONS; kind++) {
        size_t changed = 0;
        b->distortion.seed = 0;
        memcpy(first, distort(b, (mb_distortion_kind)kind, strengths[kind], 0), PIXELS);
        mb_augment_image(&b->augmenter, mb_kernels_best(), 0, 7, b->scratch, b->image);
        assert_memory_equal(b->image, first, PIXELS);
        for (b->distortion.seed = 1; b->distortion.seed < 10; b->distortion.seed++)
            changed += memcmp(first, distort(b, (mb_distortion_kind)kind, strengths[kind], 0),
                              PIXELS) != 0;
        assert_true(changed > 0);
        changed = 0;
        for (b->distortion.seed = 0; b->distortion.seed < 10; b->distortion.seed++) {
            memcpy(first, distort(b, (mb_distortion_kind)kind, strengths[kind], 0), PIXELS);
            changed += memcmp(first, distort(b, (mb_distortion_kind)kind, strengths[kind], 1),
                              PIXELS) != 0;
        }
        assert_true(changed > 0);
    }
    free_bench(b);
}
