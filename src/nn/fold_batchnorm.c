#include "nn/fold_batchnorm.h"

#include "nn/batchnorm.h"
#include "nn/conv2d.h"

typedef struct fold_op {
    const mb_layer *convolution, *batchnorm;
    float *folded; /* weights, biases; then room for the scale */
} fold_op;

size_t mb_fold_batchnorm_size(const mb_layer *convolution)
{
    return convolution->parameter_count + convolution->out.channels;
}

/* (in x W + b) * scale + shift = in x (W * scale) + (b * scale + shift). */
static void run_fold(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)step, (void)tile, (void)scratch;
    const fold_op *op = context;
    const mb_layer *layer = op->convolution;
    const mb_conv2d_size size = mb_conv2d_size_of(layer);
    const float *weights = layer->parameters, *bias = weights + size.weights;
    float *to_bias = op->folded + size.weights, *scale = to_bias + layer->out.channels;
    mb_batchnorm_affine(op->batchnorm, scale, to_bias);
    for (size_t unit = 0; unit < layer->out.channels; unit++)
        to_bias[unit] += bias[unit] * scale[unit];
    for (size_t i = 0; i < size.weights; i++) {
        const size_t group = i / (size.units * size.window),
                     of_group = i % (size.units * size.window);
        const size_t unit =
            layer->out_format.planes ? of_group / size.window : of_group % size.units;
        op->folded[i] = weights[i] * scale[group * size.units + unit];
    }
}

mb_status mb_fold_batchnorm_plan(const mb_layer *convolution, const mb_layer_context *ctx,
                                 mb_error *error)
{
    fold_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "conv2d", sizeof *op);
    *op = (fold_op){convolution, ctx->folded, ctx->workspace};
    mb_phase phase = {.name = "fold",
                      .run = run_fold,
                      .op = op,
                      .tiling = {1, 1, 1, 1, 1},
                      .uses = {{convolution->parameters}, {ctx->workspace, .writes = true}}};
    return mb_layer_add_phase(convolution, ctx, &phase, error);
}
