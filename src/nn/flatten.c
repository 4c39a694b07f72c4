/* Flatten: the channels, rows and columns of a sample as one row of numbers. Nothing moves: the
 * dense layer behind it knows where each number lies. */
#include "nn/layer.h"

static mb_status configure(mb_layer *layer, const char *argument, mb_error *error)
{
    if (argument != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "flatten takes no argument");
    layer->out = (mb_shape){1, 1, mb_shape_size(layer->in)};
    layer->out_format = layer->in_format;
    layer->out_format.flat = true;
    return MB_OK;
}

static mb_status nothing(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    (void)layer, (void)ctx, (void)error;
    return MB_OK;
}

const mb_layer_ops mb_flatten_ops = {
    .name = "flatten",
    .in_place = true,
    .configure = configure,
    .forward = nothing,
    .backward = nothing,
};
