/* Element-wise layers. Their tiles are those of the phase that wrote the matrix, so they follow it
 * in the same cache without a barrier. */
#include "nn/elementwise.h"

mb_status mb_elementwise_configure(mb_layer *layer, const char *argument, mb_arena *arena,
                                   mb_error *error)
{
    (void)arena;
    layer->out = layer->in;
    const mb_status status = mb_layer_check_no_argument(layer, argument, error);
    return status == MB_OK ? mb_layer_check_not_first(layer, error) : status;
}

static void run_forward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const size_t columns = op->ctx.out.columns;
    const mb_tile part = mb_tile_part_in(args, columns);
    op->layer->ops->elementwise_forward(
        op->ctx.kernels, part.rows, part.columns,
        mb_matrix_row(&op->ctx.in, args->step, part.row) + part.column,
        mb_matrix_row(&op->ctx.out, args->step, part.row) + part.column, columns);
}

static void run_backward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const size_t columns = op->ctx.out.columns;
    const mb_tile part = mb_tile_part_in(args, columns);
    const mb_matrix *saved = op->layer->ops->backward_needs_input ? &op->ctx.in : &op->ctx.out;
    op->layer->ops->elementwise_backward(
        op->ctx.kernels, part.rows, part.columns,
        mb_matrix_row(saved, args->step, part.row) + part.column,
        mb_matrix_row(&op->ctx.d_out, args->step, part.row) + part.column,
        mb_matrix_row(&op->ctx.d_in, args->step, part.row) + part.column, columns);
}

void mb_elementwise_forward(const mb_layer *layer, const mb_layer_context *ctx)
{
    mb_layer_add_phase(layer, ctx, "forward", run_forward, mb_plan_writer(ctx->plan, ctx->in.data),
                       MB_USES(mb_reads_rows(&ctx->in), mb_writes_rows(&ctx->out)), 0, NULL);
}

void mb_elementwise_backward(const mb_layer *layer, const mb_layer_context *ctx)
{
    const mb_matrix *saved = layer->ops->backward_needs_input ? &ctx->in : &ctx->out;
    mb_layer_add_phase(
        layer, ctx, "backward", run_backward, mb_plan_writer(ctx->plan, ctx->d_out.data),
        MB_USES(mb_reads_rows(saved), mb_reads_rows(&ctx->d_out), mb_writes_rows(&ctx->d_in)), 0,
        NULL);
}

/* ---- the layers ---- */

static void relu_forward(const mb_kernels *kernels, size_t rows, size_t columns, const float *in,
                         float *out, size_t ld)
{
    (void)in;
    kernels->relu_forward(rows, columns, out, ld);
}

static void relu_backward(const mb_kernels *kernels, size_t rows, size_t columns,
                          const float *saved, const float *d_out, float *d_in, size_t ld)
{
    (void)d_out;
    kernels->relu_backward(rows, columns, saved, d_in, ld);
}

static void gelu_forward(const mb_kernels *kernels, size_t rows, size_t columns, const float *in,
                         float *out, size_t ld)
{
    kernels->gelu_forward(rows, columns, in, out, ld);
}

static void gelu_backward(const mb_kernels *kernels, size_t rows, size_t columns,
                          const float *saved, const float *d_out, float *d_in, size_t ld)
{
    kernels->gelu_backward(rows, columns, saved, d_out, d_in, ld);
}

const mb_layer_ops mb_elementwise_kinds[] = {
    {.name = "relu",
     .help = "ReLU, max(x, 0)",
     .in_place = true,
     .backward_needs_output = true,
     .commutes_with_maxpool = true,
     .elementwise_forward = relu_forward,
     .elementwise_backward = relu_backward,
     MB_ELEMENTWISE},
    {.name = "gelu",
     .help = "GELU, x times the normal CDF",
     .backward_needs_input = true,
     .elementwise_forward = gelu_forward,
     .elementwise_backward = gelu_backward,
     MB_ELEMENTWISE},
    {.name = NULL},
};
