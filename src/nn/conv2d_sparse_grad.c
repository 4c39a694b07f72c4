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

static void transpose_sums(const mb_conv2d_pass *p)
{
    const mb_layer *layer = p->layer;
    const size_t units = p->size->units, elements = row_elements(layer);
    const float *sums = p->chunk_sums;
    for (size_t unit = 0; unit < units; unit++)
        for (size_t y = 0; y < mb_layer_window(layer)->rows; y++, sums += row_stride(layer))
            for (size_t i = 0; i < elements; i++)
                p->gradient[(y * elements + i) * units + unit] = sums[i];
}

static void backward(const mb_conv2d_pass *p)
{
    const mb_layer *layer = p->layer;
    const mb_conv2d_size *s = p->size;
    const mb_window *window = mb_layer_window(layer);
    const size_t rows = window->rows, vectors = row_stride(layer) / MB_LANES;
    const size_t stride = unit_stride(layer), channels = layer->in.channels;
    const mb_grad_plane grads = {.rows = s->out_rows,
                                 .columns = s->out_columns,
                                 .stride = s->units,
                                 .row_offset = window->stride * s->columns * channels,
                                 .column_offset = window->stride * channels};
    if (p->first)
        memset(p->chunk_sums, 0, s->units * stride * sizeof *p->chunk_sums);
    mb_conv2d_nhwc_grad_bias(p);
    for (size_t unit = 0; unit < s->units; unit++) {
        const size_t count = p->kernels->find_nonzero_grads(&grads, p->d_out + unit, p->nonzeros);
        p->kernels->accumulate_windows(count, p->nonzeros, rows, vectors, p->image,
                                       s->columns * channels, p->chunk_sums + unit * stride);
        if (p->d_image != NULL)
            p->kernels->scatter_windows(count, p->nonzeros, rows, vectors,
                                        p->transposed + unit * stride, p->d_image,
                                        s->columns * channels);
    }
    if (p->last)
        transpose_sums(p);
}

const mb_conv2d_impl mb_conv2d_sparse_grad = {.name = "sparse_grad",
                                              .applies = applies,
                                              .backward = backward,
                                              .transposed_size = all_units,
                                              .transpose = transpose,
                                              .chunk_size = all_units};
