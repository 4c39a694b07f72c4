#include "data/batch.h"

size_t mb_block_rows(size_t rows)
{
    const size_t blocks = (rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS;
    return blocks > 0 ? (rows + blocks - 1) / blocks : 1;
}

mb_status mb_batch_open(const mb_source *source, size_t max_rows, mb_arena *arena, mb_batch *batch,
                        mb_error *error)
{
    /* Smaller batches have no more blocks, though their blocks may be larger than this one's. */
    const size_t blocks = (max_rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS;
    *batch = (mb_batch){.block = mb_arena_take(arena, blocks, sizeof *batch->block),
                        .labels = mb_arena_take(arena, max_rows, 1)};
    if (batch->block == NULL || batch->labels == NULL)
        return mb_fail_memory(error, "batch", max_rows);
    const size_t block_rows = max_rows < MB_BLOCK_ROWS ? max_rows : MB_BLOCK_ROWS;
    for (size_t b = 0; b < blocks; b++) {
        mb_block *block = &batch->block[b];
        block->values = mb_arena_take(arena, block_rows * source->pixels, sizeof(float));
        if (block->values == NULL)
            return mb_fail_memory(error, "batch", block_rows * source->pixels * sizeof(float));
        block->x = block->values;
        block->n_active = source->pixels;
        if (source->start == NULL)
            continue;
        block->list = mb_arena_take(arena, source->pixels, sizeof(uint16_t));
        block->slot = mb_arena_take(arena, source->pixels, sizeof(uint16_t));
        if (block->list == NULL || block->slot == NULL)
            return mb_fail_memory(error, "batch", source->pixels * sizeof(uint16_t));
        block->active = block->list;
    }
    return MB_OK;
}

/* The pixels of one word of a mask, appended to the block's active ones. */
static size_t list_bits(uint64_t word, size_t first_pixel, size_t n, mb_block *block)
{
    for (; word != 0; word &= word - 1) {
        const size_t pixel = first_pixel + (size_t)__builtin_ctzll(word);
        block->list[n] = (uint16_t)pixel;
        block->slot[pixel] = (uint16_t)n;
        n++;
    }
    return n;
}

static void find_active(mb_block *block, const mb_source *source, const uint32_t *number)
{
    size_t n = 0;
    for (size_t w = 0; w < source->mask_words; w++) {
        uint64_t word = 0;
        for (size_t r = 0; r < block->rows; r++)
            word |= source->mask[number[r] * source->mask_words + w];
        n = list_bits(word, w * 64, n, block);
    }
    block->n_active = n;
}

void mb_batch_begin(mb_batch *batch, const mb_source *source, mb_samples samples, size_t block)
{
    const size_t block_rows = mb_block_rows(samples.count);
    const size_t first = block * block_rows;
    if (block == 0) {
        batch->rows = samples.count;
        batch->block_rows = block_rows;
    }
    if (first >= samples.count)
        return;
    const size_t left = samples.count - first;
    batch->block[block].rows = left < block_rows ? left : block_rows;
    if (source->start != NULL)
        find_active(&batch->block[block], source, samples.number + first);
}

void mb_batch_fill(mb_batch *batch, const mb_source *source, const mb_kernels *kernels,
                   mb_samples samples, size_t first, size_t rows)
{
    for (size_t row = first; row < first + rows && row < samples.count; row++) {
        const size_t number = samples.number[row];
        const mb_block *block = &batch->block[row / batch->block_rows];
        float *x = block->values + row % batch->block_rows * block->n_active;
        batch->labels[row] = source->split.labels[number];
        if (source->start == NULL) {
            kernels->widen(source->pixels, source->split.images + number * source->pixels, x);
            continue;
        }
        const size_t start = source->start[number], end = source->start[number + 1];
        kernels->spread(end - start, source->index + start, source->value + start, block->slot,
                        block->n_active, x);
    }
}

static void prefetch(const void *from, size_t bytes)
{
    for (size_t b = 0; b < bytes; b += MB_CACHE_LINE)
        __builtin_prefetch((const char *)from + b, 0, 2);
}

void mb_batch_prefetch(const mb_source *source, mb_samples samples, size_t first, size_t rows)
{
    for (size_t row = first; row < first + rows && row < samples.count; row++) {
        const size_t number = samples.number[row];
        if (source->start == NULL) {
            prefetch(source->split.images + number * source->pixels, source->pixels);
            continue;
        }
        const size_t start = source->start[number], n = source->start[number + 1] - start;
        prefetch(source->mask + number * source->mask_words, source->mask_words * 8);
        prefetch(source->index + start, n * sizeof *source->index);
        prefetch(source->value + start, n);
    }
}
