/* What the files of the convolution share: sizes, where its parameters are, and how images come in
 * and go out.
 *
 * A convolution multiplies, sample by sample, the windows of an image with its weights. There are
 * two forms. By pixels: out (pixels, channels) = windows (pixels, K) x W (K, channels), images
 * channels last. By planes, where a group has less than a cache line of channels: out (channels,
 * pixels) = W (channels, K) x windows (K, pixels), images channels first. K is a group's input
 * channels times the kernel's rows and columns. Long rows of numbers are what OpenBLAS is quick
 * with, so the form is the layer's choice, and mb_memory_format tells the next layer.
 *
 * Windows are written out for OpenBLAS (im2col) where there are many channels. Where there are few,
 * our own kernels multiply the image's numbers where they lie (sweeps); and where most of a
 * gradient is 0, because a max pool gave it, only the rest is multiplied (picks). */
#ifndef MB_NN_CONV2D_H
#define MB_NN_CONV2D_H

#include "nn/layer.h"

/* Sizes, worked out from a layer. */
typedef struct mb_conv2d_size {
    size_t groups, channels, units; /* channels in and out, of a group */
    size_t window;                  /* numbers in a window of a group: K */
    size_t rows, columns;           /* of the padded image */
    size_t out_rows, out_columns, out_pixels;
    size_t block_rows; /* rows of outputs whose windows are multiplied at once */
    size_t weights;
    size_t turned_row; /* from one unit's weights to the next where they are turned */
} mb_conv2d_size;

typedef struct mb_conv2d_op {
    const mb_layer *layer;
    mb_layer_context ctx;
    mb_tiling tiling;
    mb_conv2d_size size;
    const float *weights, *bias; /* of the layer, or folded with what comes behind it */
    float *partials, *unit_sums; /* in training: see mb_conv2d_partial, mb_conv2d_unit_sums */
} mb_conv2d_op;

mb_conv2d_size mb_conv2d_size_of(const mb_layer *layer);

/* A group's weights in the layer's parameters. */
static inline size_t mb_conv2d_group(const mb_conv2d_size *size, size_t group)
{
    return group * size->units * size->window;
}

/* A thread's room for one sample. */
typedef struct mb_conv2d_scratch {
    float *image;   /* padded, in the layer's form */
    float *d_image; /* its gradient */
    float *turned;  /* an image without padding, in the other form */
    float *windows, *d_windows;
    mb_nonzero_grad *picks; /* of a unit: (marks + 1) */
} mb_conv2d_scratch;

size_t mb_conv2d_scratch_bytes(const mb_layer *layer);
mb_conv2d_scratch mb_conv2d_scratch_of(const mb_conv2d_op *op, void *scratch);

/* The sample's image, padded and in the layer's form: in the room, or where it is if it need not
 * be changed. */
const float *mb_conv2d_load(const mb_conv2d_op *op, const float *image,
                            const mb_conv2d_scratch *room);

/* Where the gradient of the sample's image is to be added up, set to 0; and what brings it to
 * where it belongs. */
float *mb_conv2d_begin(const mb_conv2d_op *op, float *d_image, const mb_conv2d_scratch *room);
void mb_conv2d_store(const mb_conv2d_op *op, const float *d, float *d_image,
                     const mb_conv2d_scratch *room);

/* The partial gradient that a tile adds to: (weights, then biases), 0 at the first of a chunk. */
float *mb_conv2d_partial(const mb_conv2d_op *op, size_t tile);

/* The weights of a group turned, (units, turned_row), for the gradient of the input, by pixels. */
const float *mb_conv2d_turned_weights(const mb_conv2d_op *op, size_t group);

/* A block of rows of outputs of a sample, and the group that is looked at. */
typedef struct mb_conv2d_block {
    size_t group, row, rows, pixels;
} mb_conv2d_block;

/* What the two forms do differently. */
typedef struct mb_conv2d_form {
    /* The windows of a block, one after another; and their gradients added to the image's. */
    void (*windows)(const mb_conv2d_op *op, const mb_conv2d_block *block, const float *image,
                    float *windows);
    void (*windows_back)(const mb_conv2d_op *op, const mb_conv2d_block *block,
                         const float *d_windows, float *d_image);

    /* Biases into the block's outputs of all groups; and the sums of d_out over all pixels. */
    void (*fill)(const mb_conv2d_op *op, const mb_conv2d_block *block, float *out);
    void (*sum)(const mb_conv2d_op *op, const float *d_out, float *sums);

    /* The three products, all of which add, but for d_windows. */
    void (*multiply)(const mb_conv2d_op *op, const mb_conv2d_block *block, const float *windows,
                     float *out);
    void (*d_weights)(const mb_conv2d_op *op, const mb_conv2d_block *block, const float *windows,
                      const float *d_out, float *gradient);
    void (*d_windows)(const mb_conv2d_op *op, const mb_conv2d_block *block, const float *d_out,
                      float *d_windows);
} mb_conv2d_form;

extern const mb_conv2d_form mb_conv2d_pixels, mb_conv2d_planes;

/* Whether the layer multiplies without windows being written out; then what it has of outputs, with
 * their biases, and what the sample adds to the gradient of the weights. */
bool mb_conv2d_sweeps(const mb_layer *layer);
void mb_conv2d_sweep_forward(const mb_conv2d_op *op, const float *image, float *out);
void mb_conv2d_sweep_gradient(const mb_conv2d_op *op, const float *image, const float *d_out,
                              float *gradient);

/* Whether the way back goes over the numbers of the gradient that are not 0. Then a unit's numbers,
 * weights or sums; the weights of all turned for that; where the sums of a tile's chunk are; and
 * the way: d_image NULL is not wanted. */
bool mb_conv2d_picks(const mb_layer *layer);
size_t mb_conv2d_unit_numbers(const mb_layer *layer);
void mb_conv2d_turn_units(const mb_conv2d_op *op, float *turned);
float *mb_conv2d_unit_sums(const mb_conv2d_op *op, size_t tile);
void mb_conv2d_picks_backward(const mb_conv2d_op *op, size_t tile, const float *image,
                              const float *d_out, float *d_image, const mb_conv2d_scratch *room);

/* The tiles of the layer's phases; each is one sample. */
mb_tile_fn mb_conv2d_run_forward, mb_conv2d_run_backward;

#endif
