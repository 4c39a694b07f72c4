/* A batch normalisation folded into the convolution before it, for evaluation. */
#ifndef MB_NN_FOLD_H
#define MB_NN_FOLD_H

#include "nn/layer.h"

/* Numbers that a convolution keeps for folded weights and biases. */
size_t mb_fold_numbers(const mb_layer *convolution);

/* Appends the phase that makes site->kept the convolution's weights, then biases, with
 * site->folded in them. MB_MEMORY. */
mb_status mb_fold_plan(const mb_layer *convolution, const mb_site *site, mb_error *error);

#endif
