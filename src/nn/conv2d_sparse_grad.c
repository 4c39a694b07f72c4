/* The backward pass of a convolution before a max pool: one element of each of the pool's windows
 * has a gradient, so most of d_out is 0 and is skipped. In NHWC, without groups.
 *
 * Each unit has a list of the pixels where it has a gradient. The gradient of its weights is the
 * sum of the image's windows at these pixels, and each adds the unit's weights to the gradient of
 * the image where its window is. Weights and sums are (units, rows of the kernel, elements padded
 * to whole vectors); the sums are transposed after the last sample of a chunk. */
#include "nn/conv2d.h"

#include <string.h>

static bool applies(const mb_layer *layer)
{
    return ((const mb_conv2d_config *)layer->config)->max_nonzeros > 0 &&
           layer->out_format.layout == MB_LAYOUT_NHWC && mb_layer_window(layer)->groups == 1;
}

/* Elements of a row of a window, and padded to whole vectors. */
static size_t row_elements(const mb_layer *layer)
{
    return mb_layer_window(layer)->columns * layer->in.channels;
}

static size_t row_stride(const mb_layer *layer) { return mb_pad_to_lanes(row_elements(layer)); }

static size_t unit_stride(const mb_layer *layer)
{
    return mb_layer_window(layer)->rows * row_stride(layer);
}

static size_t all_units(const mb_layer *layer) { return layer->out.channels * unit_stride(layer); }

static void transpose(const mb_layer *layer, const mb_kernels *kernels, size_t group,
                      float *transposed)
{
    (void)group; /* the only one */
    const size_t elements = row_elements(layer), units = layer->out.channels;
    for (size_t y = 0; y < mb_layer_window(layer)->rows; y++)
        kernels->transpose(elements, units, layer->parameters + y * elements * units,
                           transposed + y * row_stride(layer), unit_stride(layer));
}

static void transpose_sums(const mb_conv2d_pass *pass)
{
    const mb_layer *layer = pass->layer;
    const size_t units = pass->size->units, elements = row_elements(layer);
    const float *sums = pass->chunk_sums;
    for (size_t unit = 0; unit < units; unit++)
        for (size_t y = 0; y < mb_layer_window(layer)->rows; y++, sums += row_stride(layer))
            for (size_t i = 0; i < elements; i++)
                pass->gradient[(y * elements + i) * units + unit] = sums[i];
}

static void backward(const mb_conv2d_pass *pass)
{
    const mb_layer *layer = pass->layer;
    const mb_conv2d_size *size = pass->size;
    const mb_window *window = mb_layer_window(layer);
    const size_t rows = window->rows, vectors = row_stride(layer) / MB_LANES;
    const size_t stride = unit_stride(layer), channels = layer->in.channels;
    const mb_grad_plane grads = {.rows = size->out_rows,
                                 .columns = size->out_columns,
                                 .stride = size->units,
                                 .row_offset = window->stride * size->columns * channels,
                                 .column_offset = window->stride * channels};
    if (pass->first)
        memset(pass->chunk_sums, 0, size->units * stride * sizeof *pass->chunk_sums);
    mb_conv2d_nhwc_grad_bias(pass);
    for (size_t unit = 0; unit < size->units; unit++) {
        const size_t count =
            pass->kernels->find_nonzero_grads(&grads, pass->d_out + unit, pass->nonzeros);
        pass->kernels->accumulate_windows(count, pass->nonzeros, rows, vectors, pass->image,
                                          size->columns * channels,
                                          pass->chunk_sums + unit * stride);
        if (pass->d_image != NULL)
            pass->kernels->scatter_windows(count, pass->nonzeros, rows, vectors,
                                           pass->transposed + unit * stride, pass->d_image,
                                           size->columns * channels);
    }
    if (pass->last)
        transpose_sums(pass);
}

const mb_conv2d_impl mb_conv2d_sparse_grad = {.name = "sparse_grad",
                                              .applies = applies,
                                              .backward = backward,
                                              .transposed_size = all_units,
                                              .transpose = transpose,
                                              .chunk_size = all_units};
