/* What the files of the dense layer share: where its parameters are, and its phases. */
#ifndef MB_NN_DENSE_H
#define MB_NN_DENSE_H

#include "nn/layer.h"

/* What a phase of the layer is about. */
typedef struct mb_dense_op {
    const mb_layer *layer;
    mb_layer_context ctx;
    mb_tiling tiling;
} mb_dense_op;

static inline size_t mb_dense_inputs(const mb_layer *layer) { return mb_shape_size(layer->in); }

static inline size_t mb_dense_units(const mb_layer *layer) { return layer->out.columns; }

/* Units of the panel that begins with `first_unit`. */
static inline size_t mb_dense_panel_width(const mb_layer *layer, size_t first_unit)
{
    const size_t left = mb_dense_units(layer) - first_unit;
    return left < layer->rules.panel ? left : layer->rules.panel;
}

/* Where that panel is in the layer's parameters: (inputs, panel_width). */
static inline size_t mb_dense_panel_offset(const mb_layer *layer, size_t first_unit)
{
    return first_unit * mb_dense_inputs(layer);
}

static inline size_t mb_dense_bias_offset(const mb_layer *layer)
{
    return mb_dense_inputs(layer) * mb_dense_units(layer);
}

/* Whether it is of a single panel. */
static inline bool mb_dense_is_narrow(const mb_layer *layer)
{
    return mb_dense_units(layer) <= layer->rules.panel;
}

/* Whether what comes in are samples without their zeros. */
static inline bool mb_dense_is_sparse(const mb_layer_context *ctx)
{
    return ctx->in.data == NULL && ctx->source->nonzeros != NULL;
}

/* Appends the phase with an mb_dense_op as its op. MB_ERROR_MEMORY. */
mb_status mb_dense_add_phase(const mb_layer *layer, const mb_layer_context *ctx, mb_phase phase,
                             mb_error *error);

/* The forward and update phases of a layer that sparse samples come into. MB_ERROR_MEMORY. */
mb_status mb_dense_sparse_forward(const mb_layer *layer, const mb_layer_context *ctx,
                                  mb_error *error);
mb_status mb_dense_sparse_update(const mb_layer *layer, const mb_layer_context *ctx,
                                 mb_error *error);

#endif
