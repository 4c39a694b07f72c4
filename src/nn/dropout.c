/* Dropout: in training each number is set to 0 with the layer's rate, and the others are scaled up
 * by 1 / (1 - rate): Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, 2014. In place,
 * tile by tile with whoever wrote the matrix. What is dropped depends on seed, epoch, sample and
 * layer. */
#include "core/rng.h"
#include "nn/layer.h"
#include "nn/spec.h"

#include <stdlib.h>

typedef struct dropout_op {
    const mb_layer *layer;
    mb_matrix changed;
    mb_layer_context ctx;
    mb_tiling tiling;
} dropout_op;

static mb_status configure(mb_layer *layer, const char *argument, mb_error *error)
{
    char *end = NULL;
    layer->rate =
        argument != NULL && *argument >= '0' && *argument <= '9' ? strtod(argument, &end) : -1.0;
    if (!(layer->rate >= 0.0 && layer->rate < 1.0) || *end != '\0')
        return mb_fail(error, MB_ERROR_INVALID,
                       "dropout takes its rate, 0 to 1 (excluded), as in dropout:0.25");
    if (layer->input_is_batch)
        return mb_fail(error, MB_ERROR_INVALID,
                       "dropout cannot be the first layer, nor the first but flatten");
    layer->out = layer->in;
    layer->out_format = layer->in_format;
    return MB_OK;
}

static void run(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const dropout_op *op = context;
    const double rate = op->layer->rate;
    const mb_matrix x = op->changed;
    const mb_tile part = mb_tiling_tile_in(op->tiling, tile, x.columns);
    for (size_t row = part.row; row < part.row + part.rows; row++) {
        const uint64_t index =
            (uint64_t)step->dataset_samples.index[row] * MB_MAX_LAYERS + op->layer->position;
        mb_rng rng = mb_rng_at(op->ctx.trainable->seed, MB_RNG_DROPOUT, step->epoch, index);
        op->ctx.kernels->dropout(part.columns, mb_rng_next(&rng), part.column,
                                 (uint32_t)(rate * 0x1p32), (float)(1.0 / (1.0 - rate)),
                                 mb_matrix_row(&x, step, row) + part.column);
    }
}

static mb_status add_phase(const mb_layer *layer, const mb_layer_context *ctx, const char *name,
                           mb_matrix changed, mb_error *error)
{
    if (ctx->trainable == NULL)
        return MB_OK;
    dropout_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "dropout", sizeof *op);
    const mb_tiling tiling = mb_plan_writer(ctx->plan, changed.data);
    *op = (dropout_op){layer, changed, *ctx, tiling};
    mb_phase phase = {.name = name,
                      .run = run,
                      .op = op,
                      .tiling = tiling,
                      .uses = {{changed.data, .writes = true, .own = true}}};
    return mb_layer_add_phase(layer, ctx, &phase, error);
}

static mb_status forward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    return add_phase(layer, ctx, "forward", ctx->out, error);
}

static mb_status backward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    return add_phase(layer, ctx, "backward", ctx->d_out, error);
}

const mb_layer_ops mb_dropout_ops = {
    .name = "dropout",
    .in_place = true,
    .configure = configure,
    .forward = forward,
    .backward = backward,
};
