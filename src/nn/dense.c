/* Dense layer: out (rows, units) = in (rows, inputs) x W (inputs, units) + b (units).
 *
 * W is kept in panels of `rules.panel` units, one after the other, each (inputs, units of the
 * panel) row-major; b follows the last. A panel is what a thread owns: its forward tile multiplies
 * it, and its update tile adds up its gradient and changes it, all in that thread's cache.
 *
 * A layer of a single panel (the last, usually) is cut into blocks of rows instead, so that the
 * loss, which works on whole rows, can follow without a barrier. */
#include "nn/dense.h"

#include "core/rng.h"
#include "nn/gemm.h"
#include "nn/trainable.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a tile where tiles have whole rows. */
enum { NARROW_ROWS = 16, MOST_UNITS = 1000000 };

static mb_status configure(mb_layer *layer, const char *argument, mb_error *error)
{
    char *end;
    errno = 0;
    const unsigned long long units =
        argument != NULL && *argument >= '1' && *argument <= '9' ? strtoull(argument, &end, 10) : 0;
    if (units == 0 || *end != '\0' || errno != 0 || units > MOST_UNITS)
        return mb_fail(error, MB_ERROR_INVALID, "dense takes its units, 1 to %d, as in dense:128",
                       MOST_UNITS);
    if (layer->position > 0 && (layer->in.channels > 1 || layer->in.rows > 1))
        return mb_fail(
            error, MB_ERROR_INVALID,
            "dense takes flat numbers, and %zux%zux%zu (channels, rows, columns) come in: "
            "flatten goes before it",
            layer->in.channels, layer->in.rows, layer->in.columns);
    layer->out = (mb_shape){1, 1, (size_t)units};
    layer->out_format = (mb_memory_format){.shape = layer->out, .flat = true};
    layer->parameter_count = (mb_dense_inputs(layer) + 1) * (size_t)units;
    return MB_OK;
}

static void run_forward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const mb_dense_op *op = context;
    const mb_layer *layer = op->layer;
    const size_t units = mb_dense_units(layer);
    const mb_tile part = mb_tiling_tile_in(op->tiling, tile, units);
    const size_t inputs = mb_dense_inputs(layer);
    const float *w = layer->parameters + mb_dense_panel_offset(layer, part.column);
    float *z = op->ctx.out.data + part.row * units + part.column;
    op->ctx.kernels->fill_rows(part.rows, part.columns,
                               layer->parameters + mb_dense_bias_offset(layer) + part.column, z,
                               units);
    mb_gemm(layer->rules, part.rows, part.columns, inputs,
            mb_layer_input_row(&op->ctx, step, part.row), inputs, w, part.columns, 1.0f, z, units);
}

/* d_in = d_out x W^T. The tile's rows of W are turned first, so that the product has the form that
 * needs no packing; they are turned once for all rows of the batch. */
static void run_backward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)step;
    const mb_dense_op *op = context;
    const mb_layer *layer = op->layer;
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    const mb_tile part = mb_tiling_tile_in(op->tiling, tile, inputs);
    float *turned = scratch; /* (units, part.columns) */
    for (size_t unit = 0; unit < units; unit += layer->rules.panel) {
        const size_t width = mb_dense_panel_width(layer, unit);
        const float *rows =
            layer->parameters + mb_dense_panel_offset(layer, unit) + part.column * width;
        op->ctx.kernels->transpose(part.columns, width, rows, turned + unit * part.columns,
                                   part.columns);
    }
    const size_t block = mb_block_rows(part.rows);
    for (size_t done = 0; done < part.rows; done += block) {
        const size_t row = part.row + done;
        const size_t rows = part.rows - done < block ? part.rows - done : block;
        mb_gemm(layer->rules, rows, part.columns, units, op->ctx.d_out.data + row * units, units,
                turned, part.columns, 0.0f, op->ctx.d_in.data + row * inputs + part.column, inputs);
    }
}

/* Gradient (inputs, part.columns) of a panel, summed over the blocks of rows in their order, and
 * of its biases. */
static void add_up_gradient(const mb_dense_op *op, const mb_step *step, mb_tile part,
                            float *gradient, float *bias_gradient)
{
    const mb_layer *layer = op->layer;
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer), all = op->ctx.rows;
    const size_t width = part.columns, block_rows = mb_block_rows(all);
    memset(bias_gradient, 0, width * sizeof *bias_gradient);
    for (size_t row = 0; row < all; row += block_rows) {
        const size_t rows = all - row < block_rows ? all - row : block_rows;
        const float *d = op->ctx.d_out.data + row * units + part.column;
        op->ctx.kernels->add_rows(rows, width, d, units, bias_gradient);
        mb_gemm_at(layer->rules, inputs, width, rows, mb_layer_input_row(&op->ctx, step, row),
                   inputs, d, units, row > 0 ? 1.0f : 0.0f, gradient, width);
    }
}

static void run_update(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    const mb_dense_op *op = context;
    const mb_layer *layer = op->layer;
    const mb_trainable *trainable = op->ctx.trainable;
    if (!*trainable->finite)
        return;
    const mb_tile part = mb_tiling_tile(op->tiling, tile);
    const size_t weights = mb_dense_inputs(layer) * part.columns;
    float *gradient = scratch, *bias_gradient = gradient + weights;
    add_up_gradient(op, step, part, gradient, bias_gradient);

    mb_trainable_update(trainable, layer, step->update, true,
                        mb_dense_panel_offset(layer, part.column), weights, gradient);
    mb_trainable_update(trainable, layer, step->update, false,
                        mb_dense_bias_offset(layer) + part.column, part.columns, bias_gradient);
}

mb_status mb_dense_add_phase(const mb_layer *layer, const mb_layer_context *ctx, mb_phase phase,
                             mb_error *error)
{
    mb_dense_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "dense", sizeof *op);
    *op = (mb_dense_op){layer, *ctx, phase.tiling};
    phase.op = op;
    return mb_layer_add_phase(layer, ctx, &phase, error);
}

static mb_status forward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    if (mb_dense_is_sparse(ctx))
        return mb_dense_sparse_forward(layer, ctx, error);
    const size_t units = mb_dense_units(layer), panel = layer->rules.panel;
    const size_t block = mb_block_rows(ctx->rows);
    const bool small_blocks = mb_dense_is_narrow(layer) && ctx->in.data != NULL;
    const mb_tiling tiling = small_blocks ? mb_tiling_rows(ctx->rows, NARROW_ROWS)
                             : mb_dense_is_narrow(layer)
                                 ? mb_tiling_rows(ctx->rows, block)
                                 : (mb_tiling){ctx->rows, units, block, panel, 1};
    return mb_dense_add_phase(
        layer, ctx,
        (mb_phase){.name = "forward",
                   .run = run_forward,
                   .tiling = tiling,
                   .uses = {{mb_layer_input(ctx), .own = mb_tiling_is_rows(tiling)},
                            {layer->parameters},
                            {ctx->out.data, .writes = true, .own = true}}},
        error);
}

static mb_status backward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    if (ctx->d_in.data == NULL)
        return MB_OK;
    const size_t inputs = mb_dense_inputs(layer), rows = ctx->rows, panel = layer->rules.panel;
    const mb_tiling tiling = mb_dense_is_narrow(layer) ? mb_tiling_rows(rows, NARROW_ROWS)
                                                       : (mb_tiling){rows, inputs, rows, panel, 1};
    const size_t columns = mb_dense_is_narrow(layer) ? inputs : panel;
    return mb_dense_add_phase(
        layer, ctx,
        (mb_phase){.name = "backward",
                   .run = run_backward,
                   .tiling = tiling,
                   .scratch = mb_dense_units(layer) * columns * sizeof(float),
                   .uses = {{ctx->d_out.data, .own = mb_dense_is_narrow(layer)},
                            {layer->parameters},
                            {ctx->d_in.data, .writes = true, .own = true}}},
        error);
}

static mb_status update(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    if (mb_dense_is_sparse(ctx))
        return mb_dense_sparse_update(layer, ctx, error);
    const size_t units = mb_dense_units(layer), panel = layer->rules.panel;
    return mb_dense_add_phase(
        layer, ctx,
        (mb_phase){.name = "update",
                   .run = run_update,
                   .tiling = {1, units, 1, panel, 1},
                   .scratch = (mb_dense_inputs(layer) + 1) * panel * sizeof(float),
                   .uses = {{mb_layer_input(ctx)},
                            {ctx->d_out.data},
                            {ctx->trainable->finite},
                            {layer->parameters, .writes = true}}},
        error);
}

/* Where number `input` of what comes in lies, counted as PyTorch flattens: channel, row, column. */
static size_t place_of(const mb_layer *layer, size_t input)
{
    const mb_memory_format *placed = &layer->in_format;
    const size_t pixels = placed->shape.rows * placed->shape.columns;
    return placed->planes ? input : input % pixels * placed->shape.channels + input / pixels;
}

static float *weight_at(const mb_layer *layer, size_t unit, size_t number)
{
    const size_t input = place_of(layer, number);
    const size_t first = unit / layer->rules.panel * layer->rules.panel;
    return layer->parameters + mb_dense_panel_offset(layer, first) +
           input * mb_dense_panel_width(layer, first) + unit - first;
}

/* Drawn in PyTorch's order (unit by unit), so that the panel width changes nothing. */
static void initialise(mb_layer *layer, uint64_t seed)
{
    const size_t inputs = mb_dense_inputs(layer);
    const float bound = sqrtf(6.0f / (float)inputs);
    for (size_t unit = 0; unit < mb_dense_units(layer); unit++) {
        mb_rng rng = mb_rng_at(seed, MB_RNG_WEIGHTS, layer->position, unit);
        for (size_t input = 0; input < inputs; input++)
            *weight_at(layer, unit, input) = bound * (2.0f * mb_rng_uniform(&rng) - 1.0f);
        layer->parameters[mb_dense_bias_offset(layer) + unit] = 0.0f;
    }
}

static mb_tensor_info tensor(const mb_layer *layer, size_t index)
{
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    if (index == 0)
        return (mb_tensor_info){"weight", 2, {units, inputs}, units * inputs};
    return (mb_tensor_info){"bias", 1, {units}, units};
}

static void get(const mb_layer *layer, size_t index, float *values)
{
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    if (index == 1) {
        memcpy(values, layer->parameters + mb_dense_bias_offset(layer), units * sizeof *values);
        return;
    }
    for (size_t unit = 0; unit < units; unit++)
        for (size_t input = 0; input < inputs; input++)
            values[unit * inputs + input] = *weight_at(layer, unit, input);
}

static void set(mb_layer *layer, size_t index, const float *values)
{
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    if (index == 1) {
        memcpy(layer->parameters + mb_dense_bias_offset(layer), values, units * sizeof *values);
        return;
    }
    for (size_t unit = 0; unit < units; unit++)
        for (size_t input = 0; input < inputs; input++)
            *weight_at(layer, unit, input) = values[unit * inputs + input];
}

static double flops(const mb_layer *layer)
{
    return 2.0 * (double)mb_dense_inputs(layer) * (double)mb_dense_units(layer);
}

const mb_layer_ops mb_dense_ops = {
    .name = "dense",
    .accepts_sparse_input = true,
    .backward_needs_input = true,
    .tensors = 2,
    .configure = configure,
    .forward = forward,
    .backward = backward,
    .update = update,
    .initialise = initialise,
    .tensor = tensor,
    .get = get,
    .set = set,
    .flops = flops,
};
