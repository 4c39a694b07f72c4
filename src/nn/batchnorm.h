/* Batch normalisation in evaluation, for those who fold it into their weights. */
#ifndef MB_NN_BATCHNORM_H
#define MB_NN_BATCHNORM_H

#include "nn/layer.h"

/* Added to a variance before its root is taken. */
#define MB_BATCHNORM_EPSILON 1e-5

/* scale and shift (channels) of out = in * scale + shift, by the running statistics. */
void mb_batchnorm_affine(const mb_layer *layer, float *scale, float *shift);

#endif
