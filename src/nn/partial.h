/* Gradients that samples add up to, chunk by chunk, and the update from their sum.
 *
 * A layer that works sample by sample cannot add all samples' gradients in one place: the order
 * would hang on the threads. Each chunk of samples has a place of its own, and the update adds
 * these in their order, a range of parameters a tile. */
#ifndef MB_NN_PARTIAL_H
#define MB_NN_PARTIAL_H

#include "nn/layer.h"

/* Numbers that the places take, for a batch of up to max_rows samples. */
size_t mb_partial_size(const mb_layer *layer, size_t max_rows);

/* The place of a sample's chunk, in `partials`; set to 0 when the chunk begins. */
float *mb_partial_gradient(const mb_layer *layer, mb_tiling tiling, size_t sample, float *partials);

/* Appends the layer's update phase: parameters before `decayed` decay, those from there up to
 * `count` do not. `partials` is inside ctx->workspace. MB_ERROR_MEMORY. */
mb_status mb_partial_update(const mb_layer *layer, const mb_layer_context *ctx, float *partials,
                            size_t decayed, size_t count, mb_error *error);

#endif
