#include "data/batch.h"

#include "core/util.h"

/* Pixels of a tile of a sparse batch: whole cache lines of masks. */
enum { GATHER_PIXELS = 208 };

mb_status mb_batch_open(const mb_sample_source *source, size_t max_rows, mb_arena *arena,
                        mb_batch *batch, mb_error *error)
{
    const size_t blocks = mb_divide_up(max_rows, MB_BLOCK_ROWS), pixels = source->pixels;
    size_t values = 0;
    *batch = (mb_batch){.source = source, .labels = mb_arena_alloc(arena, max_rows, 1)};
    if (!mb_multiply(max_rows, pixels, &values))
        return mb_fail_memory(error, "batch", SIZE_MAX);
    if (mb_sample_source_is_sparse(source))
        batch->block = mb_arena_alloc(arena, blocks, sizeof *batch->block);
    else
        batch->x = mb_arena_alloc(arena, values, sizeof *batch->x);
    for (size_t b = 0; b < blocks && batch->block != NULL; b++)
        batch->block[b] = (mb_transposed_block){mb_arena_alloc(arena, pixels, sizeof(uint64_t)),
                                                mb_arena_alloc(arena, pixels, MB_BLOCK_ROWS)};
    return mb_arena_status(arena, "batch", error);
}

/* The rows and pixels of a tile: all pixels, unless the source is sparse. */
typedef struct tile_part {
    size_t row, rows, pixel, pixels;
} tile_part;

static size_t tile_rows(const mb_sample_source *source)
{
    return mb_sample_source_is_sparse(source) ? MB_BLOCK_ROWS : MB_GATHER_ROWS;
}

static size_t tile_pixels(const mb_sample_source *source)
{
    return mb_sample_source_is_sparse(source) ? GATHER_PIXELS : source->pixels;
}

size_t mb_batch_tile_count(const mb_sample_source *source, size_t max_rows)
{
    return mb_divide_up(max_rows, tile_rows(source)) *
           mb_divide_up(source->pixels, tile_pixels(source));
}

static tile_part part_of(const mb_sample_source *source, mb_sample_indices samples, size_t tile)
{
    const size_t rows = tile_rows(source), pixels = tile_pixels(source);
    const size_t tiles_of_row = mb_divide_up(source->pixels, pixels);
    const size_t row = mb_min_size(tile / tiles_of_row * rows, samples.count);
    const size_t pixel = tile % tiles_of_row * pixels;
    return (tile_part){row, mb_min_size(rows, samples.count - row), pixel,
                       mb_min_size(pixels, source->pixels - pixel)};
}

static void gather_sparse(const mb_batch *batch, const mb_kernels *kernels,
                          mb_sample_indices samples, tile_part part)
{
    const mb_transposed_block *block = &batch->block[part.row / MB_BLOCK_ROWS];
    const uint8_t *x[MB_BLOCK_ROWS];
    for (size_t row = 0; row < part.rows; row++)
        x[row] = mb_sample_source_image(batch->source, samples.index[part.row + row]) + part.pixel;
    kernels->transpose_bytes(part.rows, x, part.pixels, block->value + part.pixel * MB_BLOCK_ROWS,
                             block->mask + part.pixel);
}

static void gather_dense(const mb_batch *batch, const mb_kernels *kernels,
                         mb_sample_indices samples, tile_part part)
{
    for (size_t row = part.row; row < part.row + part.rows; row++)
        kernels->bytes_to_float(part.pixels,
                                mb_sample_source_image(batch->source, samples.index[row]),
                                batch->x + row * part.pixels);
}

void mb_batch_gather(const mb_batch *batch, const mb_kernels *kernels, mb_sample_indices samples,
                     size_t tile)
{
    const tile_part part = part_of(batch->source, samples, tile);
    const uint8_t *labels = batch->source->split.labels;
    if (part.rows == 0)
        return;
    for (size_t row = part.row; row < part.row + part.rows && part.pixel == 0 && labels != NULL;
         row++)
        batch->labels[row] = labels[samples.index[row]];
    if (batch->block != NULL)
        gather_sparse(batch, kernels, samples, part);
    else
        gather_dense(batch, kernels, samples, part);
}

void mb_batch_prefetch(const mb_sample_source *source, mb_sample_indices samples, size_t tile)
{
    const tile_part part = part_of(source, samples, tile);
    for (size_t row = part.row; row < part.row + part.rows; row++)
        mb_prefetch(mb_sample_source_image(source, samples.index[row]) + part.pixel, part.pixels);
}
