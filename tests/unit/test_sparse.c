#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "core/rng.h"
#include "data/sparse.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* `percent` of the bytes are not zero; the first image is blank, the last has its corners set. */
static uint8_t *draw(size_t count, size_t pixels, uint32_t percent, uint64_t seed)
{
    uint8_t *images = calloc(count * pixels, 1);
    assert_non_null(images);
    mb_rng rng = mb_rng_at(seed, MB_FOR_TESTS, count, pixels);
    for (size_t i = pixels; i < count * pixels; i++)
        if (mb_rng_below(&rng, 100) < percent)
            images[i] = (uint8_t)(1 + mb_rng_below(&rng, 255));
    images[(count - 1) * pixels] = 255;
    images[count * pixels - 1] = 1;
    return images;
}

/* What the compressed rows stand for, and that order and bounds are as promised. */
static void check_round_trip(const mb_source *source, const uint8_t *images)
{
    uint8_t *image = malloc(source->pixels);
    for (size_t i = 0; i < source->split.count; i++) {
        const uint32_t *bound = source->bound + i * (source->ranges + 1);
        size_t k = source->start[i];
        memset(image, 0, source->pixels);
        for (size_t r = 0; r < source->ranges; r++) {
            assert_int_equal(source->start[i] + bound[r], k);
            for (; k < source->start[i] + bound[r + 1]; k++) {
                const uint16_t pixel = source->index[k];
                assert_in_range(pixel, r * source->range_pixels, source->pixels - 1);
                assert_true(pixel < (r + 1) * source->range_pixels);
                assert_true(k == source->start[i] || pixel > source->index[k - 1]);
                assert_int_not_equal(source->value[k], 0);
                image[pixel] = source->value[k];
            }
        }
        assert_int_equal(k, source->start[i + 1]);
        assert_memory_equal(image, images + i * source->pixels, source->pixels);
    }
    free(image);
}

static void rows_stand_for_the_images(void **state)
{
    (void)state;
    static const size_t pixels[] = {1, 9, 199, 200, 201, 401, 784, 997};
    for (size_t p = 0; p < sizeof pixels / sizeof pixels[0]; p++)
        for (uint32_t percent = 0; percent <= 40; percent += 20) {
            mb_arena arena = {0};
            mb_source source;
            uint8_t *images = draw(37, pixels[p], percent, 1);
            const mb_split split = {.images = images, .count = 37};
            assert_int_equal(mb_source_open(&split, pixels[p], &arena, &source, NULL), MB_OK);
            assert_int_equal(source.pixels, pixels[p]);
            assert_true((source.ranges - 1) * source.range_pixels < pixels[p]);
            assert_true(source.ranges * source.range_pixels >= pixels[p]);
            assert_in_range(source.range_pixels, 1, 200);
            assert_ptr_equal(source.split.images, images);
            assert_non_null(source.start);
            assert_int_equal(source.start[0], 0);
            check_round_trip(&source, images);
            mb_arena_free(&arena);
            free(images);
        }
}

/* The largest image that 16 bits can number, with its last pixel lit. */
static void the_last_pixel_has_a_number(void **state)
{
    (void)state;
    mb_arena arena = {0};
    mb_source source;
    uint8_t *images = draw(2, UINT16_MAX + 1, 10, 2);
    const mb_split split = {.images = images, .count = 2};
    assert_int_equal(mb_source_open(&split, UINT16_MAX + 1, &arena, &source, NULL), MB_OK);
    assert_non_null(source.start);
    check_round_trip(&source, images);
    for (size_t v = 0; v < 256; v++)
        assert_true(source.gray[v] == (float)v / 255.0f);
    assert_int_equal(source.index[source.start[2] - 1], UINT16_MAX);
    mb_arena_free(&arena);
    free(images);
}

static bool has_sparse_form(const uint8_t *images, size_t count, size_t pixels)
{
    mb_arena arena = {0};
    mb_source source;
    const mb_split split = {.images = images, .count = count};
    assert_int_equal(mb_source_open(&split, pixels, &arena, &source, NULL), MB_OK);
    const bool sparse = source.start != NULL;
    if (!sparse) {
        assert_null(source.index);
        assert_null(source.value);
        assert_null(source.bound);
        assert_null(arena.blocks); /* nothing is made in vain */
    }
    mb_arena_free(&arena);
    return sparse;
}

static void images_without_background_have_no_rows(void **state)
{
    (void)state;
    uint8_t *images = draw(20, 100, 80, 3);
    assert_false(has_sparse_form(images, 20, 100));
    memset(images, 0, 2000);
    memset(images, 9, 1000);
    assert_true(has_sparse_form(images, 20, 100)); /* half of the bytes is the most */
    images[1000] = 1;
    assert_false(has_sparse_form(images, 20, 100));
    free(images);
}

static void pixels_without_a_number_have_no_rows(void **state)
{
    (void)state;
    uint8_t *images = calloc(UINT16_MAX + 2, 1);
    assert_false(has_sparse_form(images, 1, UINT16_MAX + 2));
    free(images);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_for_the_images),
        cmocka_unit_test(the_last_pixel_has_a_number),
        cmocka_unit_test(images_without_background_have_no_rows),
        cmocka_unit_test(pixels_without_a_number_have_no_rows),
    };
    return cmocka_run_group_tests_name("sparse", tests, NULL, NULL);
}
