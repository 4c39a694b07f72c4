/* Common to the files of the convolution: its sizes, the processing of one sample, and its
 * implementations.
 *
 * A convolution multiplies, sample by sample, the windows of an image with its weights. K is a
 * group's input channels times the kernel's rows and columns. In NHWC: out (pixels, channels) =
 * windows (pixels, K) x W (K, channels). In NCHW, if a group has less than MB_LANES channels: out
 * (channels, pixels) = W (channels, K) x windows (K, pixels). BLAS is fast with long rows, so the
 * layer chooses the layout, and layer->out_format passes it to the next layer. */
#ifndef MB_NN_CONV2D_H
#define MB_NN_CONV2D_H

#include "nn/layer.h"

typedef struct mb_conv2d_config {
    mb_window window;   /* first, for mb_layer_window */
    size_t pool_offset; /* of the max pool that the layer computes, too (rewrite.h), in layers from
                         * this one on, whose copy has a copy of the pool; 0: none */
} mb_conv2d_config;

/* Sizes that follow from a layer. */
typedef struct mb_conv2d_size {
    size_t groups, channels, units; /* channels of input and output, of a group */
    size_t window;                  /* K */
    size_t rows, columns;           /* of the padded image */
    size_t out_rows, out_columns, out_pixels;
    size_t block_rows; /* rows of outputs whose windows are multiplied at once */
    size_t weights;    /* elements, of all groups */
} mb_conv2d_size;

mb_conv2d_size mb_conv2d_size_of(const mb_layer *layer);

static inline const mb_layer *mb_conv2d_pool(const mb_layer *layer)
{
    const size_t offset = ((const mb_conv2d_config *)layer->config)->pool_offset;
    return offset > 0 ? layer + offset : NULL;
}

/* True if the layer's layout is not that of its input. */
static inline bool mb_conv2d_transposes(const mb_layer *layer)
{
    return layer->in.channels > 1 && layer->in_format.layout != layer->out_format.layout;
}

/* Elements from a pixel to the next in NHWC, for implementations that pad pixels: whole half
 * vectors if the image must be transposed anyway. */
static inline size_t mb_conv2d_pixel_stride(const mb_layer *layer)
{
    const size_t channels = layer->in.channels;
    return mb_conv2d_transposes(layer) && mb_layer_window(layer)->padding == 0
               ? (channels + MB_HALF - 1) / MB_HALF * MB_HALF
               : channels;
}

/* One sample on its way through a convolution, or several whose elements follow each other. */
typedef struct mb_conv2d_pass {
    const mb_layer *layer;
    const mb_kernels *kernels;
    const mb_conv2d_size *size;
    const float *weights, *bias; /* the layer's, or with a batch normalisation folded in */
    const float *transposed;     /* weights as mb_conv2d_impl.transpose has written them */
    size_t samples;              /* 1, unless the implementation takes whole chunks */
    const float *image;          /* in the layer's layout, padded unless of whole chunks */
    size_t padding;              /* of the image: on each side */
    bool in_place;               /* the image is the layer's input, and d_image its gradient */
    size_t pixel_stride;         /* in NHWC: from a pixel of the image to the next */
    float *out;                  /* forward; with forward_pooled of the pool */
    int32_t *argmax;             /* of the pool; NULL in evaluation */

    /* Backward: adds to the gradient of the image, unless that is NULL, and to that of weights and
     * biases of the sample's chunk. */
    const float *d_out; /* with a pool: of its outputs */
    float *d_image;
    float *gradient;   /* (weights, then biases) */
    float *chunk_sums; /* of the chunk, mb_conv2d_impl.chunk_size elements */
    bool first, last;  /* of the chunk's samples */

    /* The thread's scratch. */
    float *windows, *d_windows; /* of a block */
    uint32_t *pixels, *marks;   /* (pixels of out), (columns of the padded image) */
    mb_nonzero_grad *nonzeros;  /* (pixels of the pool's output + MB_HALF) */
    uint32_t *offsets;          /* (window of the pool) */
    float *scratch;             /* mb_conv2d_impl.scratch_size elements */
} mb_conv2d_pass;

/* Offset of a group's weights. */
static inline size_t mb_conv2d_group_offset(const mb_conv2d_size *size, size_t group)
{
    return group * size->units * size->window;
}

/* One way to compute. Functions that an implementation does not have are NULL: another one's are
 * used. */
typedef struct mb_conv2d_impl {
    const char *name;
    bool pads_pixels;  /* its images have mb_conv2d_pixel_stride */
    bool whole_chunks; /* takes the samples of a chunk at once, in the layer's layout, not padded */
    bool in_training;  /* not in evaluation: forward needs pass->transposed */
    bool (*applies)(const mb_layer *layer);
    void (*forward)(const mb_conv2d_pass *pass);        /* out = W x windows + bias */
    bool (*pools)(const mb_layer *layer);               /* has the next for this layer */
    void (*forward_pooled)(const mb_conv2d_pass *pass); /* the pool's out, and argmax */
    void (*backward)(const mb_conv2d_pass *pass);

    /* What training needs: weights transposed once per step, group by group, into transposed_size
     * elements, if the input has a gradient; chunk_size elements per chunk, and scratch_size per
     * thread. */
    size_t (*transposed_size)(const mb_layer *layer);
    void (*transpose)(const mb_layer *layer, const mb_kernels *kernels, size_t group,
                      float *transposed);
    size_t (*chunk_size)(const mb_layer *layer);
    size_t (*scratch_size)(const mb_layer *layer);
} mb_conv2d_impl;

extern const mb_conv2d_impl mb_conv2d_sparse_grad, mb_conv2d_winograd, mb_conv2d_direct_nchw,
    mb_conv2d_direct_nhwc, mb_conv2d_im2col_nchw, mb_conv2d_im2col_nhwc;

/* The first implementation of the list that applies and has forward, in training or in evaluation,
 * or backward. */
const mb_conv2d_impl *mb_conv2d_forward_impl(const mb_layer *layer, bool training);
const mb_conv2d_impl *mb_conv2d_backward_impl(const mb_layer *layer);

/* True if the layer computes the output of its pool without its own. */
bool mb_conv2d_pools(const mb_layer *layer);

/* Parts of the im2col implementations that others use: gradients of the biases, and of the image
 * unless pass->d_image is NULL. */
void mb_conv2d_nchw_grad_bias(const mb_conv2d_pass *pass);
void mb_conv2d_nhwc_grad_bias(const mb_conv2d_pass *pass);
void mb_conv2d_nchw_grad_image(const mb_conv2d_pass *pass);
void mb_conv2d_nhwc_grad_image(const mb_conv2d_pass *pass);
size_t mb_conv2d_nhwc_transposed_size(const mb_layer *layer);
void mb_conv2d_nhwc_transpose(const mb_layer *layer, const mb_kernels *kernels, size_t group,
                              float *transposed);

/* The rows of an image, from the first to the end, that must be multiplied. Rows above and below a
 * digit are blank, and so is padding. */
typedef struct mb_rows {
    size_t first, end;
} mb_rows;
mb_rows mb_conv2d_rows_to_do(const mb_conv2d_pass *pass);

/* The layer's phases (conv2d_phases.c). */
size_t mb_conv2d_workspace_size(const mb_layer *layer, size_t max_rows, bool training);
void mb_conv2d_prepare(const mb_layer *layer, const mb_layer_context *ctx);
void mb_conv2d_forward(const mb_layer *layer, const mb_layer_context *ctx);
void mb_conv2d_backward(const mb_layer *layer, const mb_layer_context *ctx);
void mb_conv2d_update(const mb_layer *layer, const mb_layer_context *ctx);

/* The output channel that weight `index` of the layer's parameters belongs to. */
size_t mb_conv2d_channel_of_weight(const mb_layer *layer, const mb_conv2d_size *size, size_t index);

#endif
