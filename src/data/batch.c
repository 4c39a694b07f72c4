#include "data/batch.h"

#include "core/util.h"

#include <string.h>

mb_status mb_batch_open(const mb_sample_source *source, size_t max_rows, bool transposed,
                        mb_arena *arena, mb_batch *batch, mb_error *error)
{
    const size_t blocks = mb_divide_up(max_rows, MB_BLOCK_ROWS), pixels = source->pixels;
    const bool sparse = source->nonzeros != NULL;
    size_t values = 0;
    *batch = (mb_batch){.source = source, .labels = mb_arena_alloc(arena, max_rows, 1)};
    if (!mb_multiply(max_rows, pixels, &values))
        return mb_fail_memory(error, "batch", SIZE_MAX);
    if (!sparse)
        batch->x = mb_arena_alloc(arena, values, sizeof *batch->x);
    if (sparse && transposed)
        batch->block = mb_arena_alloc(arena, blocks, sizeof *batch->block);
    for (size_t b = 0; b < blocks && batch->block != NULL; b++)
        batch->block[b] = (mb_transposed_block){mb_arena_alloc(arena, pixels, sizeof(uint64_t)),
                                                mb_arena_alloc(arena, pixels, MB_BLOCK_ROWS)};
    return mb_arena_status(arena, "batch", error);
}

size_t mb_batch_tile_count(const mb_sample_source *source, size_t max_rows)
{
    return source->nonzeros != NULL ? mb_divide_up(max_rows, MB_BLOCK_ROWS) * source->segments
                                    : mb_divide_up(max_rows, MB_GATHER_ROWS);
}

/* Transposes one segment of the pixels; `rows` are the block's samples. */
static void transpose_segment(const mb_sample_source *source, mb_sample_indices rows,
                              const mb_transposed_block *block, size_t segment)
{
    const size_t first = segment * source->segment_pixels;
    const size_t pixels = mb_min_size(source->segment_pixels, source->pixels - first);
    uint64_t *restrict mask = block->mask + first;
    memset(mask, 0, pixels * sizeof *mask);
    for (size_t row = 0; row < rows.count; row++) {
        const mb_sparse_row x = mb_sample_source_segment(source, rows.index[row], segment);
        uint8_t *restrict value = block->value + first * MB_BLOCK_ROWS + row;
        for (size_t k = 0, pixel = 0; k < x.count; k++) {
            pixel += x.nonzeros[k].delta;
            mask[pixel] |= (uint64_t)1 << row;
            value[pixel * MB_BLOCK_ROWS] = x.nonzeros[k].value;
        }
    }
}

/* The samples of a tile of a sparse batch: those of its block. */
static mb_sample_indices rows_of_tile(const mb_sample_source *source, mb_sample_indices samples,
                                      size_t tile)
{
    const size_t first = tile / source->segments * MB_BLOCK_ROWS;
    if (first >= samples.count)
        return (mb_sample_indices){0};
    return (mb_sample_indices){samples.index + first,
                               mb_min_size(samples.count - first, MB_BLOCK_ROWS)};
}

static void gather_labels(const mb_batch *batch, mb_sample_indices samples, size_t first,
                          size_t end)
{
    const uint8_t *labels = batch->source->split.labels;
    for (size_t row = first; row < end && labels != NULL; row++)
        batch->labels[row] = labels[samples.index[row]];
}

static void gather_sparse(const mb_batch *batch, mb_sample_indices samples, size_t tile)
{
    const mb_sample_source *source = batch->source;
    const size_t block = tile / source->segments, segment = tile % source->segments;
    const mb_sample_indices rows = rows_of_tile(source, samples, tile);
    if (segment == 0)
        gather_labels(batch, samples, block * MB_BLOCK_ROWS, block * MB_BLOCK_ROWS + rows.count);
    if (rows.count > 0 && batch->block != NULL)
        transpose_segment(source, rows, &batch->block[block], segment);
}

static void gather_dense(const mb_batch *batch, const mb_kernels *kernels,
                         mb_sample_indices samples, size_t tile)
{
    const size_t pixels = batch->source->pixels, first = tile * MB_GATHER_ROWS;
    const size_t end = mb_min_size(first + MB_GATHER_ROWS, samples.count);
    gather_labels(batch, samples, first, end);
    for (size_t row = first; row < end; row++)
        kernels->bytes_to_float(pixels,
                                batch->source->split.images.pixels + samples.index[row] * pixels,
                                batch->x + row * pixels);
}

void mb_batch_gather(const mb_batch *batch, const mb_kernels *kernels, mb_sample_indices samples,
                     size_t tile)
{
    if (batch->source->nonzeros != NULL)
        gather_sparse(batch, samples, tile);
    else
        gather_dense(batch, kernels, samples, tile);
}

static void prefetch_sparse(const mb_sample_source *source, mb_sample_indices samples, size_t tile)
{
    const mb_sample_indices rows = rows_of_tile(source, samples, tile);
    for (size_t row = 0; row < rows.count; row++) {
        const mb_sparse_row x =
            mb_sample_source_segment(source, rows.index[row], tile % source->segments);
        mb_prefetch(x.nonzeros, x.count * sizeof *x.nonzeros);
    }
}

static void prefetch_dense(const mb_sample_source *source, mb_sample_indices samples, size_t tile)
{
    const size_t first = tile * MB_GATHER_ROWS,
                 end = mb_min_size(first + MB_GATHER_ROWS, samples.count);
    for (size_t row = first; row < end; row++)
        mb_prefetch(source->split.images.pixels + samples.index[row] * source->pixels,
                    source->pixels);
}

void mb_batch_prefetch(const mb_sample_source *source, mb_sample_indices samples, size_t tile)
{
    if (source->nonzeros != NULL)
        prefetch_sparse(source, samples, tile);
    else
        prefetch_dense(source, samples, tile);
}
