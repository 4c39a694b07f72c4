/* Pooling: out = the largest or the mean number of each window, channel by channel. */
#include "nn/window.h"

#include <math.h>
#include <string.h>

typedef struct pool_op {
    const mb_layer *layer;
    mb_layer_context ctx;
    bool largest;
} pool_op;

static mb_status configure(mb_layer *layer, mb_error *error)
{
    layer->out.channels = layer->in.channels;
    layer->out_format.planes = layer->in_format.planes;
    const mb_status status =
        mb_window_count(layer->in, layer->window, &layer->out.rows, &layer->out.columns, error);
    return status == MB_OK ? mb_window_check_size(layer, error) : status;
}

static mb_status configure_max(mb_layer *layer, const char *argument, mb_error *error)
{
    const mb_status status = mb_window_parse("maxpool2d", argument, 0, NULL, &layer->window, error);
    return status == MB_OK ? configure(layer, error) : status;
}

static mb_status configure_mean(mb_layer *layer, const char *argument, mb_error *error)
{
    const mb_status status = mb_window_parse("avgpool2d", argument, 0, NULL, &layer->window, error);
    return status == MB_OK ? configure(layer, error) : status;
}

static mb_status configure_global(mb_layer *layer, const char *argument, mb_error *error)
{
    if (argument != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "globalavgpool takes no argument");
    layer->window = (mb_window){layer->in.rows, layer->in.columns, 1, 0, 1};
    return configure(layer, error);
}

static size_t padded_rows(const mb_layer *layer)
{
    return layer->in.rows + 2 * layer->window.padding;
}

static size_t padded_columns(const mb_layer *layer)
{
    return layer->in.columns + 2 * layer->window.padding;
}

static size_t padded_numbers(const mb_layer *layer)
{
    return layer->in.channels * padded_rows(layer) * padded_columns(layer);
}

static size_t room_bytes(const mb_layer *layer)
{
    return layer->window.padding > 0 ? padded_numbers(layer) * sizeof(float) : 0;
}

/* Whether the windows of a plane end where those of the next begin. */
static bool planes_join(const mb_layer *layer)
{
    return layer->out.rows * layer->window.stride == padded_rows(layer);
}

/* One pass of a kernel: its windows, and where they begin. By planes it does a channel, or all
 * where that makes no difference; by pixels a row of outputs. */
static size_t passes(const mb_layer *layer)
{
    if (!layer->in_format.planes)
        return layer->out.rows;
    return planes_join(layer) ? 1 : layer->in.channels;
}

static mb_pool pass_of(const mb_layer *layer, size_t pass, size_t *image, size_t *out)
{
    const mb_window *window = &layer->window;
    const size_t channels = layer->in.channels, columns = padded_columns(layer);
    if (layer->in_format.planes) {
        *image = pass * padded_rows(layer) * columns;
        *out = pass * layer->out.rows * layer->out.columns;
        const size_t planes = planes_join(layer) ? channels : 1;
        return (mb_pool){.outer = planes * layer->out.rows,
                         .outer_stride = window->stride * columns,
                         .length = layer->out.columns,
                         .stride = window->stride,
                         .rows = window->rows,
                         .row_stride = columns,
                         .columns = window->columns,
                         .column_stride = 1};
    }
    *image = pass * window->stride * columns * channels;
    *out = pass * layer->out.columns * channels;
    return (mb_pool){.outer = layer->out.columns,
                     .outer_stride = window->stride * channels,
                     .length = channels,
                     .stride = 1,
                     .rows = window->rows,
                     .row_stride = columns * channels,
                     .columns = window->columns,
                     .column_stride = channels};
}

static int32_t *which_of(const pool_op *op, size_t tile)
{
    return (int32_t *)(void *)op->ctx.workspace + tile * op->ctx.out.columns;
}

static void run_forward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    const pool_op *op = context;
    const mb_layer *layer = op->layer;
    const mb_window *window = &layer->window;
    const float *image = mb_layer_input_row(&op->ctx, step, tile);
    float *out = mb_matrix_row(&op->ctx.out, step, tile);
    if (window->padding > 0) {
        float *padded = scratch;
        for (size_t i = 0; i < padded_numbers(layer); i++)
            padded[i] = op->largest ? -INFINITY : 0.0f;
        mb_window_pad(layer, layer->in_format.planes, image, padded);
        image = padded;
    }
    const float scale = 1.0f / (float)(window->rows * window->columns);
    int32_t *which = op->ctx.trainable != NULL ? which_of(op, tile) : NULL;
    for (size_t pass = 0; pass < passes(layer); pass++) {
        size_t from, to;
        const mb_pool pool = pass_of(layer, pass, &from, &to);
        if (op->largest)
            op->ctx.kernels->maxpool_forward(&pool, image + from, out + to,
                                             which != NULL ? which + to : NULL);
        else
            op->ctx.kernels->avgpool_forward(&pool, scale, image + from, out + to);
    }
}

static void run_backward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    const pool_op *op = context;
    const mb_layer *layer = op->layer;
    const mb_window *window = &layer->window;
    const float *d_out = mb_matrix_row(&op->ctx.d_out, step, tile);
    float *d_in = mb_matrix_row(&op->ctx.d_in, step, tile);
    float *d = window->padding > 0 ? scratch : d_in;
    memset(d, 0, padded_numbers(layer) * sizeof *d);
    const float scale = 1.0f / (float)(window->rows * window->columns);
    for (size_t pass = 0; pass < passes(layer); pass++) {
        size_t image, out;
        const mb_pool pool = pass_of(layer, pass, &image, &out);
        if (op->largest)
            op->ctx.kernels->maxpool_backward(&pool, which_of(op, tile) + out, d_out + out,
                                              d + image);
        else
            op->ctx.kernels->avgpool_backward(&pool, scale, d_out + out, d + image);
    }
    if (window->padding > 0)
        mb_window_unpad(layer, layer->in_format.planes, d, d_in);
}

static mb_status add_phase(const mb_layer *layer, const mb_layer_context *ctx, mb_phase phase,
                           mb_error *error)
{
    pool_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, layer->ops->name, sizeof *op);
    *op = (pool_op){layer, *ctx, layer->ops == &mb_maxpool2d_ops};
    phase.op = op;
    phase.tiling = mb_tiling_samples(ctx->rows);
    phase.scratch = room_bytes(layer);
    return mb_layer_add_phase(layer, ctx, &phase, error);
}

static mb_status forward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    return add_phase(layer, ctx,
                     (mb_phase){.name = "forward",
                                .run = run_forward,
                                .uses = {{mb_layer_input(ctx), .own = true},
                                         {ctx->workspace, .writes = true, .own = true},
                                         {ctx->out.data, .writes = true, .own = true}}},
                     error);
}

static mb_status backward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    if (ctx->d_in.data == NULL)
        return MB_OK;
    return add_phase(layer, ctx,
                     (mb_phase){.name = "backward",
                                .run = run_backward,
                                .uses = {{ctx->d_out.data, .own = true},
                                         {ctx->workspace, .own = true},
                                         {ctx->d_in.data, .writes = true, .own = true}}},
                     error);
}

static size_t keeps_places(const mb_layer *layer, size_t max_rows, bool training)
{
    return training ? max_rows * mb_shape_size(layer->out) : 0;
}

const mb_layer_ops mb_maxpool2d_ops = {
    .name = "maxpool2d",
    .needs_image_input = true,
    .reads_per_sample = true,
    .writes_per_sample = true,
    .configure = configure_max,
    .workspace_size = keeps_places,
    .forward = forward,
    .backward = backward,
};

const mb_layer_ops mb_avgpool2d_ops = {
    .name = "avgpool2d",
    .needs_image_input = true,
    .reads_per_sample = true,
    .writes_per_sample = true,
    .configure = configure_mean,
    .forward = forward,
    .backward = backward,
};

const mb_layer_ops mb_globalavgpool_ops = {
    .name = "globalavgpool",
    .needs_image_input = true,
    .reads_per_sample = true,
    .writes_per_sample = true,
    .configure = configure_global,
    .forward = forward,
    .backward = backward,
};
