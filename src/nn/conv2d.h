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
    mb_window window; /* first, for mb_layer_window */
    /* Upper bound on the non-zeros per channel of d_out if it is finite, from a max pool after the
     * layer; 0: unknown. */
    size_t max_nonzeros;
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

/* One sample on its way through a convolution. */
typedef struct mb_conv2d_pass {
    const mb_layer *layer;
    const mb_kernels *kernels;
    const mb_conv2d_size *size;
    const float *weights, *bias; /* the layer's, or with a batch normalisation folded in */
    const float *transposed;     /* weights as mb_conv2d_impl.transpose has written them */
    const float *image;          /* padded, in the layer's layout */
    float *out;                  /* forward */

    /* Backward: adds to the gradient of the image, unless that is NULL, and to that of weights and
     * biases of the sample's chunk. */
    const float *d_out;
    float *d_image;
    float *gradient;   /* (weights, then biases) */
    float *chunk_sums; /* of the chunk, mb_conv2d_impl.chunk_size elements */
    bool first, last;  /* of the chunk's samples */

    /* The thread's scratch. */
    float *windows, *d_windows; /* of a block */
    uint32_t *pixels, *marks;   /* (pixels of out), (columns of the padded image) */
    mb_nonzero_grad *nonzeros;  /* (pixels of d_out + 1) */
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
    bool (*applies)(const mb_layer *layer);
    void (*forward)(const mb_conv2d_pass *pass); /* out = W x windows + bias */
    void (*backward)(const mb_conv2d_pass *pass);

    /* What backward needs: weights transposed once per step, group by group, into transposed_size
     * elements, if the input has a gradient; and chunk_size elements per chunk. */
    size_t (*transposed_size)(const mb_layer *layer);
    void (*transpose)(const mb_layer *layer, const mb_kernels *kernels, size_t group,
                      float *transposed);
    size_t (*chunk_size)(const mb_layer *layer);
} mb_conv2d_impl;

extern const mb_conv2d_impl mb_conv2d_sparse_grad, mb_conv2d_direct_nchw, mb_conv2d_direct_nhwc,
    mb_conv2d_im2col_nchw, mb_conv2d_im2col_nhwc;

/* The first implementation of the list that applies and has forward, or backward. */
const mb_conv2d_impl *mb_conv2d_forward_impl(const mb_layer *layer);
const mb_conv2d_impl *mb_conv2d_backward_impl(const mb_layer *layer);

/* Parts of the im2col implementations that others use: gradients of the biases, and of the image
 * unless pass->d_image is NULL. */
void mb_conv2d_nchw_grad_bias(const mb_conv2d_pass *pass);
void mb_conv2d_nhwc_grad_bias(const mb_conv2d_pass *pass);
void mb_conv2d_nchw_grad_image(const mb_conv2d_pass *pass);
void mb_conv2d_nhwc_grad_image(const mb_conv2d_pass *pass);
size_t mb_conv2d_nhwc_transposed_size(const mb_layer *layer);
void mb_conv2d_nhwc_transpose(const mb_layer *layer, const mb_kernels *kernels, size_t group,
                              float *transposed);

/* The layer's phases (conv2d_phases.c). */
size_t mb_conv2d_workspace_size(const mb_layer *layer, size_t max_rows, bool training);
void mb_conv2d_prepare(const mb_layer *layer, const mb_layer_context *ctx);
void mb_conv2d_forward(const mb_layer *layer, const mb_layer_context *ctx);
void mb_conv2d_backward(const mb_layer *layer, const mb_layer_context *ctx);
void mb_conv2d_update(const mb_layer *layer, const mb_layer_context *ctx);

/* The output channel that weight `index` of the layer's parameters belongs to. */
size_t mb_conv2d_channel_of_weight(const mb_layer *layer, const mb_conv2d_size *size, size_t index);

#endif
