/* A dense layer whose input is a batch of images with mostly zero pixels. Both products skip the
 * zeros: a fifth of the dense arithmetic for digits. A tile works on MB_MAX_SPARSE_COLUMNS units,
 * several panels if those are narrower. */
#include "nn/dense.h"

#include <string.h>

/* Pixels of an update tile, whose gradient stays in the L1 cache. */
enum { UPDATE_PIXELS = 100 };

/* Units from `first` on, up to `end`, whose panels have the same width, as the kernels see them. */
typedef struct group {
    size_t first;
    size_t panel;              /* width of each panel */
    mb_weight_strides strides; /* in a matrix of (pixels, units) */
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

/* The sums are added up in scratch, and the output is written once: hardware that prefetches the
 * lines after those of a row would keep taking them from the core that adds up the next units. */
static void run_forward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const mb_batch *batch = op->ctx.batch;
    const size_t inputs = mb_dense_inputs(layer), units = mb_dense_units(layer);
    const mb_tile part = mb_tile_part_in(args, units);
    const size_t end = part.column + part.columns, in_block = part.row % MB_BLOCK_ROWS;
    const mb_transposed_block *x = mb_batch_block(batch, args->step->worker, part.row);
    const uint64_t rows = (UINT64_MAX >> (64 - part.rows)) << in_block;
    float *z = args->scratch; /* (MB_BLOCK_ROWS, MB_MAX_SPARSE_COLUMNS) */
    op->ctx.kernels->fill_rows(part.rows, part.columns,
                               layer->parameters + mb_dense_bias_offset(layer) + part.column,
                               z + in_block * MB_MAX_SPARSE_COLUMNS, MB_MAX_SPARSE_COLUMNS);
    for (size_t unit = part.column; unit < end;) {
        const group g = group_at(layer, unit, end, inputs);
        op->ctx.kernels->sparse_product(inputs, rows, x->mask, x->value,
                                        batch->source->byte_to_float, g.strides,
                                        layer->parameters + mb_dense_panel_offset(layer, unit),
                                        z + unit - part.column, MB_MAX_SPARSE_COLUMNS);
        unit += g.strides.columns;
    }
    for (size_t row = 0; row < part.rows; row++)
        memcpy(op->ctx.out.data + (part.row + row) * units + part.column,
               z + (in_block + row) * MB_MAX_SPARSE_COLUMNS, part.columns * sizeof *z);
}

void mb_dense_sparse_forward(const mb_layer *layer, const mb_layer_context *ctx)
{
    const size_t units = mb_dense_units(layer);
    mb_tiling tiling = mb_tiling_matrix(ctx->rows, units, MB_BLOCK_ROWS, MB_MAX_SPARSE_COLUMNS);
    if (units <= MB_MAX_SPARSE_COLUMNS)
        tiling = mb_tiling_rows(ctx->rows, MB_BLOCK_ROWS / 2);
    tiling.sample_chunk = mb_sample_chunk(ctx->rows);
    mb_layer_add_phase(layer, ctx, "forward", run_forward, tiling,
                       MB_USES(mb_reads_copy(ctx->batch->block), mb_reads(layer->parameters),
                               mb_writes_rows(&ctx->out)),
                       MB_BLOCK_ROWS * MB_MAX_SPARSE_COLUMNS * sizeof(float), NULL);
}

/* ---- update ---- */

/* Block of rows by block, group by group. */
static void add_up_gradient(const mb_layer_op *op, const mb_step *step, mb_tile part,
                            mb_tile samples, float *gradient)
{
    const mb_batch *batch = op->ctx.batch;
    const size_t units = mb_dense_units(op->layer), end = part.column + part.columns;
    for (size_t unit = part.column; unit < end;) {
        const group g = group_at(op->layer, unit, end, part.rows);
        for (size_t row = samples.row; row < samples.row + samples.rows; row += MB_BLOCK_ROWS) {
            const mb_transposed_block *block = mb_batch_block(batch, step->worker, row);
            op->ctx.kernels->sparse_gradient(
                part.rows, block->mask + part.row, block->value + part.row * MB_BLOCK_ROWS,
                batch->source->byte_to_float, op->ctx.d_out.data + row * units + g.first, units,
                g.strides, row > samples.row, gradient);
        }
        gradient += part.rows * g.strides.columns;
        unit += g.strides.columns;
    }
    if (part.row > 0)
        return;
    memset(gradient, 0, part.columns * sizeof *gradient);
    op->ctx.kernels->add_rows(samples.rows, part.columns,
                              op->ctx.d_out.data + samples.row * units + part.column, units,
                              gradient);
}

void mb_dense_sparse_update(const mb_layer *layer, const mb_layer_context *ctx)
{
    const size_t inputs = mb_dense_inputs(layer), pixels = mb_equal_blocks(inputs, UPDATE_PIXELS);
    mb_dense_update(layer, ctx, add_up_gradient,
                    mb_tiling_matrix(inputs, mb_dense_units(layer), pixels, MB_MAX_SPARSE_COLUMNS));
}
