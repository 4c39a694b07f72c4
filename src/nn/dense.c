/* Dense layer: out (rows, units) = in (rows, inputs) x W (inputs, units) + b (units).
 *
 * W is stored in panels of `rules.panel` units, one after the other, each (inputs, units of the
 * panel) row-major; b follows the last. A panel is what a thread owns: its forward tile multiplies
 * it, and its update tile adds up its gradient and changes it, all in that thread's cache.
 *
 * A layer of a single panel (the last, usually) is divided into blocks of rows instead, so that the
 * loss, which works on whole rows, can follow without a barrier. */
#include "nn/dense.h"

#include "core/parse.h"
#include "core/util.h"
#include "nn/gemm.h"

#include <string.h>

/* NARROW_ROWS: rows of a tile of whole rows. */
enum { NARROW_ROWS = 16, MAX_UNITS = 1000000 };

static mb_status configure(mb_layer *layer, const char *argument, mb_arena *arena, mb_error *error)
{
    size_t units = 0;
    (void)arena;
    if (argument == NULL || *argument == '0' || !mb_parse_size(argument, 1, MAX_UNITS, &units))
        return mb_fail(error, MB_ERROR_INVALID,
                       "dense takes its number of units, 1 to %d, as in dense:128", MAX_UNITS);
    if (layer->position > 0 && (layer->in.channels > 1 || layer->in.rows > 1))
        return mb_fail(error, MB_ERROR_INVALID,
                       "dense needs flat input, got %zux%zux%zu (channels, rows, columns): add "
                       "flatten before it",
                       layer->in.channels, layer->in.rows, layer->in.columns);
    layer->out = (mb_shape){1, 1, units};
    layer->out_format = (mb_memory_format){.image = layer->out, .flat = true};
    return mb_multiply(mb_dense_inputs(layer) + 1, units, &layer->parameter_count)
               ? MB_OK
               : mb_fail(error, MB_ERROR_INVALID, "weights of %zux%zu are too large", units,
                         mb_dense_inputs(layer));
}

static void run_forward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    const mb_tile part = mb_tile_part_in(args, units);
    const float *w = layer->parameters + mb_dense_panel_offset(layer, part.column);
    float *z = op->ctx.out.data + part.row * units + part.column;
    op->ctx.kernels->fill_rows(part.rows, part.columns,
                               layer->parameters + mb_dense_bias_offset(layer) + part.column, z,
                               units);
    mb_gemm(layer->rules, part.rows, part.columns, inputs,
            mb_matrix_row(&op->ctx.in, args->step, part.row), inputs, w, part.columns, 1.0f, z,
            units);
}

/* d_in = d_out x W^T. The tile's rows of W are transposed first, once for all rows of the batch,
 * so that the product has the form that needs no packing. */
static void run_backward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    const mb_tile part = mb_tile_part_in(args, inputs);
    float *transposed = args->scratch; /* (units, part.columns) */
    for (size_t unit = 0; unit < units; unit += layer->rules.panel) {
        const size_t width = mb_dense_panel_width(layer, unit);
        const float *rows =
            layer->parameters + mb_dense_panel_offset(layer, unit) + part.column * width;
        op->ctx.kernels->transpose(part.columns, width, rows, width,
                                   transposed + unit * part.columns, part.columns);
    }
    const size_t block = mb_block_rows(op->ctx.rows);
    for (size_t done = 0; done < part.rows; done += block) {
        const size_t row = part.row + done;
        const size_t rows = part.rows - done < block ? part.rows - done : block;
        mb_gemm(layer->rules, rows, part.columns, units, op->ctx.d_out.data + row * units, units,
                transposed, part.columns, 0.0f, op->ctx.d_in.data + row * inputs + part.column,
                inputs);
    }
}

/* The gradient of a panel is added up block of rows by block. */
static void add_up_gradient(const mb_layer_op *op, const mb_step *step, mb_tile part,
                            mb_tile samples, float *gradient)
{
    const mb_layer *layer = op->layer;
    const size_t inputs = part.rows, width = part.columns, units = mb_dense_units(layer);
    const size_t end = samples.row + samples.rows, block_rows = mb_block_rows(op->ctx.rows);
    float *bias_gradient = gradient + inputs * width;
    memset(bias_gradient, 0, width * sizeof *bias_gradient);
    for (size_t row = samples.row; row < end; row += block_rows) {
        const size_t rows = mb_min_size(end - row, block_rows);
        const float *d = op->ctx.d_out.data + row * units + part.column;
        op->ctx.kernels->add_rows(rows, width, d, units, bias_gradient);
        mb_gemm_at(layer->rules, inputs, width, rows, mb_matrix_row(&op->ctx.in, step, row), inputs,
                   d, units, row > samples.row ? 1.0f : 0.0f, gradient, width);
    }
}

/* ---- phases ---- */

static mb_tiling forward_tiling(const mb_layer *layer, size_t rows)
{
    const size_t block = mb_block_rows(rows);
    mb_tiling tiling = mb_tiling_matrix(rows, mb_dense_units(layer), block, layer->rules.panel);
    if (mb_dense_is_narrow(layer))
        tiling = mb_tiling_rows(rows, layer->input_is_batch ? block : NARROW_ROWS);
    tiling.sample_chunk = mb_sample_chunk(rows);
    return tiling;
}

static void forward(const mb_layer *layer, const mb_layer_context *ctx)
{
    if (ctx->in.data == NULL) {
        mb_dense_sparse_forward(layer, ctx);
        return;
    }
    const mb_tiling tiling = forward_tiling(layer, ctx->rows);
    mb_layer_add_phase(layer, ctx, "forward", run_forward, tiling,
                       MB_USES(mb_tiling_is_rows(tiling) ? mb_reads_rows(&ctx->in)
                                                         : mb_dense_reads_samples(&ctx->in, tiling),
                               mb_reads(layer->parameters), mb_writes_rows(&ctx->out)),
                       0, NULL);
}

static void backward(const mb_layer *layer, const mb_layer_context *ctx)
{
    if (ctx->d_in.data == NULL)
        return;
    const size_t inputs = mb_dense_inputs(layer), rows = ctx->rows, panel = layer->rules.panel;
    const bool narrow = mb_dense_is_narrow(layer);
    mb_tiling tiling =
        narrow ? mb_tiling_rows(rows, NARROW_ROWS) : mb_tiling_matrix(rows, inputs, rows, panel);
    tiling.sample_chunk = mb_sample_chunk(rows);
    mb_layer_add_phase(
        layer, ctx, "backward", run_backward, tiling,
        MB_USES(narrow ? mb_reads_rows(&ctx->d_out) : mb_dense_reads_samples(&ctx->d_out, tiling),
                mb_reads(layer->parameters), mb_writes_rows(&ctx->d_in)),
        mb_dense_units(layer) * (narrow ? inputs : panel) * sizeof(float), NULL);
}

static void update(const mb_layer *layer, const mb_layer_context *ctx)
{
    const size_t inputs = mb_dense_inputs(layer), panel = layer->rules.panel;
    if (ctx->in.data == NULL)
        mb_dense_sparse_update(layer, ctx);
    else
        mb_dense_update(layer, ctx, add_up_gradient,
                        mb_tiling_matrix(inputs, mb_dense_units(layer), inputs, panel));
}

/* ---- parameters ---- */

/* Position in memory of element `input` of the input, counted as PyTorch flattens: channel, row,
 * column. */
static size_t position_of(const mb_layer *layer, size_t input)
{
    const mb_memory_format *format = &layer->in_format;
    const size_t pixels = format->image.rows * format->image.columns;
    return format->layout == MB_LAYOUT_NCHW
               ? input
               : input % pixels * format->image.channels + input / pixels;
}

static float *weight_at(const mb_layer *layer, size_t unit, size_t index)
{
    const size_t first = unit / layer->rules.panel * layer->rules.panel;
    return layer->parameters + mb_dense_panel_offset(layer, first) +
           position_of(layer, index) * mb_dense_panel_width(layer, first) + unit - first;
}

static mb_tensor_info tensor(const mb_layer *layer, size_t index)
{
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    if (index == 0)
        return (mb_tensor_info){"weight", 2, {units, inputs}, units * inputs};
    return (mb_tensor_info){"bias", 1, {units}, units};
}

static double flops(const mb_layer *layer)
{
    return 2.0 * (double)mb_dense_inputs(layer) * (double)mb_dense_units(layer);
}

const mb_layer_ops mb_dense_ops = {
    .name = "dense",
    .syntax = "UNITS",
    .help = "fully connected; the last has one unit per class",
    .accepts_sparse_input = true,
    .backward_needs_input = true,
    .gives_logits = true,
    .configure = configure,
    .forward = forward,
    .backward = backward,
    .update = update,
    .weight_at = weight_at,
    .tensor = tensor,
    .flops = flops,
    MB_WEIGHTS,
};
