#include "core/rng.h"
#include "data/batch.h"
#include "data/sampler.h"
#include "test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 200, PIXELS = 250, THREADS = 2 };

/* A split and its source: pixels 0..4 are always 0, and pixel p + 5 rarely differs from 0. */
typedef struct stock {
    mb_arena arena;
    mb_sample_source source;
    uint8_t images[IMAGES * PIXELS], labels[IMAGES];
    uint32_t order[IMAGES];
} stock;

static stock *open_stock(uint32_t percent)
{
    stock *s = calloc(1, sizeof *s);
    assert_non_null(s);
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, percent, 0);
    for (size_t i = 0; i < IMAGES; i++) {
        s->labels[i] = (uint8_t)mb_rng_below(&rng, 256);
        for (size_t p = 5; p < PIXELS; p++)
            if (mb_rng_below(&rng, 100) < percent)
                s->images[i * PIXELS + p] = (uint8_t)(1 + mb_rng_below(&rng, 255));
    }
    mb_sampler_shuffle(1, 0, IMAGES, s->order);
    const mb_split split = {{s->images, IMAGES, 1, 1, PIXELS}, s->labels};
    assert_int_equal(mb_sample_source_open(&split, NULL, true, &s->arena, &s->source, NULL), MB_OK);
    return s;
}

static void close_stock(stock *s)
{
    mb_arena_free(&s->arena);
    free(s);
}

static mb_batch open_batch(stock *s, size_t max_rows)
{
    mb_batch batch;
    assert_int_equal(mb_batch_open(&s->source, max_rows, THREADS, &s->arena, &batch, NULL), MB_OK);
    return batch;
}

/* Both threads fill all pieces of the largest batch, as the data loader does with a sparse source;
 * pieces past the last sample have no effect. */
static void gather(stock *s, mb_batch *batch, mb_sample_indices samples, size_t max_rows)
{
    const size_t pieces = mb_batch_tile_count(&s->source, max_rows);
    for (size_t piece = 0; piece < THREADS * pieces; piece++)
        mb_batch_gather(batch, mb_kernels_best(), samples, piece / pieces, piece % pieces);
}

static uint8_t pixel_of(const stock *s, uint32_t number, size_t pixel)
{
    return s->images[number * PIXELS + pixel];
}

/* By pixel: one bit per row of each block, set if the pixel is not 0 in that row. */
static void check_blocks(const stock *s, const mb_batch *batch, size_t thread,
                         mb_sample_indices samples)
{
    for (size_t first = 0; first < samples.count; first += MB_BLOCK_ROWS) {
        const mb_transposed_block *block = mb_batch_block(batch, thread, first);
        for (size_t p = 0; p < PIXELS; p++)
            for (size_t r = 0; r < MB_BLOCK_ROWS; r++) {
                const bool there = first + r < samples.count, set = block->mask[p] >> r & 1;
                const uint8_t expected = there ? pixel_of(s, samples.index[first + r], p) : 0;
                assert_int_equal(set, expected != 0);
                assert_int_equal(block->value[p * MB_BLOCK_ROWS + r], expected);
            }
    }
}

static void check_batch(const stock *s, const mb_batch *batch, mb_sample_indices samples)
{
    assert_int_equal(batch->x == NULL, mb_sample_source_is_sparse(&s->source));
    assert_int_equal(batch->block != NULL, mb_sample_source_is_sparse(&s->source));
    if (batch->block != NULL) {
        for (size_t thread = 0; thread < THREADS; thread++)
            check_blocks(s, batch, thread, samples);
        return;
    }
    for (size_t i = 0; i < samples.count; i++)
        for (size_t p = 0; p < PIXELS; p++)
            assert_true(batch->x[i * PIXELS + p] ==
                        (float)pixel_of(s, samples.index[i], p) / 255.0f);
}

static const size_t sizes[] = {1, 2, 15, 16, 17, 63, 64, 65, 100, 128, 129, 192, 193, 200};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

TEST(gathers_like_the_naive_twin)
{
    static const uint32_t percents[] = {1, 30, 90};
    for (size_t p = 0; p < 3; p++) {
        stock *s = open_stock(percents[p]);
        assert_int_equal(!mb_sample_source_is_sparse(&s->source), percents[p] > 50);
        for (size_t i = 0; i < SIZES; i++) {
            mb_batch batch = open_batch(s, sizes[i]);
            const mb_sample_indices samples = {s->order, sizes[i]};
            gather(s, &batch, samples, sizes[i]);
            check_batch(s, &batch, samples);
        }
        close_stock(s);
    }
}

/* The smaller last batch of an epoch contains no row of the previous batch. */
TEST(a_smaller_batch_follows_a_larger_one)
{
    static const uint32_t percents[] = {20, 90};
    for (size_t p = 0; p < 2; p++) {
        stock *s = open_stock(percents[p]);
        mb_batch batch = open_batch(s, 129);
        const mb_sample_indices large = {s->order, 129};
        for (size_t i = 0; i < SIZES && sizes[i] <= 129; i++) {
            gather(s, &batch, large, 129);
            check_batch(s, &batch, large);
            const mb_sample_indices small = {s->order + 60, sizes[i]};
            gather(s, &batch, small, 129);
            check_batch(s, &batch, small);
        }
        close_stock(s);
    }
}

TEST(a_blank_block_has_no_bits)
{
    stock *s = open_stock(20);
    memset(s->images, 0, 64 * PIXELS);
    mb_arena_free(&s->arena);
    const mb_split split = {{s->images, IMAGES, 1, 1, PIXELS}, s->labels};
    assert_int_equal(mb_sample_source_open(&split, NULL, true, &s->arena, &s->source, NULL), MB_OK);
    mb_sampler_sequential(IMAGES, s->order);
    mb_batch batch = open_batch(s, 128);
    const mb_sample_indices samples = {s->order, 128};
    gather(s, &batch, samples, 128);
    for (size_t p = 0; p < PIXELS; p++)
        assert_true(batch.block[0].mask[p] == 0);
    check_batch(s, &batch, samples);
    close_stock(s);
}

/* Pieces are filled in any order; those after the end of an epoch are not. */
TEST(order_of_the_work_does_not_matter)
{
    static const uint32_t percents[] = {20, 90};
    for (size_t p = 0; p < 2; p++) {
        stock *s = open_stock(percents[p]);
        mb_batch batch = open_batch(s, 130);
        const mb_sample_indices samples = {s->order, 130};
        const size_t pieces = mb_batch_tile_count(&s->source, 130);
        for (size_t left = THREADS * pieces; left-- > 0;) {
            mb_batch_gather(&batch, mb_kernels_best(), samples, left % THREADS, left / THREADS);
            mb_batch_prefetch(&s->source, samples, left / THREADS);
        }
        check_batch(s, &batch, samples);
        gather(s, &batch, (mb_sample_indices){0}, 130);
        check_batch(s, &batch, samples); /* no piece has written anything */
        close_stock(s);
    }
}

/* A mask and MB_BLOCK_ROWS values per pixel, block and thread; or a float per pixel and row. */
TEST(bytes_are_those_of_all_threads)
{
    stock *sparse = open_stock(20), *dense = open_stock(90);
    assert_true(mb_batch_bytes(&sparse->source, 64, 1) == 250.0 * 72);
    assert_true(mb_batch_bytes(&sparse->source, 65, 3) == 250.0 * 72 * 2 * 3);
    assert_true(mb_batch_bytes(&dense->source, 65, 3) == 250.0 * 65 * 4);
    close_stock(sparse);
    close_stock(dense);
}
