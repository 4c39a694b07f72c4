/* The gather of a sparse batch, which is not a kernel: images in random order. */
#include "check.h"

#include "data/batch.h"
#include "data/sampler.h"

#include <string.h>

static struct {
    mb_sample_source source;
    mb_batch batch;
    uint32_t *order;
} timed;

/* Tests every pixel. */
static void reference(const uint8_t *images, mb_sample_indices samples)
{
    for (size_t row = 0; row < samples.count; row++) {
        const uint8_t *image = images + samples.index[row] * MB_PIXELS;
        const mb_transposed_block *block = &timed.batch.block[row / MB_BLOCK_ROWS];
        const size_t bit = row % MB_BLOCK_ROWS;
        if (bit == 0)
            memset(block->mask, 0, MB_PIXELS * sizeof *block->mask);
        for (size_t p = 0; p < MB_PIXELS; p++)
            if (image[p] != 0) {
                block->mask[p] |= (uint64_t)1 << bit;
                block->value[p * MB_BLOCK_ROWS + bit] = image[p];
            }
    }
}

static void run(const mb_kernels *kernels, mb_workload *w)
{
    const size_t tiles = mb_batch_tile_count(&timed.source, w->rows);
    const size_t batch = w->runs++ % (MB_IMAGES / w->rows);
    const mb_sample_indices samples = {timed.order + batch * w->rows, w->rows};
    if (kernels == &mb_reference_kernels)
        reference(w->images, samples);
    for (size_t tile = 0; tile < tiles && kernels != &mb_reference_kernels; tile++)
        mb_batch_gather(&timed.batch, kernels, samples, tile);
}

void mb_time_gather(mb_workload *w)
{
    const mb_split split = {.images = {w->images, MB_IMAGES, 1, MB_SIDE, MB_SIDE},
                            .labels = w->labels};
    const double blocks = (double)((w->rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS);
    timed.order = mb_workload_alloc(w, MB_IMAGES, sizeof *timed.order);
    if (w->status == MB_OK)
        w->status = mb_sample_source_open(&split, &w->arena, &timed.source, w->error);
    if (w->status == MB_OK)
        w->status = mb_batch_open(&timed.source, w->rows, true, &w->arena, &timed.batch, w->error);
    if (w->status != MB_OK)
        return;
    mb_sampler_shuffle(1, 0, MB_IMAGES, timed.order);
    size_t nonzeros = 0;
    for (size_t i = 0; i < w->rows * MB_PIXELS; i++)
        nonzeros += w->images[timed.order[i / MB_PIXELS] * MB_PIXELS + i % MB_PIXELS] != 0;
    const double n = (double)nonzeros;
    mb_time_exact(w, "gather", run,
                  (mb_cost){.elements = n, .bytes = 3 * n + 8 * blocks * MB_PIXELS},
                  timed.batch.block[0].mask, MB_PIXELS * sizeof *timed.batch.block[0].mask);
}
