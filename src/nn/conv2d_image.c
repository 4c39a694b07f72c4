/* How images come into a convolution and their gradients go out: padded, and turned from one form
 * into the other. */
#include "nn/conv2d.h"
#include "nn/window.h"

#include <string.h>

/* Segments are written in whole lines. */
enum { SLACK = 2 * MB_LANES };

static bool must_turn(const mb_layer *layer)
{
    return layer->in.channels > 1 && layer->in_format.planes != layer->out_format.planes;
}

/* Whether the image can be used where it is: segments are read and written in whole lines, which
 * must not reach into the next sample. */
static bool is_direct(const mb_layer *layer)
{
    const size_t segment = layer->window.columns * layer->in.channels;
    return layer->window.padding == 0 && !must_turn(layer) && !layer->out_format.planes &&
           layer->window.groups == 1 && segment % MB_LANES == 0;
}

static size_t padded_numbers(const mb_layer *layer, const mb_conv2d_size *size)
{
    return layer->in.channels * size->rows * size->columns + SLACK;
}

static size_t window_numbers(const mb_conv2d_size *size)
{
    return size->block_rows * size->out_columns * size->window + SLACK;
}

/* In numbers, of which a pick has two. */
static size_t pick_numbers(const mb_layer *layer)
{
    return mb_conv2d_picks(layer) ? 2 * (layer->marks + 1) : 0;
}

size_t mb_conv2d_scratch_bytes(const mb_layer *layer)
{
    const mb_conv2d_size size = mb_conv2d_size_of(layer);
    return (2 * padded_numbers(layer, &size) + 2 * window_numbers(&size) +
            mb_shape_size(layer->in) + pick_numbers(layer) + 8 * MB_LANES) *
           sizeof(float);
}

static float *take(float **rest, size_t numbers)
{
    float *piece = *rest;
    *rest += (numbers + MB_LANES - 1) / MB_LANES * MB_LANES;
    return piece;
}

mb_conv2d_scratch mb_conv2d_scratch_of(const mb_conv2d_op *op, void *scratch)
{
    const mb_layer *layer = op->layer;
    float *rest = scratch;
    mb_conv2d_scratch room;
    room.windows = take(&rest, window_numbers(&op->size));
    room.d_windows = take(&rest, window_numbers(&op->size));
    room.image = take(&rest, padded_numbers(layer, &op->size));
    room.d_image = take(&rest, padded_numbers(layer, &op->size));
    room.turned = take(&rest, mb_shape_size(layer->in));
    room.picks = (mb_nonzero_grad *)(void *)take(&rest, pick_numbers(layer));
    return room;
}

const float *mb_conv2d_load(const mb_conv2d_op *op, const float *image,
                            const mb_conv2d_scratch *room)
{
    const mb_layer *layer = op->layer;
    const size_t pixels = layer->in.rows * layer->in.columns, channels = layer->in.channels;
    if (is_direct(layer))
        return image;
    if (must_turn(layer)) {
        const bool from_planes = layer->in_format.planes;
        const size_t rows = from_planes ? channels : pixels,
                     columns = from_planes ? pixels : channels;
        float *turned = layer->window.padding > 0 ? room->turned : room->image;
        op->ctx.kernels->transpose(rows, columns, image, turned, rows);
        if (layer->window.padding == 0)
            return turned;
        image = turned;
    }
    if (layer->window.padding > 0)
        memset(room->image, 0, padded_numbers(layer, &op->size) * sizeof *room->image);
    mb_window_pad(layer, layer->out_format.planes, image, room->image);
    return room->image;
}

float *mb_conv2d_begin(const mb_conv2d_op *op, float *d_image, const mb_conv2d_scratch *room)
{
    const mb_layer *layer = op->layer;
    float *d = is_direct(layer) ? d_image : room->d_image;
    memset(d, 0, layer->in.channels * op->size.rows * op->size.columns * sizeof *d);
    return d;
}

void mb_conv2d_store(const mb_conv2d_op *op, const float *d, float *d_image,
                     const mb_conv2d_scratch *room)
{
    const mb_layer *layer = op->layer;
    const size_t pixels = layer->in.rows * layer->in.columns, channels = layer->in.channels;
    if (is_direct(layer))
        return;
    if (!must_turn(layer)) {
        mb_window_unpad(layer, layer->out_format.planes, d, d_image);
        return;
    }
    if (layer->window.padding > 0) {
        mb_window_unpad(layer, layer->out_format.planes, d, room->turned);
        d = room->turned;
    }
    const bool to_planes = layer->in_format.planes;
    const size_t rows = to_planes ? pixels : channels, columns = to_planes ? channels : pixels;
    op->ctx.kernels->transpose(rows, columns, d, d_image, rows);
}
