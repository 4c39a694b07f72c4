#include "core/rng.h"
#include "data/sample_source.h"
#include "test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* `percent` of the bytes are non-zero; the first image is blank, the last has its corners set. */
static uint8_t *draw(size_t count, size_t pixels, uint32_t percent, uint64_t seed)
{
    uint8_t *images = calloc(count * pixels, 1);
    assert_non_null(images);
    mb_rng rng = mb_rng_at(seed, MB_RNG_TESTS, count, pixels);
    for (size_t i = pixels; i < count * pixels; i++)
        if (mb_rng_below(&rng, 100) < percent)
            images[i] = (uint8_t)(1 + mb_rng_below(&rng, 255));
    images[(count - 1) * pixels] = 255;
    images[count * pixels - 1] = 1;
    return images;
}

TEST(grays_are_bytes_over_255)
{
    mb_arena arena = {0};
    mb_sample_source source;
    uint8_t *images = draw(2, 70000, 10, 2);
    const mb_split split = {.images = {images, 2, 1, 1, 70000}};
    assert_int_equal(mb_sample_source_open(&split, NULL, true, &arena, &source, NULL), MB_OK);
    assert_int_equal(source.pixels, 70000);
    assert_ptr_equal(source.split.images.pixels, images);
    assert_ptr_equal(mb_sample_source_image(&source, 1), images + 70000);
    for (size_t v = 0; v < 256; v++)
        assert_true(source.byte_to_float[v] == (float)v / 255.0f);
    mb_arena_free(&arena);
    free(images);
}

/* Standardized images are dense, even if most of their bytes are 0. */
TEST(standardized_images_are_not_sparse)
{
    static const mb_standardization standardization = {{0.5f, 0.25f, 0.0f}, {0.25f, 0.5f, 1.0f}};
    static const uint8_t images[12];
    mb_arena arena = {0};
    mb_sample_source source;
    const mb_split split = {.images = {images, 2, 3, 1, 2}};
    assert_int_equal(mb_sample_source_open(&split, &standardization, true, &arena, &source, NULL),
                     MB_OK);
    assert_false(mb_sample_source_is_sparse(&source));
    for (size_t c = 0; c < 3; c++) {
        assert_true(source.zero[c] == 255.0f * standardization.mean[c]);
        assert_true(source.unit[c] == 255.0f * standardization.std[c]);
    }
    assert_int_equal(mb_sample_source_open(&split, NULL, true, &arena, &source, NULL), MB_OK);
    assert_true(mb_sample_source_is_sparse(&source));
    assert_int_equal(mb_sample_source_open(&split, NULL, false, &arena, &source, NULL), MB_OK);
    assert_false(mb_sample_source_is_sparse(&source));
    mb_arena_free(&arena);
}

static bool is_sparse(const uint8_t *images, size_t count, size_t pixels)
{
    mb_arena arena = {0};
    mb_sample_source source;
    const mb_split split = {.images = {images, count, 1, 1, pixels}};
    assert_int_equal(mb_sample_source_open(&split, NULL, true, &arena, &source, NULL), MB_OK);
    const bool sparse = mb_sample_source_is_sparse(&source);
    assert_ptr_equal(source.split.images.pixels, images);
    mb_arena_free(&arena);
    return sparse;
}

TEST(images_without_background_are_not_sparse)
{
    uint8_t *images = draw(20, 100, 80, 3);
    assert_false(is_sparse(images, 20, 100));
    memset(images, 0, 2000);
    memset(images, 9, 1000);
    assert_true(is_sparse(images, 20, 100)); /* the limit is half of the bytes */
    images[1000] = 1;
    assert_false(is_sparse(images, 20, 100));
    free(images);
}
