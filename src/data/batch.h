/* The samples of a step: dense rows of floats, or only the non-zero pixels.
 *
 * A sparse batch has two forms. By row, for the forward pass: the compressed rows of the samples,
 * which stay in the source. By pixel, for the gradient of the first layer's weights: for each pixel
 * the rows in which it is not zero, gathered here, one block of rows after the other. */
#ifndef MB_DATA_BATCH_H
#define MB_DATA_BATCH_H

#include "core/arena.h"
#include "core/status.h"
#include "data/sample_source.h"
#include "kernels/kernels.h"

/* Maximum rows of a tile of a dense batch. */
enum { MB_GATHER_ROWS = 16 };

/* MB_BLOCK_ROWS rows (fewer in the last block) by pixel: bit r of mask[p] says that row r of the
 * block has value[p * MB_BLOCK_ROWS + r] there; values without their bit are not cleared. */
typedef struct mb_transposed_block {
    uint64_t *mask; /* (pixels) */
    uint8_t *value; /* (pixels, MB_BLOCK_ROWS) */
} mb_transposed_block;

typedef struct mb_batch {
    const mb_sample_source *source;
    uint8_t *labels; /* (rows) */
    float *x;        /* (rows, pixels) row-major, 0 .. 1; NULL in a sparse batch */
    /* (rows / MB_BLOCK_ROWS, rounded up); NULL in a dense batch and without `transposed`. */
    mb_transposed_block *block;
} mb_batch;

/* Samples of a split. */
typedef struct mb_sample_indices {
    const uint32_t *index;
    size_t count;
} mb_sample_indices;

/* Segment `segment` of row `row` of a sparse batch of these samples. */
static inline mb_sparse_row mb_batch_sparse_row(const mb_batch *batch, mb_sample_indices samples,
                                                size_t row, size_t segment)
{
    return mb_sample_source_segment(batch->source, samples.index[row], segment);
}

/* Allocates a batch of up to max_rows samples of `source` from the arena; `transposed`: with
 * blocks, for training. MB_ERROR_MEMORY. */
mb_status mb_batch_open(const mb_sample_source *source, size_t max_rows, bool transposed,
                        mb_arena *arena, mb_batch *batch, mb_error *error);

/* Number of tiles in which a batch of up to max_rows samples is gathered. */
size_t mb_batch_tile_count(const mb_sample_source *source, size_t max_rows);

/* Gathers one tile of the batch for `samples` (all of the batch's; a tile after the last of them is
 * empty). Threads may gather different tiles at once; the batch is ready after all of them. */
void mb_batch_gather(const mb_batch *batch, const mb_kernels *kernels, mb_sample_indices samples,
                     size_t tile);

/* Prefetches the data that gathering this tile of these samples reads. */
void mb_batch_prefetch(const mb_sample_source *source, mb_sample_indices samples, size_t tile);

#endif
