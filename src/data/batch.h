/* Samples of a step: dense rows of floats, or only the pixels that are not zero.
 *
 * A sparse batch is seen from two sides. By row, for the forward pass: those are the samples'
 * compressed rows, where they lie in the source. By pixel, for the gradient of the first layer's
 * weights: for each pixel the rows in which it is not zero, made here, block of rows by block. */
#ifndef MB_DATA_BATCH_H
#define MB_DATA_BATCH_H

#include "core/arena.h"
#include "core/status.h"
#include "data/sparse.h"
#include "kernels/kernels.h"

/* Rows of the pieces in which a dense batch is gathered, at most. */
enum { MB_GATHER_ROWS = 16 };

/* MB_BLOCK_ROWS rows (fewer in the last block) by pixel: bit r of mask[p] says that row r of the
 * block has value[p * MB_BLOCK_ROWS + r] there; where the bit is not set the value is left over
 * from other samples. */
typedef struct mb_transposed_block {
    uint64_t *mask; /* (pixels) */
    uint8_t *value; /* (pixels, MB_BLOCK_ROWS) */
} mb_transposed_block;

typedef struct mb_batch {
    const mb_sample_source *source;
    uint8_t *labels; /* (rows) */
    float *x;        /* (rows, pixels) row-major, 0 .. 1; NULL where it is sparse */
    mb_transposed_block
        *block; /* (rows / MB_BLOCK_ROWS, rounded up); NULL where it is dense or not wanted */
} mb_batch;

/* Which samples to gather: numbers into a split. */
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

/* Room for batches of up to max_rows samples of `source`, from the arena; `by_pixel`: blocks are
 * wanted, for training. MB_ERROR_MEMORY. */
mb_status mb_batch_open(const mb_sample_source *source, size_t max_rows, bool by_pixel,
                        mb_arena *arena, mb_batch *batch, mb_error *error);

/* The pieces in which a batch of up to max_rows samples is gathered. */
size_t mb_batch_tile_count(const mb_sample_source *source, size_t max_rows);

/* Gathers one piece of the batch for `samples` (all of the batch's; a piece past the last of them
 * does nothing). Different pieces may be gathered on different threads, and the batch may be used
 * when all are. */
void mb_batch_gather(const mb_batch *batch, const mb_kernels *kernels, mb_sample_indices samples,
                     size_t piece);

/* Asks the memory for what gathering that piece of these samples will read. */
void mb_batch_prefetch(const mb_sample_source *source, mb_sample_indices samples, size_t piece);

/* Asks the memory for all of one image: its dots, or its bytes where it has none. */
void mb_sample_source_prefetch(const mb_sample_source *source, size_t number);

#endif
