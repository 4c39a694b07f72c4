/* The way back through a convolution whose outputs go into a max pool: of each window of it one
 * number had an effect, so that most of the gradient is 0. By pixels, without groups.
 *
 * Each unit has its picks, the pixels where it has a gradient. Its weights' gradient is the sum of
 * the image's windows at these pixels, and to the image's gradient each adds the unit's weights,
 * where its window is. Weights and sums are (units, rows of the kernel, numbers in whole lines);
 * the sums are turned when the last sample of a chunk has been added. */
#include "nn/conv2d.h"

#include <string.h>

bool mb_conv2d_picks(const mb_layer *layer)
{
    return layer->marks > 0 && !layer->out_format.planes && layer->window.groups == 1;
}

/* Numbers of a row of a window, and in whole lines. */
static size_t numbers_of(const mb_layer *layer)
{
    return layer->window.columns * layer->in.channels;
}

static size_t row_numbers(const mb_layer *layer) { return mb_pad_to_lanes(numbers_of(layer)); }

size_t mb_conv2d_unit_numbers(const mb_layer *layer)
{
    return layer->window.rows * row_numbers(layer);
}

void mb_conv2d_turn_units(const mb_conv2d_op *op, float *turned)
{
    const size_t numbers = numbers_of(op->layer), units = op->size.units;
    for (size_t y = 0; y < op->layer->window.rows; y++)
        op->ctx.kernels->transpose(numbers, units, op->weights + y * numbers * units,
                                   turned + y * row_numbers(op->layer),
                                   mb_conv2d_unit_numbers(op->layer));
}

static void turn_sums(const mb_conv2d_op *op, const float *sums, float *gradient)
{
    const mb_layer *layer = op->layer;
    const size_t units = op->size.units, numbers = numbers_of(layer);
    for (size_t unit = 0; unit < units; unit++)
        for (size_t y = 0; y < layer->window.rows; y++, sums += row_numbers(layer))
            for (size_t i = 0; i < numbers; i++)
                gradient[(y * numbers + i) * units + unit] = sums[i];
}

void mb_conv2d_picks_backward(const mb_conv2d_op *op, size_t tile, const float *image,
                              const float *d_out, float *d_image, const mb_conv2d_scratch *room)
{
    const mb_layer *layer = op->layer;
    const mb_conv2d_size *s = &op->size;
    const mb_kernels *kernels = op->ctx.kernels;
    const size_t rows = layer->window.rows, lines = row_numbers(layer) / MB_LANES;
    const size_t of_unit = mb_conv2d_unit_numbers(layer), across = layer->in.channels;
    const mb_grad_plane plane = {.rows = s->out_rows,
                                 .columns = s->out_columns,
                                 .stride = s->units,
                                 .row_offset = layer->window.stride * s->columns * across,
                                 .column_offset = layer->window.stride * across};
    float *gradient = mb_conv2d_partial(op, tile), *sums = mb_conv2d_unit_sums(op, tile);
    if (tile % op->tiling.chunk_tiles == 0)
        memset(sums, 0, s->units * of_unit * sizeof *sums);
    mb_conv2d_pixels.sum(op, d_out, gradient + s->weights);
    for (size_t unit = 0; unit < s->units; unit++) {
        const size_t count = kernels->find_nonzero_grads(&plane, d_out + unit, room->picks);
        kernels->accumulate_windows(count, room->picks, rows, lines, image, s->columns * across,
                                    sums + unit * of_unit);
        if (d_image != NULL)
            kernels->scatter_windows(count, room->picks, rows, lines,
                                     mb_conv2d_turned_weights(op, 0) + unit * of_unit, d_image,
                                     s->columns * across);
    }
    if ((tile + 1) % op->tiling.chunk_tiles == 0 || tile + 1 == op->ctx.rows)
        turn_sums(op, sums, gradient);
}
