/* ReLU: out = max(in, 0), in place. Its tiles are those of whoever wrote the matrix, so it follows
 * them in the same cache without a barrier. */
#include "nn/layer.h"

typedef struct relu_op {
    mb_layer_context ctx;
    mb_tiling tiling;
} relu_op;

static mb_status configure(mb_layer *layer, const char *argument, mb_error *error)
{
    if (argument != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "relu takes no argument");
    if (layer->input_is_batch)
        return mb_fail(error, MB_ERROR_INVALID,
                       "relu cannot be the first layer, nor the first but flatten");
    layer->out = layer->in;
    layer->out_format = layer->in_format;
    return MB_OK;
}

static void run_forward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const relu_op *op = context;
    const mb_matrix z = op->ctx.out;
    const mb_tile part = mb_tiling_tile_in(op->tiling, tile, z.columns);
    op->ctx.kernels->relu_forward(part.rows, part.columns,
                                  mb_matrix_row(&z, step, part.row) + part.column, z.columns);
}

static void run_backward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const relu_op *op = context;
    const mb_matrix a = op->ctx.out, d = op->ctx.d_out;
    const mb_tile part = mb_tiling_tile_in(op->tiling, tile, a.columns);
    op->ctx.kernels->relu_backward(part.rows, part.columns,
                                   mb_matrix_row(&a, step, part.row) + part.column,
                                   mb_matrix_row(&d, step, part.row) + part.column, a.columns);
}

static mb_status add_phase(const mb_layer *layer, const mb_layer_context *ctx, const float *changed,
                           mb_phase phase, mb_error *error)
{
    relu_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "relu", sizeof *op);
    phase.tiling = mb_plan_writer(ctx->plan, changed);
    phase.op = op;
    *op = (relu_op){*ctx, phase.tiling};
    return mb_layer_add_phase(layer, ctx, &phase, error);
}

static mb_status forward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    return add_phase(layer, ctx, ctx->out.data,
                     (mb_phase){.name = "forward",
                                .run = run_forward,
                                .uses = {{ctx->out.data, .writes = true, .own = true}}},
                     error);
}

static mb_status backward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    return add_phase(layer, ctx, ctx->d_out.data,
                     (mb_phase){.name = "backward",
                                .run = run_backward,
                                .uses = {{ctx->out.data, .own = true},
                                         {ctx->d_out.data, .writes = true, .own = true}}},
                     error);
}

const mb_layer_ops mb_relu_ops = {
    .name = "relu",
    .in_place = true,
    .backward_needs_output = true,
    .configure = configure,
    .forward = forward,
    .backward = backward,
};
