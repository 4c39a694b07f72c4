/* The samples of a step: rows of floats, or, where most pixels are 0, blocks of rows by pixel, from
 * which products skip the zeros. */
#ifndef MB_DATA_BATCH_H
#define MB_DATA_BATCH_H

#include "core/arena.h"
#include "core/status.h"
#include "data/sample_source.h"
#include "kernels/kernels.h"

/* Maximum rows of a tile of a dense batch. */
enum { MB_GATHER_ROWS = 16 };

/* MB_BLOCK_ROWS rows (fewer in the last block) by pixel, as the kernel transpose_bytes writes them.
 */
typedef struct mb_transposed_block {
    uint64_t *mask; /* (pixels) */
    uint8_t *value; /* (pixels, MB_BLOCK_ROWS) */
} mb_transposed_block;

typedef struct mb_batch {
    const mb_sample_source *source;
    uint8_t *labels;            /* (rows) */
    float *x;                   /* (rows, pixels) row-major, 0 .. 1; NULL if the source is sparse */
    mb_transposed_block *block; /* (threads, blocks) of a sparse source, else NULL */
    size_t blocks;              /* maximum rows / MB_BLOCK_ROWS, rounded up */
} mb_batch;

/* The thread's copy of the block that row `row` belongs to. Cores would take longer to exchange
 * halves of the block than each takes to make all of it. */
static inline const mb_transposed_block *mb_batch_block(const mb_batch *batch, size_t thread,
                                                        size_t row)
{
    return &batch->block[thread * batch->blocks + row / MB_BLOCK_ROWS];
}

/* Samples of a split. */
typedef struct mb_sample_indices {
    const uint32_t *index;
    size_t count;
} mb_sample_indices;

/* Allocates a batch of up to max_rows samples of `source` from the arena. MB_ERROR_MEMORY. */
mb_status mb_batch_open(const mb_sample_source *source, size_t max_rows, size_t threads,
                        mb_arena *arena, mb_batch *batch, mb_error *error);

/* Bytes that this takes, without labels. */
double mb_batch_bytes(const mb_sample_source *source, size_t max_rows, size_t threads);

/* Number of tiles in which a batch of up to max_rows samples is gathered. */
size_t mb_batch_tile_count(const mb_sample_source *source, size_t max_rows);

/* Rows of a tile. */
size_t mb_batch_tile_rows(const mb_sample_source *source);

/* Gathers one tile of the images of the batch for `samples` (all of the batch's; a tile after the
 * last of them is empty), at once with other threads: from a sparse source each thread gathers all
 * tiles for itself; else threads gather different tiles, and wait for each other. */
void mb_batch_gather(const mb_batch *batch, const mb_kernels *kernels, mb_sample_indices samples,
                     size_t thread, size_t tile);

/* Prefetches the data that gathering this tile of these samples reads. */
void mb_batch_prefetch(const mb_sample_source *source, mb_sample_indices samples, size_t tile);

#endif
