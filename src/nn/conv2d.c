/* 2D convolution as a layer: its spec, sizes, parameters and implementations. The phases of a
 * sample are in conv2d_phases.c. */
#include "nn/conv2d.h"

#include "nn/window.h"

/* BLOCK_ELEMENTS of windows stay in the L2 cache together with their gradients. */
enum { BLOCK_ELEMENTS = 16384, MAX_CHANNELS = 65536 };

static size_t weights_of(const mb_layer *layer)
{
    const mb_window *window = mb_layer_window(layer);
    return layer->out.channels * (layer->in.channels / window->groups) * window->rows *
           window->columns;
}

static size_t block_rows(const mb_layer *layer, const mb_conv2d_size *size)
{
    const size_t limit = layer->rules.product_limit;
    size_t pixels = BLOCK_ELEMENTS / size->window;
    if (limit > 0 && limit / (size->window * size->units) < pixels)
        pixels = limit / (size->window * size->units);
    const size_t rows = pixels / size->out_columns;
    return mb_equal_blocks(size->out_rows, rows > 0 ? rows : 1);
}

mb_conv2d_size mb_conv2d_size_of(const mb_layer *layer)
{
    const mb_window *window = mb_layer_window(layer);
    mb_conv2d_size size = {.groups = window->groups,
                           .channels = layer->in.channels / window->groups,
                           .units = layer->out.channels / window->groups,
                           .rows = layer->in.rows + 2 * window->padding,
                           .columns = layer->in.columns + 2 * window->padding,
                           .out_rows = layer->out.rows,
                           .out_columns = layer->out.columns,
                           .out_pixels = layer->out.rows * layer->out.columns,
                           .weights = weights_of(layer)};
    size.window = size.channels * window->rows * window->columns;
    size.block_rows = block_rows(layer, &size);
    return size;
}

static mb_status check_size(const mb_layer *layer, mb_error *error)
{
    const mb_window *window = mb_layer_window(layer);
    const size_t channels = layer->in.channels / window->groups;
    size_t weights;
    const bool fits = mb_multiply(window->rows * window->columns, channels, &weights) &&
                      mb_multiply(weights, layer->out.channels, &weights) && weights <= INT32_MAX;
    if (!fits)
        return mb_fail(error, MB_ERROR_INVALID, "weights of %zux%zux%zux%zu are too large",
                       layer->out.channels, channels, window->rows, window->columns);
    return mb_window_check_size(layer, error);
}

static mb_status configure(mb_layer *layer, const char *argument, mb_arena *arena, mb_error *error)
{
    mb_conv2d_config *config = mb_arena_alloc(arena, 1, sizeof *config);
    if (config == NULL)
        return mb_fail_memory(error, "conv2d", sizeof *config);
    const mb_window *window = &config->window;
    layer->config = config;
    mb_status status =
        mb_window_parse(layer, argument, 1, &layer->out.channels, &config->window, error);
    if (status == MB_OK)
        status = mb_window_count(layer->in, *window, &layer->out.rows, &layer->out.columns, error);
    if (status != MB_OK)
        return status;
    if (layer->out.channels > MAX_CHANNELS)
        return mb_fail(error, MB_ERROR_INVALID, "channels: must be at most %d, got %zu",
                       MAX_CHANNELS, layer->out.channels);
    if (layer->in.channels % window->groups != 0 || layer->out.channels % window->groups != 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "%zu groups do not divide %zu input channels and %zu output channels",
                       window->groups, layer->in.channels, layer->out.channels);
    status = check_size(layer, error);
    layer->out_format.layout =
        layer->out.channels / window->groups < MB_LANES ? MB_LAYOUT_NCHW : MB_LAYOUT_NHWC;
    layer->parameter_count = weights_of(layer) + layer->out.channels;
    return status;
}

/* ---- parameters, as PyTorch has them: weight (out, in / groups, rows, columns), bias (out).
 * In memory a group's weights are (units, K) in NCHW and (K, units), K with channels last, in NHWC.
 */

static float *weight_at(const mb_layer *layer, size_t unit, size_t index)
{
    const mb_conv2d_size size = mb_conv2d_size_of(layer);
    const size_t of_group = unit % size.units;
    float *weights = layer->parameters + mb_conv2d_group_offset(&size, unit / size.units);
    if (layer->out_format.layout == MB_LAYOUT_NCHW)
        return weights + of_group * size.window + index;
    const size_t pixels = size.window / size.channels;
    return weights + (index % pixels * size.channels + index / pixels) * size.units + of_group;
}

size_t mb_conv2d_channel_of_weight(const mb_layer *layer, const mb_conv2d_size *size, size_t index)
{
    const size_t of_group = index % (size->units * size->window);
    return index / (size->units * size->window) * size->units +
           (layer->out_format.layout == MB_LAYOUT_NCHW ? of_group / size->window
                                                       : of_group % size->units);
}

static mb_tensor_info tensor(const mb_layer *layer, size_t index)
{
    const mb_window *window = mb_layer_window(layer);
    const size_t units = layer->out.channels, channels = layer->in.channels / window->groups;
    if (index == 0)
        return (mb_tensor_info){
            "weight", 4, {units, channels, window->rows, window->columns}, weights_of(layer)};
    return (mb_tensor_info){"bias", 1, {units}, units};
}

/* ---- implementations ---- */

/* In the order in which they are tried; the last two cover every layer. */
static const mb_conv2d_impl *const impls[] = {&mb_conv2d_sparse_grad, &mb_conv2d_winograd,
                                              &mb_conv2d_direct_nchw, &mb_conv2d_direct_nhwc,
                                              &mb_conv2d_im2col_nchw, &mb_conv2d_im2col_nhwc};

const mb_conv2d_impl *mb_conv2d_forward_impl(const mb_layer *layer, bool training)
{
    size_t i = 0;
    while (impls[i]->forward == NULL || (impls[i]->in_training && !training) ||
           !impls[i]->applies(layer))
        i++;
    return impls[i];
}

const mb_conv2d_impl *mb_conv2d_backward_impl(const mb_layer *layer)
{
    size_t i = 0;
    while (impls[i]->backward == NULL || !impls[i]->applies(layer))
        i++;
    return impls[i];
}

bool mb_conv2d_pools(const mb_layer *layer)
{
    const mb_conv2d_impl *impl = mb_conv2d_forward_impl(layer, true);
    return mb_conv2d_pool(layer) != NULL && impl->pools != NULL && impl->pools(layer);
}

static double flops(const mb_layer *layer)
{
    return 2.0 * (double)weights_of(layer) * (double)(layer->out.rows * layer->out.columns);
}

const mb_layer_ops mb_conv2d_ops = {
    .name = "conv2d",
    .syntax = "CHANNELSxKERNEL[/strideN][/padN][/groupsN]",
    .help = "convolution with biases",
    .needs_image_input = true,
    .reads_per_sample = true,
    .writes_per_sample = true,
    .backward_needs_input = true,
    .configure = configure,
    .workspace_size = mb_conv2d_workspace_size,
    .prepare = mb_conv2d_prepare,
    .forward = mb_conv2d_forward,
    .backward = mb_conv2d_backward,
    .update = mb_conv2d_update,
    .weight_at = weight_at,
    .tensor = tensor,
    .flops = flops,
    MB_WEIGHTS,
};
