/* Samples of a step: dense rows of floats, or only the pixels that are not zero.
 *
 * A sparse batch is seen from two sides. By row, for the forward pass: the samples' own compressed
 * rows, where they lie in the source. By pixel, for the gradient of the first layer's weights: for
 * each pixel the rows in which it is not zero, made here, block of rows by block of rows. */
#ifndef MB_DATA_BATCH_H
#define MB_DATA_BATCH_H

#include "core/arena.h"
#include "core/status.h"
#include "data/sparse.h"
#include "kernels/kernels.h"

/* Rows of a block, and of the pieces in which dense rows are filled, at most. */
enum { MB_BLOCK_ROWS = 64, MB_FILL_ROWS = 16 };

/* The pixels of MB_BLOCK_ROWS rows (fewer in the last block): those of pixel p are entry[k],
 * k = begin[p] .. begin[p]+count[p]-1, in the order of the rows. */
typedef struct mb_block {
    mb_entry *entry;
    uint32_t *begin; /* (pixels) */
    uint8_t *count;  /* (pixels) */
} mb_block;

typedef struct mb_batch {
    const mb_source *source;
    size_t rows;            /* samples in it */
    uint8_t *labels;        /* (rows) */
    float *x;               /* (rows, pixels) row-major, 0 .. 1; NULL where it is sparse */
    const uint32_t *number; /* (rows) of the samples in the source */
    mb_block *block;        /* (rows / MB_BLOCK_ROWS, rounded up); NULL where it is dense */
} mb_batch;

/* Which samples to gather: numbers into a split. */
typedef struct mb_samples {
    const uint32_t *number;
    size_t count;
} mb_samples;

/* Room for batches of up to max_rows samples of `source`, from the arena. MB_MEMORY. */
mb_status mb_batch_open(const mb_source *source, size_t max_rows, mb_arena *arena, mb_batch *batch,
                        mb_error *error);

/* The pieces in which a batch of up to max_rows samples is gathered. */
size_t mb_batch_pieces(const mb_source *source, size_t max_rows);

/* Gathers one piece of the batch for `samples` (all of the batch's; a piece past the last of them
 * does nothing). Different pieces may be gathered on different threads, and the batch may be used
 * when all are. samples.number must stay while it is. */
void mb_batch_gather(mb_batch *batch, const mb_kernels *kernels, mb_samples samples, size_t piece);

/* Asks the memory for samples that will be gathered soon: its share for one of `pieces` pieces. */
void mb_batch_prefetch(const mb_source *source, mb_samples samples, size_t piece, size_t pieces);

/* The pixels of row `row` in range `range` of the source's. */
static inline mb_pixels mb_batch_pixels(const mb_batch *batch, size_t row, size_t range)
{
    const mb_source *source = batch->source;
    const size_t number = batch->number[row];
    const uint32_t *bound = source->bound + number * (source->ranges + 1) + range;
    const size_t first = source->start[number] + bound[0];
    return (mb_pixels){source->index + first, source->value + first, bound[1] - bound[0]};
}

#endif
