#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "core/rng.h"
#include "data/batch.h"
#include "data/sampler.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 200, PIXELS = 100, PIECE = 16 };

/* A split with a source: images whose pixels 0..4 are never lit, and pixel p + 5 seldom. */
typedef struct stock {
    mb_arena arena;
    mb_source source;
    uint8_t images[IMAGES * PIXELS], labels[IMAGES];
    uint32_t order[IMAGES];
} stock;

static stock *open_stock(uint32_t percent)
{
    stock *s = calloc(1, sizeof *s);
    assert_non_null(s);
    mb_rng rng = mb_rng_at(1, MB_FOR_TESTS, percent, 0);
    for (size_t i = 0; i < IMAGES; i++) {
        s->labels[i] = (uint8_t)mb_rng_below(&rng, 256);
        for (size_t p = 5; p < PIXELS; p++)
            if (mb_rng_below(&rng, 100) < percent)
                s->images[i * PIXELS + p] = (uint8_t)(1 + mb_rng_below(&rng, 255));
    }
    mb_sampler_shuffle(1, 0, IMAGES, s->order);
    const mb_split split = {s->images, s->labels, IMAGES};
    assert_int_equal(mb_source_open(&split, PIXELS, &s->arena, &s->source, NULL), MB_OK);
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
    assert_int_equal(mb_batch_open(&s->source, max_rows, &s->arena, &batch, NULL), MB_OK);
    return batch;
}

/* As the feed does it: blocks begin, and pieces are filled, for the largest batch of all; what is
 * past the last sample does nothing. */
static void gather(stock *s, mb_batch *batch, mb_samples samples, size_t max_rows)
{
    for (size_t block = 0; block < (max_rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS; block++)
        mb_batch_begin(batch, &s->source, samples, block);
    for (size_t first = 0; first < max_rows; first += MB_FILL_ROWS)
        mb_batch_fill(batch, &s->source, mb_kernels_best(), samples, first, MB_FILL_ROWS);
}

/* The naive twin: which pixels any image of the block lights, and their values over 255. */
static void check_block(const stock *s, const mb_block *block, const uint32_t *number)
{
    size_t column = 0;
    for (size_t p = 0; p < PIXELS; p++) {
        bool lit = s->source.start == NULL;
        for (size_t r = 0; r < block->rows; r++)
            lit = lit || s->images[number[r] * PIXELS + p] != 0;
        if (!lit)
            continue;
        assert_true(column < block->n_active);
        assert_int_equal(block->active != NULL ? block->active[column] : column, p);
        for (size_t r = 0; r < block->rows; r++) {
            const float wanted = (float)s->images[number[r] * PIXELS + p] / 255.0f;
            assert_true(block->x[r * block->n_active + column] == wanted);
        }
        column++;
    }
    assert_int_equal(block->n_active, column);
}

static void check_batch(const stock *s, const mb_batch *batch, mb_samples samples, size_t blocks,
                        size_t block_rows)
{
    assert_int_equal(batch->rows, samples.count);
    assert_int_equal(batch->block_rows, block_rows);
    size_t row = 0;
    for (size_t b = 0; b < blocks; b++) {
        const size_t left = samples.count - row;
        assert_int_equal(batch->block[b].rows, left < block_rows ? left : block_rows);
        assert_int_equal(batch->block[b].active == NULL, s->source.start == NULL);
        check_block(s, &batch->block[b], samples.number + row);
        row += batch->block[b].rows;
    }
    assert_int_equal(row, samples.count);
    for (size_t i = 0; i < samples.count; i++)
        assert_int_equal(batch->labels[i], s->labels[samples.number[i]]);
}

static const struct {
    size_t rows, blocks, block_rows;
} sizes[] = {{1, 1, 1},    {2, 1, 2},    {63, 1, 63},  {64, 1, 64},  {65, 2, 33},  {100, 2, 50},
             {128, 2, 64}, {129, 3, 43}, {130, 3, 44}, {192, 3, 64}, {193, 4, 49}, {200, 4, 50}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void blocks_are_as_equal_as_can_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++)
        assert_int_equal(mb_block_rows(sizes[i].rows), sizes[i].block_rows);
    for (size_t rows = 1; rows < 1000; rows++) {
        const size_t block = mb_block_rows(rows), blocks = (rows + block - 1) / block;
        assert_in_range(block, 1, MB_BLOCK_ROWS);
        assert_int_equal(blocks, (rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS);
        assert_true((blocks - 1) * block < rows); /* the last is not empty */
        assert_true(blocks * (block - 1) < rows); /* no smaller ones would do */
    }
}

static void gathers_like_the_naive_twin(void **state)
{
    (void)state;
    static const uint32_t percents[] = {1, 30, 90};
    for (size_t p = 0; p < 3; p++) {
        stock *s = open_stock(percents[p]);
        assert_int_equal(s->source.start == NULL, percents[p] > 50);
        for (size_t i = 0; i < SIZES; i++) {
            mb_batch batch = open_batch(s, sizes[i].rows);
            const mb_samples samples = {s->order, sizes[i].rows};
            gather(s, &batch, samples, sizes[i].rows);
            check_batch(s, &batch, samples, sizes[i].blocks, sizes[i].block_rows);
        }
        close_stock(s);
    }
}

static void dense_images_keep_all_pixels(void **state)
{
    (void)state;
    stock *s = open_stock(95);
    assert_null(s->source.start);
    mb_batch batch = open_batch(s, 130);
    const mb_samples samples = {s->order + 20, 130};
    gather(s, &batch, samples, 130);
    check_batch(s, &batch, samples, 3, 44);
    for (size_t b = 0; b < 3; b++)
        assert_int_equal(batch.block[b].n_active, PIXELS);
    close_stock(s);
}

/* The last batch of an epoch, in the room of a whole one. Its blocks may have more rows than those
 * of the larger batch: 129 rows are blocks of 43, 128 rows blocks of 64. */
static void a_smaller_batch_follows_a_larger_one(void **state)
{
    (void)state;
    stock *s = open_stock(20);
    mb_batch batch = open_batch(s, 129);
    const mb_samples large = {s->order, 129};
    for (size_t i = 0; i < SIZES; i++) {
        if (sizes[i].rows > 129)
            continue;
        gather(s, &batch, large, 129);
        check_batch(s, &batch, large, 3, 43);
        const mb_samples small = {s->order + 60, sizes[i].rows};
        gather(s, &batch, small, 129);
        check_batch(s, &batch, small, sizes[i].blocks, sizes[i].block_rows);
    }
    close_stock(s);
}

static void each_block_has_its_own_pixels(void **state)
{
    (void)state;
    stock *s = open_stock(1);
    mb_batch batch = open_batch(s, 130);
    gather(s, &batch, (mb_samples){s->order, 130}, 130);
    assert_true(batch.block[0].n_active < PIXELS - 5);
    assert_true(batch.block[0].n_active != batch.block[1].n_active ||
                batch.block[0].n_active != batch.block[2].n_active);
    close_stock(s);
}

static void a_blank_block_has_no_pixels(void **state)
{
    (void)state;
    stock *s = open_stock(20);
    memset(s->images, 0, 64 * PIXELS);
    mb_arena_free(&s->arena);
    const mb_split split = {s->images, s->labels, IMAGES};
    assert_int_equal(mb_source_open(&split, PIXELS, &s->arena, &s->source, NULL), MB_OK);
    mb_sampler_in_order(IMAGES, s->order);
    mb_batch batch = open_batch(s, 128);
    const mb_samples samples = {s->order, 128};
    gather(s, &batch, samples, 128);
    assert_int_equal(batch.block[0].n_active, 0);
    assert_non_null(batch.block[0].active); /* no pixels, where NULL is all of them */
    assert_true(batch.block[1].n_active > 0);
    check_batch(s, &batch, samples, 2, 64);
    close_stock(s);
}

/* Blocks and pieces in any order, and none for the samples after the end of an epoch. */
static void order_of_the_work_does_not_matter(void **state)
{
    (void)state;
    stock *s = open_stock(20);
    mb_batch batch = open_batch(s, 130);
    const mb_samples samples = {s->order, 130};
    mb_batch_begin(&batch, &s->source, samples, 0); /* says how large blocks are */
    mb_batch_begin(&batch, &s->source, samples, 2);
    mb_batch_begin(&batch, &s->source, samples, 1);
    for (size_t left = (130 + PIECE - 1) / PIECE; left-- > 0;) {
        mb_batch_fill(&batch, &s->source, mb_kernels_best(), samples, left * PIECE, PIECE);
        mb_batch_prefetch(&s->source, samples, left * PIECE, PIECE);
    }
    check_batch(s, &batch, samples, 3, 44);
    const mb_samples none = {0};
    gather(s, &batch, none, 130);
    assert_int_equal(batch.rows, 0);
    close_stock(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_as_equal_as_can_be),
        cmocka_unit_test(gathers_like_the_naive_twin),
        cmocka_unit_test(dense_images_keep_all_pixels),
        cmocka_unit_test(a_smaller_batch_follows_a_larger_one),
        cmocka_unit_test(each_block_has_its_own_pixels),
        cmocka_unit_test(a_blank_block_has_no_pixels),
        cmocka_unit_test(order_of_the_work_does_not_matter),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
