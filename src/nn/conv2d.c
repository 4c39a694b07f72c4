/* 2D convolution: out (pixels, channels) = windows of in x W + b. conv2d.h tells how it multiplies,
 * conv2d_tile.c what a sample goes through. */
#include "nn/conv2d.h"

#include "core/rng.h"
#include "nn/fold_batchnorm.h"
#include "nn/partial.h"
#include "nn/window.h"

#include <math.h>
#include <string.h>

/* Numbers of a block of windows: they stay in the second cache together with their gradients. */
enum { BLOCK_NUMBERS = 16384, MOST_CHANNELS = 65536 };

static size_t bias_offset(const mb_layer *layer)
{
    const mb_window *window = &layer->window;
    return layer->out.channels * (layer->in.channels / window->groups) * window->rows *
           window->columns;
}

static size_t block_rows(const mb_layer *layer, const mb_conv2d_size *size)
{
    const size_t limit = layer->rules.product_limit;
    size_t pixels = BLOCK_NUMBERS / size->window;
    if (limit > 0 && limit / (size->window * size->units) < pixels)
        pixels = limit / (size->window * size->units);
    const size_t rows = pixels / size->out_columns;
    return mb_equal_blocks(size->out_rows, rows > 0 ? rows : 1);
}

mb_conv2d_size mb_conv2d_size_of(const mb_layer *layer)
{
    const mb_window *window = &layer->window;
    mb_conv2d_size size = {.groups = window->groups,
                           .channels = layer->in.channels / window->groups,
                           .units = layer->out.channels / window->groups,
                           .rows = layer->in.rows + 2 * window->padding,
                           .columns = layer->in.columns + 2 * window->padding,
                           .out_rows = layer->out.rows,
                           .out_columns = layer->out.columns,
                           .out_pixels = layer->out.rows * layer->out.columns,
                           .weights = bias_offset(layer)};
    size.window = size.channels * window->rows * window->columns;
    size.block_rows = block_rows(layer, &size);
    size.turned_row = mb_conv2d_picks(layer) ? mb_conv2d_unit_numbers(layer) : size.window;
    return size;
}

static mb_status check_size(const mb_layer *layer, mb_error *error)
{
    const mb_window *window = &layer->window;
    const size_t channels = layer->in.channels / window->groups;
    size_t weights;
    const bool fits = mb_multiply(window->rows * window->columns, channels, &weights) &&
                      mb_multiply(weights, layer->out.channels, &weights) && weights <= INT32_MAX;
    if (!fits)
        return mb_fail(error, MB_ERROR_INVALID, "weights of %zux%zux%zux%zu are too large",
                       layer->out.channels, channels, window->rows, window->columns);
    return mb_window_check_size(layer, error);
}

static mb_status configure(mb_layer *layer, const char *argument, mb_error *error)
{
    mb_window *window = &layer->window;
    mb_status status = mb_window_parse("conv2d", argument, 1, &layer->out.channels, window, error);
    if (status == MB_OK)
        status = mb_window_count(layer->in, *window, &layer->out.rows, &layer->out.columns, error);
    if (status != MB_OK)
        return status;
    if (layer->out.channels > MOST_CHANNELS)
        return mb_fail(error, MB_ERROR_INVALID, "takes at most %d channels", MOST_CHANNELS);
    if (layer->in.channels % window->groups != 0 || layer->out.channels % window->groups != 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "%zu groups do not divide %zu channels in and %zu out", window->groups,
                       layer->in.channels, layer->out.channels);
    status = check_size(layer, error);
    layer->out_format = (mb_memory_format){
        .shape = layer->out, .planes = layer->out.channels / window->groups < MB_LANES};
    layer->parameter_count = bias_offset(layer) + layer->out.channels;
    return status;
}

/* ---- what is kept: turned weights, partial gradients ---- */

static bool turns_weights(const mb_layer *layer)
{
    return layer->position > 0 && !layer->out_format.planes;
}

static size_t turned_numbers(const mb_layer *layer)
{
    return turns_weights(layer)
               ? mb_pad_to_lanes(layer->out.channels * mb_conv2d_size_of(layer).turned_row)
               : 0;
}

static size_t sums_numbers(const mb_layer *layer)
{
    return mb_conv2d_picks(layer) ? layer->out.channels * mb_conv2d_unit_numbers(layer) : 0;
}

static size_t keeps(const mb_layer *layer, size_t max_rows, bool training)
{
    return training ? turned_numbers(layer) + mb_partial_size(layer, max_rows) +
                          mb_max_chunks(max_rows) * sums_numbers(layer)
                    : mb_fold_batchnorm_size(layer);
}

const float *mb_conv2d_turned_weights(const mb_conv2d_op *op, size_t group)
{
    return op->ctx.workspace + group * op->size.units * op->size.turned_row;
}

float *mb_conv2d_partial(const mb_conv2d_op *op, size_t tile)
{
    return mb_partial_gradient(op->layer, op->tiling, tile, op->partials);
}

float *mb_conv2d_unit_sums(const mb_conv2d_op *op, size_t tile)
{
    return op->unit_sums + tile / op->tiling.chunk_tiles * sums_numbers(op->layer);
}

/* ---- phases ---- */

static mb_status add_phase(const mb_layer *layer, const mb_layer_context *ctx, mb_phase phase,
                           const float *weights, mb_error *error)
{
    mb_conv2d_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "conv2d", sizeof *op);
    float *partials = NULL, *unit_sums = NULL;
    if (ctx->trainable != NULL) {
        partials = ctx->workspace + turned_numbers(layer);
        unit_sums = partials + mb_partial_size(layer, ctx->rows);
    }
    *op = (mb_conv2d_op){.layer = layer,
                         .ctx = *ctx,
                         .tiling = phase.tiling,
                         .size = mb_conv2d_size_of(layer),
                         .weights = weights,
                         .bias = weights + bias_offset(layer),
                         .partials = partials,
                         .unit_sums = unit_sums};
    phase.op = op;
    return mb_layer_add_phase(layer, ctx, &phase, error);
}

static void run_turn(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)step, (void)scratch;
    const mb_conv2d_op *op = context;
    const mb_conv2d_size *s = &op->size;
    if (mb_conv2d_picks(op->layer))
        mb_conv2d_turn_units(op, op->ctx.workspace);
    else
        op->ctx.kernels->transpose(s->window, s->units, op->weights + mb_conv2d_group(s, tile),
                                   op->ctx.workspace + tile * s->units * s->turned_row,
                                   s->turned_row);
}

static mb_status turn_weights(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    const mb_phase phase = {.name = "turn",
                            .run = run_turn,
                            .tiling = mb_tiling_rows(layer->window.groups, 1),
                            .uses = {{layer->parameters}, {ctx->workspace, .writes = true}}};
    return add_phase(layer, ctx, phase, layer->parameters, error);
}

static mb_status prepare(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    if (ctx->folded != NULL)
        return mb_fold_batchnorm_plan(layer, ctx, error);
    return ctx->trainable != NULL && turns_weights(layer) ? turn_weights(layer, ctx, error) : MB_OK;
}

static mb_status forward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    const float *weights = ctx->folded != NULL ? ctx->workspace : layer->parameters;
    const mb_phase phase = {.name = "forward",
                            .run = mb_conv2d_run_forward,
                            .tiling = mb_tiling_samples(ctx->rows),
                            .scratch = mb_conv2d_scratch_bytes(layer),
                            .uses = {{mb_layer_input(ctx), .own = true},
                                     {weights},
                                     {ctx->out.data, .writes = true, .own = true}}};
    return add_phase(layer, ctx, phase, weights, error);
}

static mb_status backward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    mb_phase phase = {.name = "backward",
                      .run = mb_conv2d_run_backward,
                      .tiling = mb_tiling_samples(ctx->rows),
                      .scratch = mb_conv2d_scratch_bytes(layer),
                      .uses = {{ctx->d_out.data, .own = true},
                               {mb_layer_input(ctx), .own = true},
                               {layer->parameters},
                               {ctx->workspace, .writes = true}}};
    if (ctx->d_in.data != NULL)
        phase.uses[4] = (mb_use){ctx->d_in.data, .writes = true, .own = true};
    return add_phase(layer, ctx, phase, layer->parameters, error);
}

static mb_status update(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    return mb_partial_update(layer, ctx, ctx->workspace + turned_numbers(layer), bias_offset(layer),
                             layer->parameter_count, error);
}

/* ---- parameters, as PyTorch has them: weight (out, in / groups, rows, columns), bias (out) ----
 */

static float *weight_at(const mb_layer *layer, size_t unit, size_t number)
{
    const mb_conv2d_size size = mb_conv2d_size_of(layer);
    const size_t group = unit / size.units, of_group = unit % size.units;
    float *weights = layer->parameters + mb_conv2d_group(&size, group);
    if (layer->out_format.planes)
        return weights + of_group * size.window + number;
    const size_t window = layer->window.rows * layer->window.columns;
    const size_t channel = number / window, place = number % window;
    return weights + (place * size.channels + channel) * size.units + of_group;
}

static size_t window_size(const mb_layer *layer) { return mb_conv2d_size_of(layer).window; }

/* He's bound, as of a dense layer with as many inputs as a window has. */
static void initialise(mb_layer *layer, uint64_t seed)
{
    const size_t window = window_size(layer);
    const float bound = sqrtf(6.0f / (float)window);
    for (size_t unit = 0; unit < layer->out.channels; unit++) {
        mb_rng rng = mb_rng_at(seed, MB_RNG_WEIGHTS, layer->position, unit);
        for (size_t number = 0; number < window; number++)
            *weight_at(layer, unit, number) = bound * (2.0f * mb_rng_uniform(&rng) - 1.0f);
        layer->parameters[bias_offset(layer) + unit] = 0.0f;
    }
}

static mb_tensor_info tensor(const mb_layer *layer, size_t index)
{
    const size_t units = layer->out.channels, channels = layer->in.channels / layer->window.groups;
    if (index == 0)
        return (mb_tensor_info){"weight",
                                4,
                                {units, channels, layer->window.rows, layer->window.columns},
                                bias_offset(layer)};
    return (mb_tensor_info){"bias", 1, {units}, units};
}

static void get(const mb_layer *layer, size_t index, float *values)
{
    const size_t units = layer->out.channels, window = window_size(layer);
    if (index == 1) {
        memcpy(values, layer->parameters + bias_offset(layer), units * sizeof *values);
        return;
    }
    for (size_t unit = 0; unit < units; unit++)
        for (size_t number = 0; number < window; number++)
            *values++ = *weight_at(layer, unit, number);
}

static void set(mb_layer *layer, size_t index, const float *values)
{
    const size_t units = layer->out.channels, window = window_size(layer);
    if (index == 1) {
        memcpy(layer->parameters + bias_offset(layer), values, units * sizeof *values);
        return;
    }
    for (size_t unit = 0; unit < units; unit++)
        for (size_t number = 0; number < window; number++)
            *weight_at(layer, unit, number) = *values++;
}

static double flops(const mb_layer *layer)
{
    return 2.0 * (double)bias_offset(layer) * (double)(layer->out.rows * layer->out.columns);
}

const mb_layer_ops mb_conv2d_ops = {
    .name = "conv2d",
    .needs_image_input = true,
    .reads_per_sample = true,
    .writes_per_sample = true,
    .backward_needs_input = true,
    .tensors = 2,
    .configure = configure,
    .workspace_size = keeps,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .update = update,
    .initialise = initialise,
    .tensor = tensor,
    .get = get,
    .set = set,
    .flops = flops,
};
