#include "data/batch.h"

#include <string.h>

static size_t blocks_of(size_t rows) { return (rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static mb_status open_blocks(const mb_sample_source *source, size_t max_rows, mb_arena *arena,
                             mb_batch *batch, mb_error *error)
{
    const size_t blocks = blocks_of(max_rows), room = source->pixels * MB_BLOCK_ROWS;
    batch->block = mb_arena_alloc(arena, blocks, sizeof *batch->block);
    if (batch->block == NULL)
        return mb_fail_memory(error, "batch", blocks * sizeof *batch->block);
    for (size_t b = 0; b < blocks; b++) {
        mb_transposed_block *block = &batch->block[b];
        *block = (mb_transposed_block){
            .mask = mb_arena_alloc(arena, source->pixels, sizeof *block->mask),
            .value = mb_arena_alloc(arena, room, sizeof *block->value)};
        if (block->mask == NULL || block->value == NULL)
            return mb_fail_memory(error, "batch", room);
    }
    return MB_OK;
}

mb_status mb_batch_open(const mb_sample_source *source, size_t max_rows, bool by_pixel,
                        mb_arena *arena, mb_batch *batch, mb_error *error)
{
    *batch = (mb_batch){.source = source, .labels = mb_arena_alloc(arena, max_rows, 1)};
    if (batch->labels == NULL)
        return mb_fail_memory(error, "batch", max_rows);
    if (source->nonzeros != NULL)
        return by_pixel ? open_blocks(source, max_rows, arena, batch, error) : MB_OK;
    size_t numbers;
    if (mb_multiply(max_rows, source->pixels, &numbers))
        batch->x = mb_arena_alloc(arena, numbers, sizeof *batch->x);
    return batch->x != NULL ? MB_OK : mb_fail_memory(error, "batch", max_rows * source->pixels * 4);
}

size_t mb_batch_tile_count(const mb_sample_source *source, size_t max_rows)
{
    return source->nonzeros != NULL ? blocks_of(max_rows) * source->segments
                                    : (max_rows + MB_GATHER_ROWS - 1) / MB_GATHER_ROWS;
}

/* A range of the block's pixels; `rows` are the block's samples. */
static void turn_range(const mb_sample_source *source, mb_sample_indices rows,
                       const mb_transposed_block *block, size_t range)
{
    const size_t first = range * source->segment_pixels;
    const size_t pixels = least(source->segment_pixels, source->pixels - first);
    uint64_t *restrict mask = block->mask + first;
    memset(mask, 0, pixels * sizeof *mask);
    for (size_t row = 0; row < rows.count; row++) {
        const mb_sparse_row x = mb_sample_source_segment(source, rows.index[row], range);
        uint8_t *restrict value = block->value + first * MB_BLOCK_ROWS + row;
        for (size_t k = 0, pixel = 0; k < x.count; k++) {
            pixel += x.nonzeros[k].delta;
            mask[pixel] |= (uint64_t)1 << row;
            value[pixel * MB_BLOCK_ROWS] = x.nonzeros[k].value;
        }
    }
}

/* The samples of a piece of a sparse batch, one block of rows. */
static mb_sample_indices rows_of_piece(const mb_sample_source *source, mb_sample_indices samples,
                                       size_t piece)
{
    const size_t first = piece / source->segments * MB_BLOCK_ROWS;
    if (first >= samples.count)
        return (mb_sample_indices){0};
    return (mb_sample_indices){samples.index + first, least(samples.count - first, MB_BLOCK_ROWS)};
}

static void note_labels(const mb_batch *batch, mb_sample_indices samples, size_t first, size_t end)
{
    const uint8_t *labels = batch->source->split.labels;
    for (size_t row = first; row < end && labels != NULL; row++)
        batch->labels[row] = labels[samples.index[row]];
}

static void gather_sparse(const mb_batch *batch, mb_sample_indices samples, size_t piece)
{
    const mb_sample_source *source = batch->source;
    const size_t block = piece / source->segments, range = piece % source->segments;
    const mb_sample_indices rows = rows_of_piece(source, samples, piece);
    if (range == 0)
        note_labels(batch, samples, block * MB_BLOCK_ROWS, block * MB_BLOCK_ROWS + rows.count);
    if (rows.count > 0 && batch->block != NULL)
        turn_range(source, rows, &batch->block[block], range);
}

static void gather_dense(const mb_batch *batch, const mb_kernels *kernels,
                         mb_sample_indices samples, size_t piece)
{
    const size_t pixels = batch->source->pixels, first = piece * MB_GATHER_ROWS;
    const size_t end = least(first + MB_GATHER_ROWS, samples.count);
    note_labels(batch, samples, first, end);
    for (size_t row = first; row < end; row++)
        kernels->bytes_to_float(pixels,
                                batch->source->split.images.pixels + samples.index[row] * pixels,
                                batch->x + row * pixels);
}

void mb_batch_gather(const mb_batch *batch, const mb_kernels *kernels, mb_sample_indices samples,
                     size_t piece)
{
    if (batch->source->nonzeros != NULL)
        gather_sparse(batch, samples, piece);
    else
        gather_dense(batch, kernels, samples, piece);
}

static void prefetch(const void *from, size_t bytes)
{
    const char *line = from, *end = line + bytes;
    line -= (uintptr_t)line % MB_CACHE_LINE;
    for (; line < end; line += MB_CACHE_LINE)
        __builtin_prefetch(line, 0, 2);
    __asm__ volatile(""); /* or GCC drops calls of a function that does nothing else */
}

static void prefetch_sparse(const mb_sample_source *source, mb_sample_indices samples, size_t piece)
{
    const mb_sample_indices rows = rows_of_piece(source, samples, piece);
    for (size_t row = 0; row < rows.count; row++) {
        const mb_sparse_row x =
            mb_sample_source_segment(source, rows.index[row], piece % source->segments);
        prefetch(x.nonzeros, x.count * sizeof *x.nonzeros);
    }
}

static void prefetch_dense(const mb_sample_source *source, mb_sample_indices samples, size_t piece)
{
    const size_t first = piece * MB_GATHER_ROWS, end = least(first + MB_GATHER_ROWS, samples.count);
    for (size_t row = first; row < end; row++)
        prefetch(source->split.images.pixels + samples.index[row] * source->pixels, source->pixels);
}

void mb_sample_source_prefetch(const mb_sample_source *source, size_t number)
{
    const uint32_t *bound = source->row_start + number * (source->segments + 1);
    if (source->nonzeros != NULL)
        prefetch(source->nonzeros + bound[0],
                 (bound[source->segments] - bound[0]) * sizeof *source->nonzeros);
    else
        prefetch(source->split.images.pixels + number * source->pixels, source->pixels);
}

void mb_batch_prefetch(const mb_sample_source *source, mb_sample_indices samples, size_t piece)
{
    if (source->nonzeros != NULL)
        prefetch_sparse(source, samples, piece);
    else
        prefetch_dense(source, samples, piece);
}
