#include "nn/partial.h"

#include "nn/trainable.h"

#include <string.h>

/* Parameters of an update tile: their sum stays in the first cache. */
enum { RANGE = 1024 };

typedef struct update_op {
    const mb_layer *layer;
    mb_layer_context ctx;
    mb_tiling tiling;
    const float *partials;
    size_t chunks, decayed;
} update_op;

static size_t place(const mb_layer *layer)
{
    return (layer->parameter_count + MB_LANES - 1) / MB_LANES * MB_LANES;
}

size_t mb_partial_size(const mb_layer *layer, size_t max_rows)
{
    return mb_max_chunks(max_rows) * place(layer);
}

float *mb_partial_gradient(const mb_layer *layer, mb_tiling tiling, size_t sample, float *partials)
{
    float *partial = partials + sample / tiling.chunk_tiles * place(layer);
    if (sample % tiling.chunk_tiles == 0)
        memset(partial, 0, layer->parameter_count * sizeof *partial);
    return partial;
}

static void run_update(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const update_op *op = context;
    if (!*op->ctx.trainable->finite)
        return;
    const mb_tile part = mb_tiling_tile(op->tiling, tile);
    const size_t first = part.column, end = first + part.columns;
    const size_t border = op->decayed < first ? first : op->decayed < end ? op->decayed : end;
    float gradient[RANGE];
    memcpy(gradient, op->partials + first, part.columns * sizeof *gradient);
    op->ctx.kernels->add_rows(op->chunks - 1, part.columns, op->partials + place(op->layer) + first,
                              place(op->layer), gradient);
    mb_trainable_update(op->ctx.trainable, op->layer, step->update, true, first, border - first,
                        gradient);
    mb_trainable_update(op->ctx.trainable, op->layer, step->update, false, border, end - border,
                        gradient + (border - first));
}

mb_status mb_partial_update(const mb_layer *layer, const mb_layer_context *ctx, float *partials,
                            size_t decayed, size_t count, mb_error *error)
{
    update_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, layer->ops->name, sizeof *op);
    const mb_tiling tiling = {1, count, 1, RANGE, 1};
    *op = (update_op){.layer = layer,
                      .ctx = *ctx,
                      .tiling = tiling,
                      .partials = partials,
                      .chunks = mb_tiling_chunks(mb_tiling_samples(ctx->rows)),
                      .decayed = decayed};
    mb_phase phase = {
        .name = "update",
        .run = run_update,
        .op = op,
        .tiling = tiling,
        .uses = {{ctx->workspace}, {ctx->trainable->finite}, {layer->parameters, .writes = true}}};
    return mb_layer_add_phase(layer, ctx, &phase, error);
}
