#include "core/rng.h"
#include "data/image_sketch.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 5, PIXELS = SIDE * SIDE, IMAGES = 6000 };

static uint8_t pixels[IMAGES * PIXELS];

static int draw_images(void **state)
{
    (void)state;
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)mb_rng_below(&rng, 256);
    return 0;
}

static int do_nothing(void **state)
{
    (void)state;
    return 0;
}

static mb_images images_from(size_t first, size_t count)
{
    return (mb_images){pixels + first * PIXELS, count, 1, SIDE, SIDE};
}

/* The set is the first 4000 images. */
TEST(a_sample_of_other_images_is_looked_up)
{
    static const struct {
        size_t first, count, min_sampled;
        double fraction;
    } cases[] = {
        {0, 4000, 64, 1.0}, {0, 1000, 5, 1.0}, {4000, 2000, 10, 0.0}, {3000, 2000, 10, 0.5}};
    const mb_images set = images_from(0, 4000);
    const mb_image_sketch sketch = mb_image_sketch_of(&set);
    assert_int_equal(sketch.count, MB_SKETCH_HASHES);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const mb_images images = images_from(cases[i].first, cases[i].count);
        size_t sampled, found;
        mb_image_sketch_compare(&sketch, &images, &sampled, &found);
        assert_true(sampled >= cases[i].min_sampled && found <= sampled);
        if (cases[i].fraction != 0.5)
            assert_int_equal(found, cases[i].fraction * (double)sampled);
        else
            assert_true(found > 0 && found < sampled);
    }
}

/* A small set is in the sketch as a whole: each image is looked up, and counted once. */
TEST(a_small_set)
{
    mb_images set = images_from(0, 10);
    memcpy(pixels + 9 * PIXELS, pixels, PIXELS);
    const mb_image_sketch sketch = mb_image_sketch_of(&set), none = {0};
    assert_int_equal(sketch.count, 9);
    const mb_images all = images_from(0, 100);
    size_t sampled, found;
    mb_image_sketch_compare(&sketch, &all, &sampled, &found);
    assert_int_equal(sampled, 100);
    assert_int_equal(found, 10);
    mb_image_sketch_compare(&none, &all, &sampled, &found);
    assert_int_equal(sampled, 0);
}

/* Computed with Python's integers from the definition in image_sketch.c. */
TEST(hashes_have_fixed_values)
{
    uint8_t image[70];
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(3 * i);
    assert_int_equal(mb_image_hash(image, 70), 0x80be2e482aafd6fcu);
    assert_int_equal(mb_image_hash(image, 7), 0x358fc28b7b20dde7u);
}

TEST(text_is_parsed_again)
{
    static const char *const wrong[] = {"", "0123", "0123456789abcdeg",
                                        "00000000000000020000000000000001",
                                        "00000000000000010000000000000001"};
    char text[MB_SKETCH_TEXT], again[MB_SKETCH_TEXT], longer[MB_SKETCH_TEXT + 16];
    mb_image_sketch parsed;
    for (size_t count = 1; count <= IMAGES; count *= 10) {
        const mb_images set = images_from(0, count);
        const mb_image_sketch sketch = mb_image_sketch_of(&set);
        mb_image_sketch_format(&sketch, text);
        assert_true(mb_image_sketch_parse(text, &parsed));
        mb_image_sketch_format(&parsed, again);
        assert_string_equal(text, again);
    }
    snprintf(longer, sizeof longer, "%sffffffffffffffff", text);
    assert_false(mb_image_sketch_parse(longer, &parsed));
    for (size_t i = 0; i < TEST_COUNT(wrong); i++)
        assert_false(mb_image_sketch_parse(wrong[i], &parsed));
}

TEST_GROUP(draw_images, do_nothing);
