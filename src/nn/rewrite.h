/* Rewrites of a network: fusion of neighbouring layers. Results are the same. */
#ifndef MB_NN_REWRITE_H
#define MB_NN_REWRITE_H

#include "nn/network.h"

/* Gives convolutions the max pool after them, or after a layer that may run after the pool: one
 * element of each of the pool's windows has a gradient, and the convolution skips the others. Not
 * where Winograd's algorithm with all gradients is faster. */
void mb_rewrite_attach_pools(mb_network *network);

/* The index of the pool that convolution `index` computes, too; 0: none. */
size_t mb_rewrite_attached_pool(const mb_network *network, size_t index);

/* True if layer `index` runs after the max pool that follows it: fewer elements, equal results. */
bool mb_rewrite_pools_first(const mb_network *network, size_t index);

/* True if layer `index` and the batch normalisation after it are one convolution in evaluation. */
bool mb_rewrite_folds_batchnorm(const mb_network *network, size_t index);

/* Elements of a convolution's workspace for folded weights and biases. */
size_t mb_fold_batchnorm_size(const mb_layer *convolution);

/* Appends the phase that writes the convolution's weights, then biases, with ctx->batchnorm folded
 * in, to ctx->workspace. */
void mb_fold_batchnorm_plan(const mb_layer *convolution, const mb_layer_context *ctx);

#endif
