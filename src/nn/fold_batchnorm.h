/* A batch normalisation folded into the convolution before it, for evaluation. */
#ifndef MB_NN_FOLD_BATCHNORM_H
#define MB_NN_FOLD_BATCHNORM_H

#include "nn/layer.h"

/* Numbers that a convolution keeps for folded weights and biases. */
size_t mb_fold_batchnorm_size(const mb_layer *convolution);

/* Appends the phase that makes ctx->workspace the convolution's weights, then biases, with
 * ctx->folded in them. MB_ERROR_MEMORY. */
mb_status mb_fold_batchnorm_plan(const mb_layer *convolution, const mb_layer_context *ctx,
                                 mb_error *error);

#endif
