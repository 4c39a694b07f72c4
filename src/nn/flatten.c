/* Flatten: the channels, rows and columns of a sample as one row of values. Memory is unchanged:
 * the dense layer after it knows the layout. */
#include "nn/layer.h"

static mb_status configure(mb_layer *layer, const char *argument, mb_arena *arena, mb_error *error)
{
    (void)arena;
    layer->out = (mb_shape){1, 1, mb_shape_size(layer->in)};
    layer->out_format = layer->in_format;
    layer->out_format.flat = true;
    return mb_layer_check_no_argument(layer, argument, error);
}

static void no_phase(const mb_layer *layer, const mb_layer_context *ctx) { (void)layer, (void)ctx; }

const mb_layer_ops mb_flatten_ops = {
    .name = "flatten",
    .syntax = "",
    .help = "an image as one row of values, for dense",
    .in_place = true,
    .configure = configure,
    .forward = no_phase,
    .backward = no_phase,
};
