/* What a layer is: a table of functions, and the description of one layer of one network. */
#ifndef MB_NN_LAYER_H
#define MB_NN_LAYER_H

#include "core/arena.h"
#include "nn/plan.h"

#include <mnist_blas/network.h>

typedef struct mb_layer mb_layer;

/* (rows, columns) row-major without gaps; how many rows, the user knows. */
typedef struct mb_matrix {
    float *data;
    size_t columns;
} mb_matrix;

/* What training adds to a network's parameters. Moments have the parameters' layout. */
typedef struct mb_trainable {
    float *first, *second; /* moments */
    mb_update_fn *apply;
    const bool *healthy; /* false once a loss was not finite: then nothing is updated */
} mb_trainable;

/* A layer's place in one plan. */
typedef struct mb_site {
    mb_plan *plan;
    mb_arena *arena; /* for ops; outlives the plan */
    const mb_kernels *kernels;
    const mb_source *source; /* what the batch is gathered from */
    size_t rows;             /* samples in the batch */
    mb_matrix in, out;       /* activations; in.data is NULL where the samples themselves come in */
    mb_matrix d_in, d_out;   /* gradients of the loss by them */
    const mb_trainable *trainable; /* NULL when nothing is trained */
} mb_site;

/* Layers append phases and never see threads. Functions that a layer does not need are NULL. */
typedef struct mb_layer_ops {
    const char *name;
    bool in_place; /* out is the same matrix as in */
    size_t tensors;

    /* Reads the spec's part after the colon (NULL if there is none) and sets layer->out and
     * layer->parameter_count from layer->in. MB_INVALID with the reason alone as text. */
    mb_status (*configure)(mb_layer *layer, const char *argument, mb_error *error);

    mb_status (*forward)(const mb_layer *layer, const mb_site *site, mb_error *error);  /* out */
    mb_status (*backward)(const mb_layer *layer, const mb_site *site, mb_error *error); /* d_in */
    mb_status (*update)(const mb_layer *layer, const mb_site *site,
                        mb_error *error); /* parameters */

    void (*initialise)(mb_layer *layer, uint64_t seed);
    mb_tensor_info (*tensor)(const mb_layer *layer, size_t index); /* name without the number */
    void (*get)(const mb_layer *layer, size_t index, float *values);
    void (*set)(mb_layer *layer, size_t index, const float *values);
    double (*flops)(const mb_layer *layer); /* of one sample's forward pass, 2 a multiply-add */
} mb_layer_ops;

struct mb_layer {
    const mb_layer_ops *ops;
    size_t position; /* in the network, from 0 */
    size_t ordinal;  /* among the layers of its kind, from 1 */
    mb_shape in, out;
    mb_cut_rules rules;
    size_t parameter_count;
    size_t parameter_offset; /* into the network's parameters and its moments */
    float *parameters;
};

/* Numbers in one sample of this shape. */
static inline size_t mb_shape_size(mb_shape shape)
{
    return shape.channels * shape.rows * shape.columns;
}

/* Sets phase->name, which is what the layer does there ("forward"), to a whole name
 * ("dense1 forward") in site->arena, and appends the phase to site->plan. MB_MEMORY. */
mb_status mb_layer_add_phase(const mb_layer *layer, const mb_site *site, mb_phase *phase,
                             mb_error *error);

extern const mb_layer_ops mb_dense_ops, mb_relu_ops;

#endif
