/* Layers that compute each element by itself: an mb_layer_ops with two functions and one macro. */
#ifndef MB_NN_ELEMENTWISE_H
#define MB_NN_ELEMENTWISE_H

#include "nn/layer.h"

mb_status mb_elementwise_configure(mb_layer *layer, const char *argument, mb_arena *arena,
                                   mb_error *error);
void mb_elementwise_forward(const mb_layer *layer, const mb_layer_context *ctx);
void mb_elementwise_backward(const mb_layer *layer, const mb_layer_context *ctx);

/* Members of an element-wise layer's mb_layer_ops, next to its name, its two functions, and one of
 * backward_needs_input and backward_needs_output. It may be in_place if backward needs the output
 * alone. */
#define MB_ELEMENTWISE                                                                             \
    .syntax = "", .reads_per_sample = true, .configure = mb_elementwise_configure,                 \
    .forward = mb_elementwise_forward, .backward = mb_elementwise_backward

/* All of them, the last with the name NULL. */
extern const mb_layer_ops mb_elementwise_kinds[];

#endif
