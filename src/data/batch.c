#include "data/batch.h"

#include <string.h>

static size_t blocks_of(size_t rows) { return (rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static mb_status open_blocks(const mb_source *source, size_t max_rows, mb_arena *arena,
                             mb_batch *batch, mb_error *error)
{
    const size_t blocks = blocks_of(max_rows), pixels = source->pixels;
    const size_t room = least(max_rows, MB_BLOCK_ROWS) * pixels;
    batch->block = mb_arena_take(arena, blocks, sizeof *batch->block);
    if (batch->block == NULL)
        return mb_fail_memory(error, "batch", blocks * sizeof *batch->block);
    for (size_t b = 0; b < blocks; b++) {
        mb_block *block = &batch->block[b];
        *block = (mb_block){.entry = mb_arena_take(arena, room, sizeof *block->entry),
                            .begin = mb_arena_take(arena, pixels, sizeof *block->begin),
                            .count = mb_arena_take(arena, pixels, sizeof *block->count)};
        if (block->entry == NULL || block->begin == NULL || block->count == NULL)
            return mb_fail_memory(error, "batch", room * sizeof *block->entry);
    }
    return MB_OK;
}

mb_status mb_batch_open(const mb_source *source, size_t max_rows, mb_arena *arena, mb_batch *batch,
                        mb_error *error)
{
    *batch = (mb_batch){.source = source, .labels = mb_arena_take(arena, max_rows, 1)};
    if (batch->labels == NULL)
        return mb_fail_memory(error, "batch", max_rows);
    if (source->start != NULL)
        return open_blocks(source, max_rows, arena, batch, error);
    size_t numbers;
    if (mb_multiply(max_rows, source->pixels, &numbers))
        batch->x = mb_arena_take(arena, numbers, sizeof *batch->x);
    return batch->x != NULL ? MB_OK : mb_fail_memory(error, "batch", max_rows * source->pixels * 4);
}

size_t mb_batch_pieces(const mb_source *source, size_t max_rows)
{
    return source->start != NULL ? blocks_of(max_rows) * source->ranges
                                 : (max_rows + MB_FILL_ROWS - 1) / MB_FILL_ROWS;
}

/* Counting sort of a range's pixels. Each range has its own part of `entry`, as large as it could
 * need, so that no range waits for another. */
static void turn_range(const mb_batch *batch, const mb_samples rows, const mb_block *block,
                       size_t range)
{
    const mb_source *source = batch->source;
    const mb_batch view = {.source = source, .number = rows.number};
    const size_t first = range * source->range_pixels;
    const size_t pixels = least(source->range_pixels, source->pixels - first);
    uint8_t *count = block->count + first;
    uint32_t *begin = block->begin + first;
    memset(count, 0, pixels);
    for (size_t row = 0; row < rows.count; row++) {
        const mb_pixels own = mb_batch_pixels(&view, row, range);
        for (size_t k = 0; k < own.count; k++)
            count[own.index[k] - first]++;
    }
    uint32_t next = (uint32_t)(first * rows.count);
    for (size_t p = 0; p < pixels; p++) {
        begin[p] = next;
        next += count[p];
        count[p] = 0;
    }
    for (size_t row = 0; row < rows.count; row++) {
        const mb_pixels own = mb_batch_pixels(&view, row, range);
        for (size_t k = 0; k < own.count; k++) {
            const size_t p = own.index[k] - first;
            block->entry[begin[p] + count[p]++] = (mb_entry){(uint8_t)row, own.value[k]};
        }
    }
}

static void note_labels(const mb_batch *batch, mb_samples samples, size_t first, size_t end)
{
    for (size_t row = first; row < end; row++)
        batch->labels[row] = batch->source->split.labels[samples.number[row]];
}

static void gather_sparse(mb_batch *batch, mb_samples samples, size_t piece)
{
    const size_t block = piece / batch->source->ranges, range = piece % batch->source->ranges;
    const size_t first = block * MB_BLOCK_ROWS;
    if (first >= samples.count)
        return;
    const size_t rows = least(samples.count - first, MB_BLOCK_ROWS);
    if (range == 0)
        note_labels(batch, samples, first, first + rows);
    turn_range(batch, (mb_samples){samples.number + first, rows}, &batch->block[block], range);
}

static void gather_dense(mb_batch *batch, const mb_kernels *kernels, mb_samples samples,
                         size_t piece)
{
    const size_t pixels = batch->source->pixels, first = piece * MB_FILL_ROWS;
    const size_t end = least(first + MB_FILL_ROWS, samples.count);
    note_labels(batch, samples, first, end);
    for (size_t row = first; row < end; row++)
        kernels->widen(pixels, batch->source->split.images + samples.number[row] * pixels,
                       batch->x + row * pixels);
}

void mb_batch_gather(mb_batch *batch, const mb_kernels *kernels, mb_samples samples, size_t piece)
{
    if (piece == 0) {
        batch->rows = samples.count;
        batch->number = samples.number;
    }
    if (batch->block != NULL)
        gather_sparse(batch, samples, piece);
    else
        gather_dense(batch, kernels, samples, piece);
}

static void prefetch(const void *from, size_t bytes)
{
    for (size_t b = 0; b < bytes; b += MB_CACHE_LINE)
        __builtin_prefetch((const char *)from + b, 0, 2);
}

void mb_batch_prefetch(const mb_source *source, mb_samples samples, size_t piece, size_t pieces)
{
    for (size_t row = samples.count * piece / pieces; row < samples.count * (piece + 1) / pieces;
         row++) {
        const size_t number = samples.number[row];
        if (source->start == NULL) {
            prefetch(source->split.images + number * source->pixels, source->pixels);
            continue;
        }
        const size_t start = source->start[number], n = source->start[number + 1] - start;
        prefetch(source->index + start, n * sizeof *source->index);
        prefetch(source->value + start, n);
    }
}
