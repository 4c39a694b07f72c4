/* Convolution by im2col: the windows of a block of rows of outputs are written out and multiplied
 * by BLAS, block after block. The layouts differ in the products. */
#ifndef MB_NN_CONV2D_IM2COL_H
#define MB_NN_CONV2D_IM2COL_H

#include "nn/conv2d.h"

/* A block of rows of outputs of a sample, and one group of channels. */
typedef struct mb_conv2d_block {
    size_t group, row, rows, pixels;
} mb_conv2d_block;

typedef void mb_conv2d_block_fn(const mb_conv2d_pass *pass, const mb_conv2d_block *block);

typedef struct mb_conv2d_products {
    /* Writes pass->windows from the image, or adds pass->d_windows to the image's gradient. */
    void (*copy_windows)(const mb_conv2d_pass *pass, const mb_conv2d_block *block, bool back);
    mb_conv2d_block_fn *fill_bias;    /* the biases into the block's outputs of all groups */
    mb_conv2d_block_fn *forward;      /* out += W x windows */
    mb_conv2d_block_fn *grad_weights; /* adds d_out x windows to the gradient */
    mb_conv2d_block_fn *grad_windows; /* pass->d_windows = W x d_out */
} mb_conv2d_products;

void mb_conv2d_im2col_forward(const mb_conv2d_pass *pass, const mb_conv2d_products *products);
void mb_conv2d_im2col_grad_weights(const mb_conv2d_pass *pass, const mb_conv2d_products *products);
void mb_conv2d_im2col_grad_image(const mb_conv2d_pass *pass, const mb_conv2d_products *products);

/* ---- background (conv2d_background.c) ---- */

/* The output pixels that must be computed, in ascending order; all except the first whose window
 * is background, at index `background`, have a window that is not. */
typedef struct mb_conv2d_list {
    uint32_t *pixels;
    size_t count, background;
} mb_conv2d_list;

mb_conv2d_list mb_conv2d_list_windows(const mb_conv2d_pass *pass);

/* out (pixels, units) = the outputs of the listed pixels, which are at its start, and those of the
 * background at all other pixels. */
void mb_conv2d_expand(const mb_conv2d_list *list, size_t pixels, size_t units, float *out);

#endif
