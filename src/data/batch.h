/* Samples of a step, gathered as floats: only the pixels that some sample of them uses.
 *
 * A batch is cut into blocks of rows, and each block has its own active pixels: those that are not
 * zero in every image of the block. The columns left out would meet only zeros in the product with
 * the first layer's weights, so the sums are the same, with a third fewer operations on digits. */
#ifndef MB_DATA_BATCH_H
#define MB_DATA_BATCH_H

#include "core/arena.h"
#include "core/status.h"
#include "data/sparse.h"
#include "kernels/kernels.h"

/* Rows of a block, and of the pieces in which a block is filled, at most. */
enum { MB_BLOCK_ROWS = 64, MB_FILL_ROWS = 16 };

/* rows cut into blocks as equal as can be, of at most MB_BLOCK_ROWS: the size of all but perhaps
 * the last. */
size_t mb_block_rows(size_t rows);

typedef struct mb_block {
    const float *x;         /* (rows, n_active) row-major, pixels / 255 */
    size_t rows;            /* in use */
    size_t n_active;        /* columns, the leading dimension too */
    const uint16_t *active; /* (n_active) their pixels, ascending; NULL: all pixels */
    float *values;          /* x, for those who fill it */
    uint16_t *list;         /* active, likewise */
    uint16_t *slot;         /* (pixels) column of each active pixel */
} mb_block;

typedef struct mb_batch {
    size_t rows;       /* samples in it */
    size_t block_rows; /* rows of each block but perhaps the last */
    mb_block *block;
    uint8_t *labels; /* (rows) */
} mb_batch;

/* Which samples to gather: numbers into a split. */
typedef struct mb_samples {
    const uint32_t *number;
    size_t count;
} mb_samples;

/* Room for batches of up to max_rows samples of `source`, from the arena. MB_MEMORY. */
mb_status mb_batch_open(const mb_source *source, size_t max_rows, mb_arena *arena, mb_batch *batch,
                        mb_error *error);

/* Begins the batch's block number `block` for `samples` (all of the batch's; blocks past the last
 * sample do nothing): finds its active pixels. Different blocks may begin on different threads. */
void mb_batch_begin(mb_batch *batch, const mb_source *source, mb_samples samples, size_t block);

/* Fills the rows first .. first+rows-1 of the batch, whose blocks have begun; rows past the last
 * sample are left out. Different rows may be filled on different threads. */
void mb_batch_fill(mb_batch *batch, const mb_source *source, const mb_kernels *kernels,
                   mb_samples samples, size_t first, size_t rows);

/* Asks the memory for samples that will be gathered soon. */
void mb_batch_prefetch(const mb_source *source, mb_samples samples, size_t first, size_t rows);

#endif
