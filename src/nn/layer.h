/* What a layer is: a table of functions, and the description of one layer of one network. */
#ifndef MB_NN_LAYER_H
#define MB_NN_LAYER_H

#include "core/arena.h"
#include "nn/plan.h"

#include <mnist_blas/network.h>

typedef struct mb_layer mb_layer;

/* How a sample's numbers lie in memory: (rows, columns, channels), or with `planes` (channels,
 * rows, columns). What flatten made flat still lies as it lay. */
typedef struct mb_memory_format {
    mb_shape shape;
    bool planes, flat; /* flat: they are no image, or no longer one */
} mb_memory_format;

/* What slides over an image. */
typedef struct mb_window {
    size_t rows, columns, stride, padding, groups;
} mb_window;

/* Numbers of samples: (rows, columns) row-major, without gaps; how many rows, the user knows. With
 * `per_thread` there is one row a thread instead, a sample's while its tile runs: for what one
 * phase hands to the next, tile by tile. */
typedef struct mb_matrix {
    float *data;
    size_t columns;
    bool per_thread;
} mb_matrix;

/* Numbers from one thread's row to the next: they share no line. */
static inline size_t mb_per_thread_stride(size_t columns)
{
    return (columns + 2 * MB_LANES - 1) / MB_LANES * MB_LANES;
}

/* Where sample `row` is for the thread whose step this is. */
static inline float *mb_matrix_row(const mb_matrix *matrix, const mb_step *step, size_t row)
{
    return matrix->data + (matrix->per_thread ? step->worker * mb_per_thread_stride(matrix->columns)
                                              : row * matrix->columns);
}

/* What training adds to a network's parameters. Moments have the parameters' layout. */
typedef struct mb_trainable {
    float *m, *v; /* moments */
    mb_update_fn *optimizer_kernel;
    float *ema; /* running average of the parameters, NULL: none */
    void (*ema_update)(size_t n, float share, const float *from, float *to);
    uint64_t seed;          /* of dropout */
    double label_smoothing; /* of labels */
    const bool *finite;     /* false once a loss was not finite: then nothing is updated */
} mb_trainable;

/* A layer's place in one plan. */
typedef struct mb_layer_context {
    mb_plan *plan;
    mb_arena *arena; /* for ops; outlives the plan */
    const mb_kernels *kernels;
    const mb_sample_source *source; /* what the batch is gathered from */
    size_t rows;                    /* samples in the batch */
    mb_matrix in, out;      /* activations; in.data is NULL where the samples themselves come in */
    mb_matrix d_in, d_out;  /* gradients of the loss by them */
    const mb_layer *folded; /* the batchnorm2d that this layer does too, or NULL */
    float *workspace;       /* the layer's own, mb_layer_ops.workspace_size numbers */
    const mb_trainable *trainable; /* NULL when nothing is trained */
} mb_layer_context;

/* Layers append phases and never see threads. Functions that a layer does not need are NULL. */
typedef struct mb_layer_ops {
    const char *name;
    bool in_place;              /* out is the same matrix as in */
    bool accepts_sparse_input;  /* as the first layer it multiplies samples without their zeros */
    bool needs_image_input;     /* and nothing that is flat */
    bool reads_per_sample;      /* one phase reads in, and one d_out, each sample by sample */
    bool writes_per_sample;     /* out and d_in are written sample by sample, by the last phase */
    bool backward_needs_input;  /* what comes in is read again by backward or update */
    bool backward_needs_output; /* so is what goes out */
    size_t tensors;

    /* Reads the spec's part after the colon (NULL if there is none) and sets layer->out and
     * layer->parameter_count from layer->in, and layer->out_format where it is not that of what
     * comes in. MB_ERROR_INVALID with the reason alone as text. */
    mb_status (*configure)(mb_layer *layer, const char *argument, mb_error *error);

    /* Numbers that the layer keeps from phase to phase of a step of up to max_rows samples. */
    size_t (*workspace_size)(const mb_layer *layer, size_t max_rows, bool training);

    /* What forward needs once a step, besides what comes in; NULL: nothing. */
    mb_status (*prepare)(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error);
    mb_status (*forward)(const mb_layer *layer, const mb_layer_context *ctx,
                         mb_error *error); /* out */
    /* d_in, where it is wanted: ctx->d_in.data is NULL where samples come in; and what update
     * wants to find in `kept`. */
    mb_status (*backward)(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error);
    mb_status (*update)(const mb_layer *layer, const mb_layer_context *ctx,
                        mb_error *error); /* parameters */

    void (*initialise)(mb_layer *layer, uint64_t seed);
    mb_tensor_info (*tensor)(const mb_layer *layer, size_t index); /* name without the number */
    void (*get)(const mb_layer *layer, size_t index, float *values);
    void (*set)(mb_layer *layer, size_t index, const float *values);
    /* MB_ERROR_INVALID, with the reason alone as text, where these finite values cannot be the
     * tensor's; NULL: all can. */
    mb_status (*check)(const mb_layer *layer, size_t index, const float *values, mb_error *error);
    double (*flops)(const mb_layer *layer); /* of one sample's forward pass, 2 a multiply-add */
} mb_layer_ops;

struct mb_layer {
    const mb_layer_ops *ops;
    const char *argument; /* as in the spec; NULL: none */
    size_t position;      /* in the network, from 0 */
    size_t ordinal;       /* among the layers of its kind, from 1 */
    bool input_is_batch;  /* the samples themselves come in, which nothing may change in place */
    mb_shape in, out;
    mb_memory_format in_format, out_format;
    mb_window window; /* conv2d and pooling */
    double rate;      /* dropout */
    size_t marks;     /* of each channel's gradient at most so many are not 0; 0: any number */
    mb_tiling_rules rules;
    size_t parameter_count;  /* those that learn */
    size_t state_count;      /* numbers behind them that do not */
    size_t parameter_offset; /* into the network's parameters and its moments */
    float *parameters;
};

/* Numbers in one sample of this shape. */
static inline size_t mb_shape_size(mb_shape shape)
{
    return shape.channels * shape.rows * shape.columns;
}

/* Sets phase->name, which is what the layer does there ("forward"), to a whole name
 * ("dense1 forward") in ctx->arena, and appends the phase to ctx->plan. MB_ERROR_MEMORY. */
mb_status mb_layer_add_phase(const mb_layer *layer, const mb_layer_context *ctx, mb_phase *phase,
                             mb_error *error);

/* The name of what comes in, for mb_use, and sample `row` of it: activations, or the samples
 * themselves as dense rows. */
static inline const void *mb_layer_input(const mb_layer_context *ctx)
{
    return ctx->in.data != NULL ? (const void *)ctx->in.data : &mb_batch_rows;
}

static inline const float *mb_layer_input_row(const mb_layer_context *ctx, const mb_step *step,
                                              size_t row)
{
    return ctx->in.data != NULL ? mb_matrix_row(&ctx->in, step, row)
                                : step->batch->x + row * ctx->in.columns;
}

extern const mb_layer_ops mb_dense_ops, mb_relu_ops, mb_conv2d_ops, mb_maxpool2d_ops,
    mb_avgpool2d_ops, mb_globalavgpool_ops, mb_batchnorm2d_ops, mb_dropout_ops, mb_flatten_ops;

#endif
