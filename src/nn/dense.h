/* Common to the files of the dense layer: the location of its parameters. */
#ifndef MB_NN_DENSE_H
#define MB_NN_DENSE_H

#include "nn/layer.h"

static inline size_t mb_dense_inputs(const mb_layer *layer) { return mb_shape_size(layer->in); }

static inline size_t mb_dense_units(const mb_layer *layer) { return layer->out.columns; }

/* Units of the panel that begins with `first_unit`. */
static inline size_t mb_dense_panel_width(const mb_layer *layer, size_t first_unit)
{
    const size_t left = mb_dense_units(layer) - first_unit;
    return left < layer->rules.panel ? left : layer->rules.panel;
}

/* Offset of that panel in the layer's parameters: (inputs, panel_width). */
static inline size_t mb_dense_panel_offset(const mb_layer *layer, size_t first_unit)
{
    return first_unit * mb_dense_inputs(layer);
}

static inline size_t mb_dense_bias_offset(const mb_layer *layer)
{
    return mb_dense_inputs(layer) * mb_dense_units(layer);
}

/* True if the layer has a single panel. */
static inline bool mb_dense_is_narrow(const mb_layer *layer)
{
    return mb_dense_units(layer) <= layer->rules.panel;
}

/* mb_tile_part_fn of the update phases: the parameters that a tile updates. */
void mb_dense_updated_part(const void *op, size_t tile, mb_region *part);

/* A use of the gradient of the outputs by an update phase, of the units of each tile. */
mb_use mb_dense_reads_d_out(const mb_layer_context *ctx);

/* Forward and update of a layer whose input is a sparse batch. */
void mb_dense_sparse_forward(const mb_layer *layer, const mb_layer_context *ctx);
void mb_dense_sparse_update(const mb_layer *layer, const mb_layer_context *ctx);

#endif
