#include "nn/partial.h"

#include <string.h>

/* Parameters of an update tile: their sum stays in the L1 cache. */
enum { RANGE = 1024 };

typedef struct update_data {
    const float *partials;
    size_t chunks, decayed; /* parameters before `decayed` decay */
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

/* What an update tile adds up: its parameters' gradients of all chunks. */
static void part_of_chunks(const void *op, size_t tile, mb_region *region)
{
    const mb_layer_op *update = op;
    const update_data *data = update->data;
    const mb_tile part = mb_tiling_tile(update->tiling, tile);
    const size_t first = (size_t)(data->partials - update->ctx.workspace) + part.column;
    for (size_t chunk = 0; chunk < data->chunks; chunk++)
        mb_region_add(region, (first + chunk * stride_of(update->layer)) * sizeof(float),
                      part.columns * sizeof(float));
}

static void run_update(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const update_data *data = op->data;
    const mb_tile part = mb_tiling_tile(op->tiling, args->tile);
    const size_t stride = stride_of(op->layer), first = part.column, end = first + part.columns;
    const size_t border = data->decayed < first ? first : data->decayed < end ? data->decayed : end;
    float gradient[RANGE];
    memcpy(gradient, data->partials + first, part.columns * sizeof *gradient);
    op->ctx.kernels->add_rows(data->chunks - 1, part.columns, data->partials + stride + first,
                              stride, gradient);
    mb_layer_update_parameters(op, args->step->update, true, first, border - first, gradient);
    mb_layer_update_parameters(op, args->step->update, false, border, end - border,
                               gradient + (border - first));
}

void mb_partial_update(const mb_layer *layer, const mb_layer_context *ctx, const float *partials,
                       size_t biases)
{
    update_data *data = mb_arena_alloc(ctx->arena, 1, sizeof *data);
    if (data == NULL)
        return;
    *data = (update_data){.partials = partials,
                          .chunks = mb_tiling_chunks(mb_tiling_samples(ctx->rows)),
                          .decayed = layer->parameter_count - biases};
    mb_layer_add_phase(
        layer, ctx, "update", run_update, (mb_tiling){1, layer->parameter_count, 1, RANGE, 1},
        MB_USES((mb_use){.buffer = ctx->workspace, .part = {.of_tile = part_of_chunks}},
                mb_reads(ctx->trainable->finite),
                mb_updates(layer, (mb_tile_part){.column_bytes = sizeof(float)})),
        0, data);
}
