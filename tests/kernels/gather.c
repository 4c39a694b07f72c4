/* The gather of a sparse batch, which is not a kernel: images in random order. */
#include "check.h"

#include "data/batch.h"
#include "data/sampler.h"

static struct {
    mb_sample_source source;
    mb_batch batch;
    uint32_t *order;
} timed;

static void reference(mb_sample_indices samples)
{
    const uint8_t *x[MB_BLOCK_ROWS];
    for (size_t row = 0; row < samples.count; row += MB_BLOCK_ROWS) {
        const size_t left = samples.count - row, rows = left < MB_BLOCK_ROWS ? left : MB_BLOCK_ROWS;
        const mb_transposed_block *block = &timed.batch.block[row / MB_BLOCK_ROWS];
        for (size_t r = 0; r < rows; r++)
            x[r] = mb_sample_source_image(&timed.source, samples.index[row + r]);
        mb_reference_kernels.transpose_bytes(rows, x, MB_PIXELS, block->value, block->mask);
    }
}

static void run(const mb_kernels *kernels, mb_workload *w)
{
    const size_t tiles = mb_batch_tile_count(&timed.source, w->rows);
    const size_t batch = w->runs++ % (MB_IMAGES / w->rows);
    const mb_sample_indices samples = {timed.order + batch * w->rows, w->rows};
    if (kernels == &mb_reference_kernels)
        reference(samples);
    for (size_t tile = 0; tile < tiles && kernels != &mb_reference_kernels; tile++)
        mb_batch_gather(&timed.batch, kernels, samples, 0, tile);
}

void mb_time_gather(mb_workload *w)
{
    const mb_split split = {.images = {w->images, MB_IMAGES, 1, MB_SIDE, MB_SIDE},
                            .labels = w->labels};
    const double blocks = (double)((w->rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS);
    timed.order = mb_workload_alloc(w, MB_IMAGES, sizeof *timed.order);
    if (w->status == MB_OK)
        w->status = mb_sample_source_open(&split, NULL, true, &w->arena, &timed.source, w->error);
    if (w->status == MB_OK)
        w->status = mb_batch_open(&timed.source, w->rows, 1, &w->arena, &timed.batch, w->error);
    if (w->status != MB_OK)
        return;
    mb_sampler_shuffle(1, 0, MB_IMAGES, timed.order);
    const double n = blocks * MB_BLOCK_ROWS * MB_PIXELS;
    mb_time_exact(w, "gather", run, (mb_cost){.elements = n, .bytes = 2.125 * n},
                  timed.batch.block[0].mask, MB_PIXELS * sizeof *timed.batch.block[0].mask);
}
