#include "nn/partial.h"

#include "core/util.h"
#include "nn/chunk_tree.h"

#include <string.h>

/* Parameters of an update tile: their sum stays in the L1 cache. */
enum { RANGE = 1024 };

typedef struct update_data {
    float *partials; /* (chunks, stride); where ranks divide them, a node's sum is in its first */
    size_t chunks, decayed;     /* parameters before `decayed` decay */
    const mb_chunk_node *nodes; /* of all ranks; NULL: one process adds up all */
    size_t node_count;
} update_data;

static size_t stride_of(const mb_layer *layer) { return mb_pad_to_lanes(layer->parameter_count); }

size_t mb_partial_size(const mb_layer *layer, size_t max_rows)
{
    return mb_max_chunks(max_rows) * stride_of(layer);
}

float *mb_partial_gradient(const mb_layer *layer, mb_tiling tiling, size_t tile, float *partials)
{
    float *partial = partials + tile / tiling.chunk_tiles * stride_of(layer);
    if (tile % tiling.chunk_tiles == 0)
        memset(partial, 0, layer->parameter_count * sizeof *partial);
    return partial;
}

mb_use mb_partial_use(const mb_layer *layer, const mb_layer_context *ctx, const float *partials)
{
    mb_use use = mb_writes(ctx->workspace);
    use.part.chunk_bytes = stride_of(layer) * sizeof *partials;
    use.part.offset = (size_t)(partials - ctx->workspace) * sizeof *partials;
    return use;
}

/* ---- sums ---- */

static bool is_node(const update_data *data, mb_chunk_node node)
{
    size_t n = 0;
    while (n < data->node_count &&
           (data->nodes[n].first != node.first || data->nodes[n].count != node.count))
        n++;
    return n < data->node_count;
}

/* A range of parameters, as a tile adds it up. */
typedef struct range {
    const mb_layer *layer;
    const update_data *data;
    size_t first, count;
    bool of_nodes; /* whose sums are there; else chunks */
} range;

static float *partial_of(const range *r, size_t chunk)
{
    return r->data->partials + chunk * stride_of(r->layer) + r->first;
}

static bool sum_of(const void *context, mb_chunk_node node, float *sum)
{
    const range *r = context;
    const bool there = r->of_nodes ? is_node(r->data, node) : node.count == 1;
    if (there)
        memcpy(sum, partial_of(r, node.first), r->count * sizeof *sum);
    return there;
}

static void add_range(const mb_layer_op *op, size_t chunk, size_t first, size_t count,
                      mb_region *region)
{
    const update_data *data = op->data;
    const size_t partial = (size_t)(data->partials - op->ctx.workspace);
    mb_region_add(region, (partial + chunk * stride_of(op->layer) + first) * sizeof(float),
                  count * sizeof(float));
}

static size_t scratch_bytes(const update_data *data)
{
    return mb_chunk_tree_depth(data->chunks) * RANGE * sizeof(float);
}

/* ---- nodes ---- */

/* A tile has the samples of the rank, and the parameters of range `column`. */
static range range_of(const mb_layer_op *op, mb_tile tile)
{
    const size_t first = tile.column * RANGE;
    return (range){op->layer, op->data, first,
                   mb_min_size(op->layer->parameter_count - first, RANGE), false};
}

static size_t first_chunk(const mb_layer_op *op, mb_tile tile)
{
    return tile.row / op->tiling.sample_chunk;
}

static size_t end_chunk(const mb_layer_op *op, mb_tile tile)
{
    return mb_divide_up(tile.row + tile.rows, op->tiling.sample_chunk);
}

static bool has_node(const mb_layer_op *op, mb_tile tile, mb_chunk_node node)
{
    return node.first >= first_chunk(op, tile) && node.first < end_chunk(op, tile);
}

static void run_sum(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const update_data *data = op->data;
    const range r = range_of(op, args->part);
    for (size_t n = 0; n < data->node_count; n++) {
        const mb_chunk_node node = data->nodes[n];
        if (node.count == 1 || !has_node(op, args->part, node))
            continue;
        mb_chunk_tree_sum(node, r.count, op->ctx.kernels, sum_of, &r, args->scratch);
        memcpy(partial_of(&r, node.first), args->scratch, r.count * sizeof(float));
    }
}

static void part_of_chunks(const void *op, mb_tile tile, mb_region *region)
{
    const range r = range_of(op, tile);
    for (size_t chunk = first_chunk(op, tile); chunk < end_chunk(op, tile); chunk++)
        add_range(op, chunk, r.first, r.count, region);
}

static void part_of_nodes(const void *op, mb_tile tile, mb_region *region)
{
    const range r = range_of(op, tile);
    for (size_t n = 0; n < r.data->node_count; n++)
        if (has_node(op, tile, r.data->nodes[n]))
            add_range(op, r.data->nodes[n].first, r.first, r.count, region);
}

/* The phase in which ranks add up their nodes. */
static void add_sums(const mb_layer *layer, const mb_layer_context *ctx, update_data *data)
{
    mb_chunk_node *nodes = mb_arena_alloc(ctx->arena, data->chunks, sizeof *nodes);
    if (nodes == NULL)
        return;
    data->nodes = nodes;
    data->node_count = mb_chunk_tree_nodes(data->chunks, ctx->ranks, nodes);
    mb_use chunks = mb_reads(ctx->workspace), sums = mb_writes(ctx->workspace);
    chunks.part.of_tile = part_of_chunks;
    sums.part.of_tile = part_of_nodes;
    mb_layer_add_phase(layer, ctx, "sums", run_sum,
                       (mb_tiling){.rows = ctx->rows,
                                   .columns = mb_divide_up(layer->parameter_count, RANGE),
                                   .block_rows = ctx->rows,
                                   .block_columns = 1,
                                   .sample_chunk = mb_tiling_samples(ctx->rows).chunk_tiles},
                       MB_USES(chunks, sums), scratch_bytes(data), data);
}

/* ---- update ---- */

static void part_of_sums(const void *op, mb_tile tile, mb_region *region)
{
    const update_data *data = ((const mb_layer_op *)op)->data;
    for (size_t chunk = 0; data->nodes == NULL && chunk < data->chunks; chunk++)
        add_range(op, chunk, tile.column, tile.columns, region);
    for (size_t n = 0; n < data->node_count; n++)
        add_range(op, data->nodes[n].first, tile.column, tile.columns, region);
}

static void run_update(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const update_data *data = op->data;
    const size_t first = args->part.column, end = first + args->part.columns;
    const size_t border = data->decayed < first ? first : data->decayed < end ? data->decayed : end;
    const range r = {op->layer, data, first, args->part.columns, data->nodes != NULL};
    const float *gradient = args->scratch;
    mb_chunk_tree_sum((mb_chunk_node){0, data->chunks}, r.count, op->ctx.kernels, sum_of, &r,
                      args->scratch);
    mb_layer_update_parameters(op, args->step->update, true, first, border - first, gradient);
    mb_layer_update_parameters(op, args->step->update, false, border, end - border,
                               gradient + (border - first));
}

void mb_partial_update(const mb_layer *layer, const mb_layer_context *ctx, float *partials,
                       size_t biases)
{
    update_data *data = mb_arena_alloc(ctx->arena, 1, sizeof *data);
    if (data == NULL)
        return;
    *data = (update_data){.partials = partials,
                          .chunks = mb_tiling_chunks(mb_tiling_samples(ctx->rows)),
                          .decayed = layer->parameter_count - biases};
    if (ctx->ranks > 1)
        add_sums(layer, ctx, data);
    mb_use sums = mb_reads(ctx->workspace);
    sums.part.of_tile = part_of_sums;
    mb_layer_add_phase(layer, ctx, "update", run_update,
                       mb_tiling_matrix(1, layer->parameter_count, 1, RANGE),
                       MB_USES(sums, mb_reads(ctx->trainable->finite),
                               mb_updates(layer, (mb_tile_part){.column_bytes = sizeof(float)})),
                       scratch_bytes(data), data);
}
