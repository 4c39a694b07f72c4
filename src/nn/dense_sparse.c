/* A dense layer that samples come into, most of whose pixels are zero. Both products meet only the
 * others: a fifth of the dense arithmetic for digits. A tile works on MB_MAX_SPARSE_COLUMNS units,
 * several panels where those are narrower. */
#include "nn/dense.h"
#include "nn/trainable.h"

#include <string.h>

/* Rows of a forward tile, and pixels of an update tile whose gradient stays in the first cache. */
enum { SPARSE_ROWS = 32, UPDATE_PIXELS = 100 };

/* Units from `first` on, up to `end`, whose panels have the same width, as the kernels see them. */
typedef struct group {
    size_t first;
    size_t panel;            /* width of each */
    mb_weight_strides lines; /* in a matrix of (pixels, units) */
} group;

static group group_at(const mb_layer *layer, size_t first, size_t end, size_t pixels)
{
    const size_t panel = mb_dense_panel_width(layer, first);
    const size_t panels = panel < layer->rules.panel ? 1 : (end - first) / panel;
    const bool several = panel <= MB_LANES;
    return (group){first, panel,
                   (mb_weight_strides){.columns = several ? panels * panel : panel,
                                       .pixel_stride = panel,
                                       .vector_stride = several ? pixels * panel : MB_LANES}};
}

/* ---- forward ---- */

static void run_forward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const mb_dense_op *op = context;
    const mb_layer *layer = op->layer;
    const mb_batch *batch = step->batch;
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    const mb_tile part = mb_tiling_tile_in(op->tiling, tile, units);
    const size_t end = part.column + part.columns;
    float *z = op->ctx.out.data + part.row * units;
    op->ctx.kernels->fill_rows(part.rows, part.columns,
                               layer->parameters + mb_dense_bias_offset(layer) + part.column,
                               z + part.column, units);
    for (size_t range = 0; range < batch->source->segments; range++) {
        mb_sparse_row x[SPARSE_ROWS];
        for (size_t row = 0; row < part.rows; row++)
            x[row] =
                mb_sample_source_segment(batch->source, step->samples.index[part.row + row], range);
        for (size_t unit = part.column; unit < end;) {
            const group g = group_at(layer, unit, end, inputs);
            const float *w = layer->parameters + mb_dense_panel_offset(layer, unit) +
                             range * batch->source->segment_pixels * g.panel;
            op->ctx.kernels->sparse_product(part.rows, x, batch->source->byte_to_float, g.lines, w,
                                            z + unit, units);
            unit += g.lines.columns;
        }
    }
}

mb_status mb_dense_sparse_forward(const mb_layer *layer, const mb_layer_context *ctx,
                                  mb_error *error)
{
    const size_t units = mb_dense_units(layer);
    const mb_tiling tiling =
        units <= MB_MAX_SPARSE_COLUMNS
            ? mb_tiling_rows(ctx->rows, SPARSE_ROWS)
            : (mb_tiling){ctx->rows, units, SPARSE_ROWS, MB_MAX_SPARSE_COLUMNS, 1};
    return mb_dense_add_phase(layer, ctx,
                              (mb_phase){.name = "forward",
                                         .run = run_forward,
                                         .tiling = tiling,
                                         .uses = {{&mb_batch_source},
                                                  {layer->parameters},
                                                  {ctx->out.data, .writes = true, .own = true}}},
                              error);
}

/* ---- update ---- */

/* The gradient of the pixels part.row .. and the units of a group, block of rows after block. */
static void add_up_gradient(const mb_dense_op *op, const mb_step *step, mb_tile part, group g,
                            float *gradient)
{
    const mb_batch *batch = step->batch;
    const size_t units = mb_dense_units(op->layer);
    for (size_t row = 0; row < op->ctx.rows; row += MB_BLOCK_ROWS) {
        const mb_transposed_block *block = &batch->block[row / MB_BLOCK_ROWS];
        op->ctx.kernels->sparse_gradient(
            part.rows, block->mask + part.row, block->value + part.row * MB_BLOCK_ROWS,
            batch->source->byte_to_float, op->ctx.d_out.data + row * units + g.first, units,
            g.lines, row > 0, gradient);
    }
}

static void update_weights(const mb_dense_op *op, const mb_step *step, mb_tile part, group g,
                           const float *gradient)
{
    const mb_layer *layer = op->layer;
    const size_t span = part.rows * g.panel;
    for (size_t unit = g.first; unit < g.first + g.lines.columns; unit += g.panel) {
        const size_t at = mb_dense_panel_offset(layer, unit) + part.row * g.panel;
        mb_trainable_update(op->ctx.trainable, layer, step->update, true, at, span, gradient);
        gradient += span;
    }
}

static void update_biases(const mb_dense_op *op, const mb_step *step, mb_tile part)
{
    const mb_layer *layer = op->layer;
    const size_t units = mb_dense_units(layer);
    float gradient[MB_MAX_SPARSE_COLUMNS] = {0};
    op->ctx.kernels->add_rows(op->ctx.rows, part.columns, op->ctx.d_out.data + part.column, units,
                              gradient);
    mb_trainable_update(op->ctx.trainable, layer, step->update, false,
                        mb_dense_bias_offset(layer) + part.column, part.columns, gradient);
}

static void run_update(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    const mb_dense_op *op = context;
    if (!*op->ctx.trainable->finite)
        return;
    const mb_tile part = mb_tiling_tile(op->tiling, tile);
    const size_t end = part.column + part.columns;
    for (size_t unit = part.column; unit < end;) {
        const group g = group_at(op->layer, unit, end, part.rows);
        add_up_gradient(op, step, part, g, scratch);
        update_weights(op, step, part, g, scratch);
        unit += g.lines.columns;
    }
    if (part.row == 0)
        update_biases(op, step, part);
}

mb_status mb_dense_sparse_update(const mb_layer *layer, const mb_layer_context *ctx,
                                 mb_error *error)
{
    const size_t inputs = mb_dense_inputs(layer);
    const mb_tiling tiling = {inputs, mb_dense_units(layer), mb_equal_blocks(inputs, UPDATE_PIXELS),
                              MB_MAX_SPARSE_COLUMNS, 1};
    return mb_dense_add_phase(
        layer, ctx,
        (mb_phase){.name = "update",
                   .run = run_update,
                   .tiling = tiling,
                   .scratch = UPDATE_PIXELS * MB_MAX_SPARSE_COLUMNS * sizeof(float),
                   .uses = {{&mb_batch_blocks},
                            {ctx->d_out.data},
                            {ctx->trainable->finite},
                            {layer->parameters, .writes = true}}},
        error);
}
