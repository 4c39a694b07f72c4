#include "data/batch.h"

#include "core/util.h"

mb_status mb_batch_open(const mb_sample_source *source, size_t max_rows, size_t threads,
                        mb_arena *arena, mb_batch *batch, mb_error *error)
{
    const size_t pixels = source->pixels, blocks = mb_divide_up(max_rows, MB_BLOCK_ROWS);
    size_t values = 0;
    *batch = (mb_batch){
        .source = source, .labels = mb_arena_alloc(arena, max_rows, 1), .blocks = blocks};
    if (!mb_multiply(max_rows, pixels, &values))
        return mb_fail_memory(error, "batch", SIZE_MAX);
    if (mb_sample_source_is_sparse(source))
        batch->block = mb_arena_alloc(arena, threads * blocks, sizeof *batch->block);
    else
        batch->x = mb_arena_alloc(arena, values, sizeof *batch->x);
    for (size_t b = 0; b < threads * blocks && batch->block != NULL; b++)
        batch->block[b] = (mb_transposed_block){mb_arena_alloc(arena, pixels, sizeof(uint64_t)),
                                                mb_arena_alloc(arena, pixels, MB_BLOCK_ROWS)};
    return mb_arena_status(arena, "batch", error);
}

double mb_batch_bytes(const mb_sample_source *source, size_t max_rows, size_t threads)
{
    const double blocks = (double)threads * (double)mb_divide_up(max_rows, MB_BLOCK_ROWS);
    return (double)source->pixels * (mb_sample_source_is_sparse(source)
                                         ? blocks * (MB_BLOCK_ROWS + sizeof(uint64_t))
                                         : (double)max_rows * sizeof(float));
}

size_t mb_batch_tile_rows(const mb_sample_source *source)
{
    return mb_sample_source_is_sparse(source) ? MB_BLOCK_ROWS : MB_GATHER_ROWS;
}

size_t mb_batch_tile_count(const mb_sample_source *source, size_t max_rows)
{
    return mb_divide_up(max_rows, mb_batch_tile_rows(source));
}

/* The samples of a tile. */
static mb_sample_indices samples_of(const mb_sample_source *source, mb_sample_indices samples,
                                    size_t tile)
{
    const size_t rows = mb_batch_tile_rows(source), first = tile * rows;
    if (first >= samples.count)
        return (mb_sample_indices){0};
    return (mb_sample_indices){samples.index + first, mb_min_size(rows, samples.count - first)};
}

static void gather_row(const mb_sample_source *source, const mb_kernels *kernels, size_t index,
                       float *x)
{
    const uint8_t *image = mb_sample_source_image(source, index);
    const size_t channels = source->split.images.channels, plane = source->pixels / channels;
    for (size_t c = 0; c < channels; c++)
        kernels->bytes_to_float(plane, image + c * plane, source->zero[c], source->unit[c],
                                x + c * plane);
}

static void gather_block(const mb_batch *batch, const mb_kernels *kernels,
                         mb_sample_indices samples, const mb_transposed_block *block)
{
    const uint8_t *x[MB_BLOCK_ROWS];
    for (size_t i = 0; i < samples.count; i++)
        x[i] = mb_sample_source_image(batch->source, samples.index[i]);
    kernels->transpose_bytes(samples.count, x, batch->source->pixels, block->value, block->mask);
}

void mb_batch_gather(const mb_batch *batch, const mb_kernels *kernels, mb_sample_indices samples,
                     size_t thread, size_t tile)
{
    const mb_sample_source *source = batch->source;
    const mb_sample_indices part = samples_of(source, samples, tile);
    const size_t row = tile * mb_batch_tile_rows(source);
    if (part.count == 0)
        return;
    if (batch->block != NULL)
        gather_block(batch, kernels, part, mb_batch_block(batch, thread, row));
    for (size_t i = 0; i < part.count && batch->x != NULL; i++)
        gather_row(source, kernels, part.index[i], batch->x + (row + i) * source->pixels);
}

void mb_batch_prefetch(const mb_sample_source *source, mb_sample_indices samples, size_t tile)
{
    const mb_sample_indices part = samples_of(source, samples, tile);
    for (size_t i = 0; i < part.count; i++)
        mb_prefetch(mb_sample_source_image(source, part.index[i]), source->pixels);
}
