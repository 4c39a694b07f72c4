/* The gather, and the products of a first layer that leaves zeros out. The twins know no sparse
 * form: they look at every pixel, and multiply every one. */
#include "kernel_cases.h"

#include <string.h>

/* Rows of a forward tile; src/nn/dense_sparse.c has the same. */
enum { TILE_ROWS = 32 };

/* Panels of a line, one after the other, as the weights of a layer are kept. */
static const mb_weight_strides panels = {MB_MAX_SPARSE_COLUMNS, MB_LANES,
                                         (size_t)MB_PIXELS *MB_LANES};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* ---- a batch by pixel ---- */

/* The samples of the next batch, in an order in which the cache knows none of them. */
static mb_sample_indices next_samples(mb_kernel_data *d)
{
    if (d->next + d->rows > d->image_count)
        d->next = 0;
    const mb_sample_indices samples = {d->order + d->next, d->rows};
    d->next += d->rows;
    return samples;
}

static void gather(const mb_kernels *kernels, mb_kernel_data *d)
{
    const size_t pieces = mb_batch_tile_count(&d->source, d->rows);
    const mb_sample_indices samples = next_samples(d);
    for (size_t piece = 0; piece < pieces; piece++)
        mb_batch_gather(&d->batch, kernels, samples, piece);
}

static void gather_twin(mb_kernel_data *d)
{
    const mb_sample_indices samples = next_samples(d);
    for (size_t row = 0; row < d->rows; row++) {
        const uint8_t *image = d->images + samples.index[row] * MB_PIXELS;
        mb_transposed_block *block = &d->twin_block[row / MB_BLOCK_ROWS];
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

/* out (pixels, rows in whole blocks) = the batch's bytes. */
static void gather_collect(mb_kernel_data *d, bool twin)
{
    const mb_transposed_block *blocks = twin ? d->twin_block : d->batch.block;
    for (size_t first = 0; first < d->rows; first += MB_BLOCK_ROWS) {
        const mb_transposed_block *block = &blocks[first / MB_BLOCK_ROWS];
        for (size_t p = 0; p < MB_PIXELS; p++)
            for (size_t row = 0; row < MB_BLOCK_ROWS; row++) {
                const size_t at = p * MB_BLOCK_ROWS + row;
                d->out[first * MB_PIXELS + at] =
                    block->mask[p] >> row & 1 ? (float)block->value[at] : 0.0f;
            }
    }
}

/* ---- z (rows, units) = x w; w in a, in panels ---- */

static void product(const mb_kernels *kernels, mb_kernel_data *d)
{
    const mb_sample_source *source = &d->source;
    mb_sparse_row x[TILE_ROWS];
    memset(d->out, 0, d->rows * MB_UNITS1 * sizeof *d->out);
    for (size_t unit = 0; unit < MB_UNITS1; unit += MB_MAX_SPARSE_COLUMNS)
        for (size_t row = 0; row < d->rows; row += TILE_ROWS)
            for (size_t range = 0; range < source->segments; range++) {
                const size_t rows = least(TILE_ROWS, d->rows - row);
                for (size_t r = 0; r < rows; r++)
                    x[r] = mb_sample_source_segment(source, d->order[row + r], range);
                kernels->sparse_product(rows, x, source->byte_to_float, panels,
                                        d->a + unit * MB_PIXELS +
                                            range * source->segment_pixels * MB_LANES,
                                        d->out + row * MB_UNITS1 + unit, MB_UNITS1);
            }
}

static size_t place(size_t pixel, size_t unit)
{
    return unit / MB_LANES * MB_LANES * MB_PIXELS + pixel * MB_LANES + unit % MB_LANES;
}

static void product_twin(mb_kernel_data *d)
{
    for (size_t row = 0; row < d->rows; row++) {
        const uint8_t *image = d->images + d->order[row] * MB_PIXELS;
        for (size_t unit = 0; unit < MB_UNITS1; unit++) {
            float sum = 0.0f;
            for (size_t p = 0; p < MB_PIXELS; p++)
                sum += (float)image[p] / 255.0f * d->a[place(p, unit)];
            d->out[row * MB_UNITS1 + unit] = sum;
        }
    }
}

/* ---- g (pixels, units), in panels, = transpose of x times d; d (rows, units) in a. The batch is
 * that of the first images ---- */

static void gradient(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t unit = 0; unit < MB_UNITS1; unit += MB_MAX_SPARSE_COLUMNS)
        for (size_t row = 0; row < d->rows; row += MB_BLOCK_ROWS) {
            const mb_transposed_block *block = &d->batch.block[row / MB_BLOCK_ROWS];
            kernels->sparse_gradient(MB_PIXELS, block->mask, block->value, d->source.byte_to_float,
                                     d->a + row * MB_UNITS1 + unit, MB_UNITS1, panels, row > 0,
                                     d->out + unit * MB_PIXELS);
        }
}

static void gradient_twin(mb_kernel_data *d)
{
    for (size_t p = 0; p < MB_PIXELS; p++)
        for (size_t unit = 0; unit < MB_UNITS1; unit++) {
            float sum = 0.0f;
            for (size_t row = 0; row < d->rows; row++)
                sum += (float)d->images[d->order[row] * MB_PIXELS + p] / 255.0f *
                       d->a[row * MB_UNITS1 + unit];
            d->out[place(p, unit)] = sum;
        }
}

/* ---- */

size_t mb_kernel_cases_sparse(const mb_kernel_data *d, mb_kernel_case *cases)
{
    const double dots = (double)d->dots, products = dots * MB_UNITS1, word = sizeof(float);
    const double z = (double)(d->rows * MB_UNITS1) * word;
    const double weights = (double)MB_PIXELS * MB_UNITS1 * word;
    const size_t blocks = (d->rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS;
    const double masks = (double)(blocks * MB_PIXELS) * sizeof(uint64_t);
    const mb_kernel_case all[] = {
        {"gather", dots, dots * (sizeof(mb_nonzero) + 1) + masks, 0, gather, gather_twin,
         blocks * MB_BLOCK_ROWS * MB_PIXELS, gather_collect},
        {"sparse_product", products, products * word + dots * sizeof(mb_nonzero) + z, 2 * products,
         product, product_twin, d->rows * MB_UNITS1, NULL},
        {"sparse_gradient", products, products * word + dots + masks + weights, 2 * products,
         gradient, gradient_twin, (size_t)MB_PIXELS * MB_UNITS1, NULL},
    };
    memcpy(cases, all, sizeof all);
    return sizeof all / sizeof all[0];
}
