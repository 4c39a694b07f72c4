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

/* The non-zeros are the image's, in order, and segments start where row_start says. */
static void check_round_trip(const mb_sample_source *source, const uint8_t *images)
{
    uint8_t *image = malloc(source->pixels);
    size_t seen = 0;
    for (size_t i = 0; i < source->split.images.count; i++) {
        memset(image, 0, source->pixels);
        for (size_t r = 0; r < source->segments; r++) {
            const mb_sparse_row x = mb_sample_source_segment(source, i, r);
            size_t pixel = r * source->segment_pixels;
            assert_ptr_equal(x.nonzeros, source->nonzeros + seen);
            for (size_t k = 0; k < x.count; k++) {
                assert_true(k == 0 || x.nonzeros[k].delta > 0);
                pixel += x.nonzeros[k].delta;
                assert_true(pixel < (r + 1) * source->segment_pixels && pixel < source->pixels);
                assert_int_not_equal(x.nonzeros[k].value, 0);
                image[pixel] = x.nonzeros[k].value;
            }
            seen += x.count;
        }
        assert_memory_equal(image, images + i * source->pixels, source->pixels);
    }
    free(image);
}

TEST(rows_stand_for_the_images)
{
    static const size_t pixels[] = {1, 9, 199, 200, 201, 401, 784, 997};
    for (size_t p = 0; p < sizeof pixels / sizeof pixels[0]; p++)
        for (uint32_t percent = 0; percent <= 40; percent += 20) {
            mb_arena arena = {0};
            mb_sample_source source;
            uint8_t *images = draw(37, pixels[p], percent, 1);
            const mb_split split = {.images = {images, 37, 1, 1, pixels[p]}};
            assert_int_equal(mb_sample_source_open(&split, &arena, &source, NULL), MB_OK);
            assert_int_equal(source.pixels, pixels[p]);
            assert_true((source.segments - 1) * source.segment_pixels < pixels[p]);
            assert_true(source.segments * source.segment_pixels >= pixels[p]);
            assert_in_range(source.segment_pixels, 1, 200);
            assert_ptr_equal(source.split.images.pixels, images);
            assert_non_null(source.nonzeros);
            check_round_trip(&source, images);
            mb_arena_free(&arena);
            free(images);
        }
}

TEST(grays_are_bytes_over_255)
{
    mb_arena arena = {0};
    mb_sample_source source;
    uint8_t *images = draw(2, 70000, 10, 2);
    const mb_split split = {.images = {images, 2, 1, 1, 70000}};
    assert_int_equal(mb_sample_source_open(&split, &arena, &source, NULL), MB_OK);
    check_round_trip(&source, images);
    for (size_t v = 0; v < 256; v++)
        assert_true(source.byte_to_float[v] == (float)v / 255.0f);
    mb_arena_free(&arena);
    free(images);
}

static bool has_sparse_form(const uint8_t *images, size_t count, size_t pixels)
{
    mb_arena arena = {0};
    mb_sample_source source;
    const mb_split split = {.images = {images, count, 1, 1, pixels}};
    assert_int_equal(mb_sample_source_open(&split, &arena, &source, NULL), MB_OK);
    const bool sparse = source.nonzeros != NULL;
    if (!sparse) {
        assert_null(source.row_start);
        assert_null(arena.blocks); /* nothing was allocated */
    }
    mb_arena_free(&arena);
    return sparse;
}

TEST(images_without_background_have_no_rows)
{
    uint8_t *images = draw(20, 100, 80, 3);
    assert_false(has_sparse_form(images, 20, 100));
    memset(images, 0, 2000);
    memset(images, 9, 1000);
    assert_true(has_sparse_form(images, 20, 100)); /* the limit is half of the bytes */
    images[1000] = 1;
    assert_false(has_sparse_form(images, 20, 100));
    free(images);
}
