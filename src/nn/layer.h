/* Layers: a table of functions per kind, and the description of one layer of a network. */
#ifndef MB_NN_LAYER_H
#define MB_NN_LAYER_H

#include "core/arena.h"
#include "nn/plan.h"

#include <mnist_blas/network.h>

typedef struct mb_layer mb_layer;

/* Layout of a sample's elements in memory; images of a batch are NCHW. Flatten moves nothing:
 * `image` is then the shape before it, in which the elements are still ordered. */
typedef struct mb_memory_format {
    mb_shape image;
    mb_layout layout;
    bool flat; /* the values are not, or no longer, an image */
} mb_memory_format;

/* The kernel of a convolution or a pooling layer. */
typedef struct mb_window {
    size_t rows, columns, stride, padding, groups;
} mb_window;

/* (rows, columns) row-major without gaps; the caller tracks the number of rows. With `per_thread`
 * there is one row per thread instead, used for the sample whose tile runs: for values
 * that pass from one phase to the next, tile by tile, and are never stored. */
typedef struct mb_matrix {
    float *data;
    size_t columns;
    bool per_thread;
} mb_matrix;

/* Elements from one thread's row to the next, so that no two share a cache line. */
static inline size_t mb_per_thread_stride(size_t columns)
{
    return mb_pad_to_lanes(columns + MB_LANES);
}

/* The row of sample `row` for the thread whose step this is. */
static inline float *mb_matrix_row(const mb_matrix *matrix, const mb_step *step, size_t row)
{
    return matrix->data + (matrix->per_thread ? step->worker * mb_per_thread_stride(matrix->columns)
                                              : row * matrix->columns);
}

/* Training state of a network's parameters. m, v and ema have the parameters' layout. */
typedef struct mb_trainable {
    float *m, *v; /* first and second moment of the optimizer */
    mb_update_fn *optimizer_kernel;
    float *ema; /* exponential moving average of the parameters; NULL: none */
    void (*ema_update)(size_t n, float rate, const float *from, float *to);
    uint64_t seed; /* of dropout */
    double label_smoothing;
    const float *class_weights; /* (classes) in the loss; NULL: none */
    const bool *finite;         /* false after a loss that is not finite, which ends updates */
} mb_trainable;

/* A layer's place in one plan. */
typedef struct mb_layer_context {
    mb_plan *plan;
    mb_arena *arena; /* for ops; outlives the plan */
    const mb_kernels *kernels;
    const mb_batch *batch;
    size_t rows;       /* samples in the batch */
    size_t ranks;      /* that divide the plan */
    mb_matrix in, out; /* activations; in.data is NULL if the batch is sparse */
    /* Gradients of the loss with respect to in and out; d_in.data is NULL if it is not needed. */
    mb_matrix d_in, d_out;
    const mb_layer *batchnorm; /* folded into this layer, or NULL */
    /* The max pool that a convolution computes, too, with the pool's output and, in training, its
     * workspace; d_out is then the pool's. NULL: none. */
    const mb_layer *pool;
    mb_matrix pool_out;
    float *argmax;
    float *workspace;              /* the layer's own, mb_layer_ops.workspace_size elements */
    const mb_trainable *trainable; /* NULL in evaluation */
} mb_layer_context;

/* Computes (rows, columns) elements, rows `ld` apart; with mb_layer_ops.in_place `in` is `out`. */
typedef void mb_elementwise_forward_fn(const mb_kernels *kernels, size_t rows, size_t columns,
                                       const float *in, float *out, size_t ld);

/* d_in from d_out and `saved`, the input or the output of forward, whichever the layer's ops say
 * that backward needs; in place d_out is d_in. */
typedef void mb_elementwise_backward_fn(const mb_kernels *kernels, size_t rows, size_t columns,
                                        const float *saved, const float *d_out, float *d_in,
                                        size_t ld);

/* Layers append phases and never see threads. Functions that a layer does not need are NULL. */
typedef struct mb_layer_ops {
    const char *name;
    const char *syntax;         /* of its argument in a spec, as in "UNITS"; "": none */
    const char *help;           /* one line */
    bool in_place;              /* out is the same matrix as in, and d_out as d_in */
    bool accepts_sparse_input;  /* multiplies samples without their zeros as the first layer */
    bool needs_image_input;     /* input must not be flat */
    bool reads_per_sample;      /* one phase reads in, and one d_out, sample by sample */
    bool writes_per_sample;     /* out and d_in are written sample by sample, by the last phase */
    bool backward_needs_input;  /* backward or update reads in again */
    bool backward_needs_output; /* backward or update reads out again */
    bool commutes_with_maxpool; /* element by element and monotone: may run after a max pool */
    bool gives_logits;          /* may be the last layer */
    size_t tensors;

    /* Element-wise layers have these two and MB_ELEMENTWISE (elementwise.h). */
    mb_elementwise_forward_fn *elementwise_forward;
    mb_elementwise_backward_fn *elementwise_backward;

    /* Parses the spec's text after the colon (NULL if there is none) into layer->config, from the
     * arena, and sets layer->out and layer->parameter_count from layer->in, and layer->out_format
     * if it is not layer->in_format. MB_ERROR_INVALID with the reason alone as text;
     * MB_ERROR_MEMORY. */
    mb_status (*configure)(mb_layer *layer, const char *argument, mb_arena *arena, mb_error *error);

    /* Elements that the layer stores between the phases of a step of up to max_rows samples. */
    size_t (*workspace_size)(const mb_layer *layer, size_t max_rows, bool training);

    /* Append phases to ctx->plan: what forward needs once per step, besides its input; out; d_in,
     * and what update needs in the workspace; new parameters. */
    void (*prepare)(const mb_layer *layer, const mb_layer_context *ctx);
    void (*forward)(const mb_layer *layer, const mb_layer_context *ctx);
    void (*backward)(const mb_layer *layer, const mb_layer_context *ctx);
    void (*update)(const mb_layer *layer, const mb_layer_context *ctx);

    /* Where element `index` of a unit's weights is, counted as PyTorch does. Layers that have it,
     * and biases after all weights, have MB_WEIGHTS for initialise, get and set. */
    float *(*weight_at)(const mb_layer *layer, size_t unit, size_t index);

    void (*initialise)(mb_layer *layer, uint64_t seed);
    mb_tensor_info (*tensor)(const mb_layer *layer, size_t index); /* name without the position */
    void (*get)(const mb_layer *layer, size_t index, float *values);
    void (*set)(mb_layer *layer, size_t index, const float *values);
    /* MB_ERROR_INVALID, with the reason alone as text, if these finite values cannot be the
     * tensor's; NULL: all can. */
    mb_status (*check)(const mb_layer *layer, size_t index, const float *values, mb_error *error);
    double (*flops)(const mb_layer *layer); /* of one sample's forward pass, 2 per multiply-add */
} mb_layer_ops;

struct mb_layer {
    const mb_layer_ops *ops;
    const char *argument; /* as in the spec; NULL: none */
    void *config;         /* parsed from it, the kind's own type */
    size_t position;      /* in the network, from 0 */
    size_t ordinal;       /* among the layers of its kind, from 1 */
    bool input_is_batch;  /* the input is the batch itself, which must not be changed */
    mb_shape in, out;
    mb_memory_format in_format, out_format;
    mb_tiling_rules rules;
    size_t parameter_count;  /* trainable elements */
    size_t state_count;      /* elements after them that are not trained */
    size_t parameter_offset; /* in the network's parameters and its moments */
    float *parameters;
};

/* Elements of one sample of this shape. */
static inline size_t mb_shape_size(mb_shape shape)
{
    return shape.channels * shape.rows * shape.columns;
}

/* The window of a convolution or a pooling layer, which is the first member of its config. */
static inline const mb_window *mb_layer_window(const mb_layer *layer) { return layer->config; }

/* The op of every phase of layers. */
typedef struct mb_layer_op {
    const mb_layer *layer;
    mb_layer_context ctx;
    mb_tiling tiling;
    const void *data; /* the phase's own */
} mb_layer_op;

/* The uses of a phase: MB_USES(mb_reads(a), mb_writes_own(b)). */
typedef struct mb_uses {
    mb_use list[MB_MAX_USES];
} mb_uses;
#define MB_USES(...) ((mb_uses){{__VA_ARGS__}})

/* A use of a matrix of which each tile touches the part that the tiling gives to it. */
static inline mb_use mb_matrix_use(const mb_matrix *matrix, bool writes)
{
    return (mb_use){.buffer = matrix->data,
                    .writes = writes,
                    .own = true,
                    .part = {.row_bytes = matrix->columns * sizeof(float),
                             .column_bytes = matrix->per_thread ? 0 : sizeof(float)}};
}
static inline mb_use mb_reads_rows(const mb_matrix *matrix) { return mb_matrix_use(matrix, false); }
static inline mb_use mb_writes_rows(const mb_matrix *matrix) { return mb_matrix_use(matrix, true); }

/* A use of the layer's parameters, which a phase updates, those that `of_tile` says. */
static inline mb_use mb_updates(const mb_layer *layer, mb_tile_part part)
{
    return (mb_use){.buffer = layer->parameters, .writes = true, .persistent = true, .part = part};
}

/* Rows of the sample whose tile runs, of a phase that works sample by sample. */
static inline float *mb_tile_in(const mb_tile_args *args)
{
    return mb_matrix_row(&((const mb_layer_op *)args->op)->ctx.in, args->step, args->tile);
}

/* The part of a tile in a matrix of `columns` columns: all of them if tiles are of whole rows. */
static inline mb_tile mb_tile_part_in(const mb_tile_args *args, size_t columns)
{
    mb_tile part = args->part;
    if (mb_tiling_is_rows(((const mb_layer_op *)args->op)->tiling))
        part.columns = columns;
    return part;
}

static inline float *mb_tile_out(const mb_tile_args *args)
{
    return mb_matrix_row(&((const mb_layer_op *)args->op)->ctx.out, args->step, args->tile);
}

static inline float *mb_tile_d_in(const mb_tile_args *args)
{
    return mb_matrix_row(&((const mb_layer_op *)args->op)->ctx.d_in, args->step, args->tile);
}

static inline float *mb_tile_d_out(const mb_tile_args *args)
{
    return mb_matrix_row(&((const mb_layer_op *)args->op)->ctx.d_out, args->step, args->tile);
}

/* Appends a phase to ctx->plan, with an mb_layer_op of `data`. `name` is what the layer does there
 * ("forward") and becomes "dense1 forward"; without a layer it stays. `scratch` is in bytes per
 * thread. Running out of memory is recorded in the arena or the plan. */
void mb_layer_add_phase(const mb_layer *layer, const mb_layer_context *ctx, const char *name,
                        mb_tile_fn *run, mb_tiling tiling, mb_uses uses, size_t scratch,
                        const void *data);

/* The same of a phase of which each rank runs all tiles. */
void mb_layer_add_phase_on_each_rank(const mb_layer *layer, const mb_layer_context *ctx,
                                     const char *name, mb_tile_fn *run, mb_tiling tiling,
                                     mb_uses uses, size_t scratch, const void *data);

/* Updates `count` of the layer's parameters from index `first` on, with their moments and EMA, by
 * their `gradient` (count); with `decay` weight decay applies. Has no effect after a loss that is
 * not finite. The only place from which the optimizer is called. */
void mb_layer_update_parameters(const mb_layer_op *op, const mb_update *update, bool decay,
                                size_t first, size_t count, const float *gradient);

/* Parameters of a layer of units with one weight per input and a bias: tensor 0 is (units, inputs),
 * in more dimensions for a convolution, and tensor 1 (units). Weights are drawn unit by unit, from
 * He's uniform distribution, so that their order in memory changes nothing. */
void mb_weights_initialise(mb_layer *layer, uint64_t seed);
void mb_weights_get(const mb_layer *layer, size_t index, float *values);
void mb_weights_set(mb_layer *layer, size_t index, const float *values);
#define MB_WEIGHTS                                                                                 \
    .tensors = 2, .initialise = mb_weights_initialise, .get = mb_weights_get, .set = mb_weights_set

/* MB_ERROR_INVALID, with the reason alone as text: the layer would change the batch in place. */
mb_status mb_layer_check_not_first(const mb_layer *layer, mb_error *error);

/* MB_ERROR_INVALID, with the reason alone as text, if there is an argument. */
mb_status mb_layer_check_no_argument(const mb_layer *layer, const char *argument, mb_error *error);

extern const mb_layer_ops mb_dense_ops, mb_conv2d_ops, mb_maxpool2d_ops, mb_avgpool2d_ops,
    mb_globalavgpool_ops, mb_batchnorm2d_ops, mb_dropout_ops, mb_flatten_ops;

#endif
