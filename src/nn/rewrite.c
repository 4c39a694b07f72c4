#include "nn/rewrite.h"

#include "nn/batchnorm.h"
#include "nn/conv2d.h"

/* ---- pool before ReLU ---- */

bool mb_rewrite_pools_first(const mb_network *network, size_t index)
{
    const mb_layer_ops *ops = network->layers[index].ops;
    return ops->in_place && ops->commutes_with_maxpool && index + 1 < network->count &&
           network->layers[index + 1].ops == &mb_maxpool2d_ops;
}

/* ---- pool of a convolution ---- */

/* Windows that do not overlap, and large enough to be worth it. */
static bool leaves_few_gradients(const mb_layer *layer)
{
    if (layer->ops != &mb_maxpool2d_ops)
        return false;
    const mb_window *window = mb_layer_window(layer);
    return window->rows * window->columns >= 4 && window->stride >= window->rows &&
           window->stride >= window->columns && window->padding == 0;
}

/* True if the layer before or after pool `index` is a ReLU: half of the gradients are 0. */
static bool is_beside_relu(const mb_network *network, size_t index)
{
    const mb_layer *pool = &network->layers[index];
    return pool[-1].ops->commutes_with_maxpool ||
           (index + 1 < network->count && pool[1].ops->commutes_with_maxpool);
}

/* Winograd's algorithm takes 4 times fewer products than all windows, at a higher rate: it is
 * faster than the quarter of the gradients that a pool leaves, and slower than the eighth that a
 * ReLU leaves of them. */
static bool skips_gradients(const mb_network *network, size_t convolution, size_t pool)
{
    return leaves_few_gradients(&network->layers[pool]) &&
           (is_beside_relu(network, pool) ||
            !mb_conv2d_winograd.applies(&network->layers[convolution]));
}

void mb_rewrite_attach_pools(mb_network *network)
{
    for (size_t i = 0; i + 1 < network->count; i++) {
        const mb_layer *layer = &network->layers[i];
        if (layer->ops != &mb_conv2d_ops || mb_layer_window(layer)->groups > 1)
            continue;
        const size_t offset = mb_rewrite_pools_first(network, i + 1) ? 2 : 1;
        if (skips_gradients(network, i, i + offset))
            ((mb_conv2d_config *)layer->config)->pool_offset = offset;
    }
}

size_t mb_rewrite_attached_pool(const mb_network *network, size_t index)
{
    const mb_layer *layer = &network->layers[index];
    const mb_layer *pool = layer->ops == &mb_conv2d_ops ? mb_conv2d_pool(layer) : NULL;
    return pool != NULL ? (size_t)(pool - network->layers) : 0;
}

/* ---- folding of batch normalisation ---- */

bool mb_rewrite_folds_batchnorm(const mb_network *network, size_t index)
{
    return network->layers[index].ops == &mb_conv2d_ops && index + 1 < network->count &&
           network->layers[index + 1].ops == &mb_batchnorm2d_ops;
}

/* Weights and biases, then the scale. */
size_t mb_fold_batchnorm_size(const mb_layer *convolution)
{
    return convolution->parameter_count + convolution->out.channels;
}

/* (in x W + b) * scale + shift = in x (W * scale) + (b * scale + shift). */
static void run_fold(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const mb_conv2d_size size = mb_conv2d_size_of(layer);
    const float *weights = layer->parameters, *bias = weights + size.weights;
    float *to = op->ctx.workspace, *to_bias = to + size.weights,
          *scale = to_bias + layer->out.channels;
    mb_batchnorm_affine(op->ctx.batchnorm, scale, to_bias);
    for (size_t unit = 0; unit < layer->out.channels; unit++)
        to_bias[unit] += bias[unit] * scale[unit];
    for (size_t i = 0; i < size.weights; i++)
        to[i] = weights[i] * scale[mb_conv2d_channel_of_weight(layer, &size, i)];
}

void mb_fold_batchnorm_plan(const mb_layer *convolution, const mb_layer_context *ctx)
{
    mb_layer_add_phase_on_each_rank(convolution, ctx, "fold batchnorm", run_fold, mb_tiling_one(),
                                    MB_USES(mb_reads(convolution->parameters),
                                            mb_reads(ctx->batchnorm->parameters),
                                            mb_writes(ctx->workspace)),
                                    0, NULL);
}
