/* From the gradient of a dense layer's parameters to new ones, a tile of the matrix (inputs, units)
 * at a time; the first tiles have the biases, too.
 *
 * Large batches are added up in chunks of samples, by chunk_tree.h. Ranks that divide such a batch
 * first write the sums of their own nodes (partials); then each adds up all nodes of the tiles that
 * it updates, the same in large and small batches, because it has their moments. One process
 * updates each tile as soon as its gradient is there. */
#include "core/util.h"
#include "nn/chunk_tree.h"
#include "nn/dense.h"

#include <string.h>

typedef struct update_data {
    mb_dense_gradient_fn *gradient;
    mb_tiling tiling; /* of (inputs, units) */
    size_t chunk, chunks;
    const mb_chunk_node *nodes; /* of all ranks */
    size_t node_count;
    float *partials; /* (nodes, stride_of) */
} update_data;

static size_t stride_of(const mb_layer *layer) { return mb_pad_to_lanes(layer->parameter_count); }

/* ---- tiles ---- */

static size_t tile_size(mb_tile part) { return (part.rows + (part.row == 0)) * part.columns; }

/* A tile's parameters, in pieces that are contiguous in the layer and in the tile's gradient: its
 * rows of each panel, then biases. */
typedef struct piece {
    size_t first, count; /* of the layer's parameters */
    bool decays;
} piece;

/* The next piece; false at the end. *unit begins as part.column. */
static bool next_piece(const mb_layer *layer, mb_tile part, size_t *unit, piece *next)
{
    const size_t end = part.column + part.columns;
    if (*unit < end) {
        const size_t width = mb_dense_panel_width(layer, *unit);
        *next = (piece){mb_dense_panel_offset(layer, *unit) + part.row * width, part.rows * width,
                        true};
        *unit += width;
        return true;
    }
    *next = (piece){mb_dense_bias_offset(layer) + part.column, part.columns, false};
    return part.row == 0 && (*unit)++ == end;
}

static void add_part(const mb_layer *layer, mb_tile part, size_t offset, mb_region *region)
{
    piece p;
    for (size_t unit = part.column; next_piece(layer, part, &unit, &p);)
        mb_region_add(region, (offset + p.first) * sizeof(float), p.count * sizeof(float));
}

/* ---- gradient ---- */

typedef struct tile_gradient {
    const mb_layer_op *op;
    const mb_step *step;
    mb_tile part;
} tile_gradient;

static bool sum_of_chunk(const void *context, mb_chunk_node node, float *sum)
{
    const tile_gradient *tile = context;
    const update_data *data = tile->op->data;
    const size_t row = node.first * data->chunk;
    const mb_tile samples = {.row = row,
                             .rows = mb_min_size(data->chunk, tile->op->ctx.rows - row)};
    if (node.count == 1)
        data->gradient(tile->op, tile->step, tile->part, samples, sum);
    return node.count == 1;
}

static void add_up(const mb_tile_args *args, mb_tile part, mb_chunk_node node)
{
    const mb_layer_op *op = args->op;
    const tile_gradient tile = {op, args->step, part};
    mb_chunk_tree_sum(node, tile_size(part), op->ctx.kernels, sum_of_chunk, &tile, args->scratch);
}

static size_t scratch_bytes(const update_data *data)
{
    const mb_tile largest = {.rows = mb_min_size(data->tiling.rows, data->tiling.block_rows),
                             .columns = data->tiling.block_columns};
    return mb_chunk_tree_depth(data->chunks) * tile_size(largest) * sizeof(float);
}

static void update_tile(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const float *gradient = args->scratch;
    piece p;
    for (size_t unit = args->part.column; next_piece(op->layer, args->part, &unit, &p);) {
        mb_layer_update_parameters(op, args->step->update, p.decays, p.first, p.count, gradient);
        gradient += p.count;
    }
}

static void updated_part(const void *op, mb_tile tile, mb_region *part)
{
    add_part(((const mb_layer_op *)op)->layer, tile, 0, part);
}

/* ---- one process, or ranks that divide tiles ---- */

static void run_update(const mb_tile_args *args)
{
    const update_data *data = ((const mb_layer_op *)args->op)->data;
    add_up(args, args->part, (mb_chunk_node){0, data->chunks});
    update_tile(args);
}

static void part_of_units(const void *op, mb_tile tile, mb_region *part)
{
    const mb_layer_context *ctx = &((const mb_layer_op *)op)->ctx;
    const size_t units = ctx->d_out.columns;
    for (size_t row = 0; row < ctx->rows; row++)
        mb_region_add(part, (row * units + tile.column) * sizeof(float),
                      tile.columns * sizeof(float));
}

static mb_use reads_input(const mb_layer_context *ctx, mb_tiling tiling)
{
    return ctx->in.data == NULL ? mb_reads_copy(ctx->batch->block)
                                : mb_dense_reads_samples(&ctx->in, tiling);
}

static void update_at_once(const mb_layer *layer, const mb_layer_context *ctx,
                           const update_data *data)
{
    const mb_use d_out = {.buffer = ctx->d_out.data, .part = {.of_tile = part_of_units}};
    mb_layer_add_phase(layer, ctx, "update", run_update, data->tiling,
                       MB_USES(reads_input(ctx, data->tiling), d_out,
                               mb_reads(ctx->trainable->finite),
                               mb_updates(layer, (mb_tile_part){.of_tile = updated_part})),
                       scratch_bytes(data), data);
}

/* ---- ranks that divide the batch by samples ---- */

static bool has_node(const update_data *data, mb_tile samples, mb_chunk_node node)
{
    const size_t row = node.first * data->chunk;
    return row >= samples.row && row < samples.row + samples.rows;
}

/* A tile has the samples of the rank, and the parameters of tile `column` of data->tiling. */
static void run_gradient(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const update_data *data = op->data;
    const mb_tile part = mb_tiling_tile(data->tiling, args->part.column);
    for (size_t n = 0; n < data->node_count; n++) {
        const float *gradient = args->scratch;
        float *partial = data->partials + n * stride_of(op->layer);
        piece p;
        if (!has_node(data, args->part, data->nodes[n]))
            continue;
        add_up(args, part, data->nodes[n]);
        for (size_t unit = part.column; next_piece(op->layer, part, &unit, &p);) {
            memcpy(partial + p.first, gradient, p.count * sizeof *partial);
            gradient += p.count;
        }
    }
}

static void part_of_nodes(const void *op, mb_tile tile, mb_region *region)
{
    const mb_layer *layer = ((const mb_layer_op *)op)->layer;
    const update_data *data = ((const mb_layer_op *)op)->data;
    const mb_tile part = mb_tiling_tile(data->tiling, tile.column);
    for (size_t n = 0; n < data->node_count; n++)
        if (has_node(data, tile, data->nodes[n]))
            add_part(layer, part, n * stride_of(layer), region);
}

static bool sum_of_node(const void *context, mb_chunk_node node, float *sum)
{
    const mb_tile_args *args = context;
    const mb_layer_op *op = args->op;
    const update_data *data = op->data;
    piece p;
    for (size_t n = 0; n < data->node_count; n++)
        if (data->nodes[n].first == node.first && data->nodes[n].count == node.count) {
            const float *partial = data->partials + n * stride_of(op->layer);
            for (size_t unit = args->part.column; next_piece(op->layer, args->part, &unit, &p);) {
                memcpy(sum, partial + p.first, p.count * sizeof *sum);
                sum += p.count;
            }
            return true;
        }
    return false;
}

static void run_update_by_nodes(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const update_data *data = op->data;
    mb_chunk_tree_sum((mb_chunk_node){0, data->chunks}, tile_size(args->part), op->ctx.kernels,
                      sum_of_node, args, args->scratch);
    update_tile(args);
}

static void part_of_sums(const void *op, mb_tile tile, mb_region *region)
{
    const mb_layer *layer = ((const mb_layer_op *)op)->layer;
    const update_data *data = ((const mb_layer_op *)op)->data;
    for (size_t n = 0; n < data->node_count; n++)
        add_part(layer, tile, n * stride_of(layer), region);
}

static void update_by_nodes(const mb_layer *layer, const mb_layer_context *ctx, update_data *data)
{
    mb_chunk_node *nodes = mb_arena_alloc(ctx->arena, data->chunks, sizeof *nodes);
    if (nodes == NULL)
        return;
    data->nodes = nodes;
    data->node_count = mb_chunk_tree_nodes(data->chunks, ctx->ranks, nodes);
    data->partials = mb_arena_alloc(ctx->arena, data->node_count * stride_of(layer), sizeof(float));
    const mb_tiling tiling = {.rows = ctx->rows,
                              .columns = mb_tiling_tiles(data->tiling),
                              .block_rows = ctx->rows,
                              .block_columns = 1,
                              .sample_chunk = data->chunk};
    mb_use partials = mb_writes(data->partials);
    partials.part.of_tile = part_of_nodes;
    mb_layer_add_phase(
        layer, ctx, "gradient", run_gradient, tiling,
        MB_USES(reads_input(ctx, tiling), mb_dense_reads_samples(&ctx->d_out, tiling), partials),
        scratch_bytes(data), data);
    mb_use sums = mb_reads(data->partials);
    sums.part.of_tile = part_of_sums;
    mb_layer_add_phase(layer, ctx, "update", run_update_by_nodes, data->tiling,
                       MB_USES(sums, mb_reads(ctx->trainable->finite),
                               mb_updates(layer, (mb_tile_part){.of_tile = updated_part})),
                       scratch_bytes(data), data);
}

void mb_dense_update(const mb_layer *layer, const mb_layer_context *ctx,
                     mb_dense_gradient_fn *gradient, mb_tiling tiling)
{
    update_data *data = mb_arena_alloc(ctx->arena, 1, sizeof *data);
    const size_t chunk = mb_sample_chunk(ctx->rows);
    if (data == NULL)
        return;
    *data = (update_data){.gradient = gradient,
                          .tiling = tiling,
                          .chunk = chunk > 0 ? chunk : ctx->rows,
                          .chunks = chunk > 0 ? mb_divide_up(ctx->rows, chunk) : 1};
    if (chunk > 0 && ctx->ranks > 1)
        update_by_nodes(layer, ctx, data);
    else
        update_at_once(layer, ctx, data);
}
