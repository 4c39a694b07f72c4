/* The way back through a convolution whose outputs go into a max pool: of each window of it one
 * number had an effect, so that most of the gradient is 0. By pixels, without groups.
 *
 * A pixel's picks are its units that have a gradient; the windows' gradients are made of those
 * units' weights. A unit's picks are its pixels, and what the weights of the unit add up to is made
 * of the image from there on: (units, rows of the kernel, numbers in whole lines), which is turned
 * when the last sample of a bundle has been added. */
#include "nn/conv2d.h"

#include <string.h>

bool mb_conv2d_picks(const mb_layer *layer)
{
    return layer->marks > 0 && !layer->placed_out.planes && layer->window.groups == 1;
}

/* Numbers of a row of a window, in whole lines. */
static size_t row_numbers(const mb_layer *layer)
{
    return mb_whole_lines(layer->window.columns * layer->in.channels);
}

size_t mb_conv2d_unit_numbers(const mb_layer *layer)
{
    return layer->window.rows * row_numbers(layer);
}

/* Lists the units' picks, and where the image's gradient is wanted writes that of the windows. */
static void pick_row(const mb_conv2d_op *op, const mb_conv2d_block *block, const float *d_out,
                     const mb_conv2d_room *room, bool wants_d_image)
{
    const mb_layer *layer = op->layer;
    const mb_conv2d_size *s = &op->size;
    const size_t pixel_step = layer->window.stride * layer->in.channels;
    const size_t row_step = s->columns * pixel_step, lines = mb_whole_lines(s->window) / MB_LINE;
    const float *d = d_out + block->row * s->out_columns * s->units;
    float *d_window = room->d_windows;
    for (size_t p = 0; p < block->pixels; p++, d += s->units, d_window += s->window) {
        const size_t row = block->row + p / s->out_columns, column = p % s->out_columns;
        const uint32_t at = (uint32_t)(row * row_step + column * pixel_step);
        const size_t count = op->site.kernels->pick(s->units, d, room->picks);
        for (size_t i = 0; i < count; i++) {
            const size_t unit = room->picks[i].at;
            room->units[unit * layer->marks + room->counts[unit]++] =
                (mb_pick){at, room->picks[i].value};
        }
        if (wants_d_image)
            op->site.kernels->pick_product(count, room->picks, lines,
                                           mb_conv2d_turned_weights(op, 0), s->turned_row, false,
                                           d_window);
    }
}

static void add_units(const mb_conv2d_op *op, const mb_conv2d_room *room, const float *image,
                      float *sums)
{
    const mb_layer *layer = op->layer;
    const size_t row = op->size.columns * layer->in.channels, numbers = row_numbers(layer);
    for (size_t unit = 0; unit < op->size.units; unit++)
        for (size_t y = 0; y < layer->window.rows; y++, sums += numbers)
            op->site.kernels->pick_product(room->counts[unit], room->units + unit * layer->marks,
                                           numbers / MB_LINE, image + y * row, 1, true, sums);
}

static void turn_sums(const mb_conv2d_op *op, const float *sums, float *gradient)
{
    const mb_layer *layer = op->layer;
    const size_t units = op->size.units, numbers = layer->window.columns * layer->in.channels;
    for (size_t unit = 0; unit < units; unit++)
        for (size_t y = 0; y < layer->window.rows; y++, sums += row_numbers(layer))
            for (size_t i = 0; i < numbers; i++)
                gradient[(y * numbers + i) * units + unit] = sums[i];
}

void mb_conv2d_picks_backward(const mb_conv2d_op *op, size_t tile, const float *image,
                              const float *d_out, float *d_image, const mb_conv2d_room *room)
{
    const mb_conv2d_size *s = &op->size;
    const size_t bundle = op->cut.bundle, numbers = s->units * mb_conv2d_unit_numbers(op->layer);
    float *gradient = mb_conv2d_partial(op, tile), *sums = mb_conv2d_unit_sums(op, tile);
    if (tile % bundle == 0)
        memset(sums, 0, numbers * sizeof *sums);
    memset(room->counts, 0, s->units * sizeof *room->counts);
    for (size_t row = 0; row < s->out_rows; row += s->block_rows) {
        const mb_conv2d_block block = mb_conv2d_block_at(s, row);
        pick_row(op, &block, d_out, room, d_image != NULL);
        if (d_image != NULL)
            mb_conv2d_pixels.windows_back(op, &block, room->d_windows, d_image);
    }
    mb_conv2d_pixels.sum(op, d_out, gradient + s->weights);
    add_units(op, room, image, sums);
    if ((tile + 1) % bundle == 0 || tile + 1 == op->site.rows)
        turn_sums(op, sums, gradient);
}
