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

/* Reads, by a phase of any tiling, the samples of each tile where ranks divide those, else all. */
static inline mb_use mb_dense_reads_samples(const mb_matrix *matrix, mb_tiling tiling)
{
    mb_use use = mb_reads(matrix->data);
    use.part.row_bytes = matrix->columns * sizeof(float);
    use.part.whole_rows = tiling.sample_chunk > 0;
    return use;
}

/* Writes the gradient of the weights of a tile of the matrix (inputs, units), panel by panel, each
 * (part.rows, width), and of its biases if it has the first input, summed over some samples. */
typedef void mb_dense_gradient_fn(const mb_layer_op *op, const mb_step *step, mb_tile part,
                                  mb_tile samples, float *gradient);

/* Appends the phases from gradient to new parameters; `tiling` divides (inputs, units). */
void mb_dense_update(const mb_layer *layer, const mb_layer_context *ctx,
                     mb_dense_gradient_fn *gradient, mb_tiling tiling);

/* Forward and update of a layer whose input is a sparse batch. */
void mb_dense_sparse_forward(const mb_layer *layer, const mb_layer_context *ctx);
void mb_dense_sparse_update(const mb_layer *layer, const mb_layer_context *ctx);

#endif
