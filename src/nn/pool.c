/* Pooling: out = the maximum or the mean of each window, channel by channel. */
#include "nn/window.h"

#include <math.h>
#include <string.h>

/* Max pooling stores the position of each maximum for the backward pass. */
static bool is_max(const mb_layer *layer) { return layer->ops->workspace_size != NULL; }

/* The window of a layer without an argument is the whole image. */
static mb_status configure(mb_layer *layer, const char *argument, mb_arena *arena, mb_error *error)
{
    mb_window *window = mb_arena_alloc(arena, 1, sizeof *window);
    if (window == NULL)
        return mb_fail_memory(error, layer->ops->name, sizeof *window);
    layer->config = window;
    *window = (mb_window){layer->in.rows, layer->in.columns, 1, 0, 1};
    mb_status status = *layer->ops->syntax == '\0'
                           ? mb_layer_check_no_argument(layer, argument, error)
                           : mb_window_parse(layer, argument, 0, NULL, window, error);
    if (status == MB_OK)
        status = mb_window_count(layer->in, *window, &layer->out.rows, &layer->out.columns, error);
    layer->out.channels = layer->in.channels;
    return status == MB_OK ? mb_window_check_size(layer, error) : status;
}

static mb_shape padded_shape(const mb_layer *layer)
{
    const size_t padding = mb_layer_window(layer)->padding;
    return (mb_shape){layer->in.channels, layer->in.rows + 2 * padding,
                      layer->in.columns + 2 * padding};
}

static size_t scratch_bytes(const mb_layer *layer)
{
    return mb_layer_window(layer)->padding > 0 ? mb_shape_size(padded_shape(layer)) * sizeof(float)
                                               : 0;
}

/* One call of a kernel: its windows, and their offsets in the image and in the output. */
typedef struct pool_call {
    mb_pool pool;
    size_t image, out;
} pool_call;

/* NCHW: one call per channel, or one for all if the windows of a channel end where those of the
 * next begin. */
static bool channels_join(const mb_layer *layer)
{
    return layer->out.rows * mb_layer_window(layer)->stride == padded_shape(layer).rows;
}

/* NHWC: one call per row of outputs. */
static size_t call_count(const mb_layer *layer)
{
    if (layer->in_format.layout == MB_LAYOUT_NHWC)
        return layer->out.rows;
    return channels_join(layer) ? 1 : layer->in.channels;
}

static pool_call call_at(const mb_layer *layer, size_t index)
{
    const mb_window *window = mb_layer_window(layer);
    const mb_shape in = padded_shape(layer), out = layer->out;
    if (layer->in_format.layout == MB_LAYOUT_NHWC)
        return (pool_call){.pool = {.outer = out.columns,
                                    .outer_stride = window->stride * in.channels,
                                    .length = in.channels,
                                    .stride = 1,
                                    .rows = window->rows,
                                    .row_stride = in.columns * in.channels,
                                    .columns = window->columns,
                                    .column_stride = in.channels},
                           .image = index * window->stride * in.columns * in.channels,
                           .out = index * out.columns * in.channels};
    const size_t channels = channels_join(layer) ? in.channels : 1;
    return (pool_call){.pool = {.outer = channels * out.rows,
                                .outer_stride = window->stride * in.columns,
                                .length = out.columns,
                                .stride = window->stride,
                                .rows = window->rows,
                                .row_stride = in.columns,
                                .columns = window->columns,
                                .column_stride = 1},
                       .image = index * in.rows * in.columns,
                       .out = index * out.rows * out.columns};
}

/* The position of the maximum in each window of a sample. */
static int32_t *argmax_of(const mb_layer_op *op, size_t sample)
{
    return (int32_t *)(void *)op->ctx.workspace + sample * op->ctx.out.columns;
}

/* avgpool2d divides by the whole window: padding counts as zeros. */
static float scale_of(const mb_layer *layer)
{
    const mb_window *window = mb_layer_window(layer);
    return 1.0f / (float)(window->rows * window->columns);
}

static void run_forward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const float *image = mb_tile_in(args);
    float *out = mb_tile_out(args);
    if (mb_layer_window(layer)->padding > 0) {
        float *padded = args->scratch;
        for (size_t i = 0; i < mb_shape_size(padded_shape(layer)); i++)
            padded[i] = is_max(layer) ? -INFINITY : 0.0f;
        mb_window_pad(layer, layer->in_format.layout, image, padded);
        image = padded;
    }
    int32_t *argmax = op->ctx.trainable != NULL ? argmax_of(op, args->tile) : NULL;
    for (size_t i = 0; i < call_count(layer); i++) {
        const pool_call c = call_at(layer, i);
        if (is_max(layer))
            op->ctx.kernels->maxpool_forward(&c.pool, image + c.image, out + c.out,
                                             argmax != NULL ? argmax + c.out : NULL);
        else
            op->ctx.kernels->avgpool_forward(&c.pool, scale_of(layer), image + c.image,
                                             out + c.out);
    }
}

static void run_backward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const bool padded = mb_layer_window(layer)->padding > 0;
    const float *d_out = mb_tile_d_out(args);
    float *d_in = mb_tile_d_in(args);
    float *d = padded ? args->scratch : d_in;
    memset(d, 0, mb_shape_size(padded_shape(layer)) * sizeof *d);
    for (size_t i = 0; i < call_count(layer); i++) {
        const pool_call c = call_at(layer, i);
        if (is_max(layer))
            op->ctx.kernels->maxpool_backward(&c.pool, argmax_of(op, args->tile) + c.out,
                                              d_out + c.out, d + c.image);
        else
            op->ctx.kernels->avgpool_backward(&c.pool, scale_of(layer), d_out + c.out, d + c.image);
    }
    if (padded)
        mb_window_unpad(layer, layer->in_format.layout, d, d_in);
}

static void forward(const mb_layer *layer, const mb_layer_context *ctx)
{
    const float *argmax = ctx->trainable != NULL && is_max(layer) ? ctx->workspace : NULL;
    mb_layer_add_phase(
        layer, ctx, "forward", run_forward, mb_tiling_samples(ctx->rows),
        MB_USES(mb_reads_rows(&ctx->in), mb_writes_own(argmax), mb_writes_rows(&ctx->out)),
        scratch_bytes(layer), NULL);
}

static void backward(const mb_layer *layer, const mb_layer_context *ctx)
{
    if (ctx->d_in.data == NULL)
        return;
    mb_layer_add_phase(layer, ctx, "backward", run_backward, mb_tiling_samples(ctx->rows),
                       MB_USES(mb_reads_rows(&ctx->d_out),
                               mb_reads_own(is_max(layer) ? ctx->workspace : NULL),
                               mb_writes_rows(&ctx->d_in)),
                       scratch_bytes(layer), NULL);
}

static size_t argmax_size(const mb_layer *layer, size_t max_rows, bool training)
{
    return training ? max_rows * mb_shape_size(layer->out) : 0;
}

#define POOLING                                                                                    \
    .needs_image_input = true, .reads_per_sample = true, .writes_per_sample = true,                \
    .configure = configure, .forward = forward, .backward = backward

const mb_layer_ops mb_maxpool2d_ops = {
    .name = "maxpool2d",
    .syntax = "KERNEL[/strideN][/padN]",
    .help = "maximum of each window; stride KERNEL by default",
    .workspace_size = argmax_size,
    POOLING,
};

const mb_layer_ops mb_avgpool2d_ops = {
    .name = "avgpool2d",
    .syntax = "KERNEL[/strideN][/padN]",
    .help = "mean of each window; stride KERNEL by default",
    POOLING,
};

const mb_layer_ops mb_globalavgpool_ops = {
    .name = "globalavgpool",
    .syntax = "",
    .help = "mean of each channel",
    POOLING,
};
