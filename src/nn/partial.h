/* Gradients that samples add up to, chunk by chunk, and the update from their sum.
 *
 * A layer that works sample by sample cannot add all samples' gradients in one place: the order of
 * summation would depend on the threads. Each chunk of samples has its own partial gradient, and
 * the update adds these along a tree (chunk_tree.h), a range of parameters per tile; ranks add up
 * their own chunks before, as far as the tree allows. */
#ifndef MB_NN_PARTIAL_H
#define MB_NN_PARTIAL_H

#include "nn/layer.h"

/* Elements of the partial gradients of a batch of up to max_rows samples. */
size_t mb_partial_size(const mb_layer *layer, size_t max_rows);

/* The partial gradient of a tile's chunk, in `partials`; set to 0 when the chunk begins. */
float *mb_partial_gradient(const mb_layer *layer, mb_tiling tiling, size_t tile, float *partials);

/* The use of `partials`, which are in ctx->workspace, by a phase that writes those of its chunks.
 */
mb_use mb_partial_use(const mb_layer *layer, const mb_layer_context *ctx, const float *partials);

/* Appends the layer's update phase: its weights decay, its biases, the last `biases` parameters, do
 * not. `partials` is inside ctx->workspace. */
void mb_partial_update(const mb_layer *layer, const mb_layer_context *ctx, float *partials,
                       size_t biases);

#endif
