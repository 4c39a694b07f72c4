/* The backward pass of a convolution and the max pool after it: one element of each of the pool's
 * windows has a gradient, and none if ReLU has cut it off. All others are skipped. Without groups.
 *
 * Each unit has a list of the pixels where it has a gradient. The gradient of its weights is the
 * sum of the image's windows at these pixels, and each adds the unit's weights to the gradient of
 * the image where its window is. Weights and sums are (units, slices, rows of the kernel, elements
 * padded to whole half vectors); the sums become a gradient after the last sample of a chunk. */
#include "nn/conv2d.h"

#include <string.h>

static bool applies(const mb_layer *layer) { return mb_conv2d_pool(layer) != NULL; }

static bool is_nchw(const mb_layer *layer) { return layer->out_format.layout == MB_LAYOUT_NCHW; }

/* Slices of an image: one per channel in NCHW, a single one of all channels in NHWC. */
static size_t slice_count(const mb_layer *layer) { return is_nchw(layer) ? layer->in.channels : 1; }

/* Elements from a pixel of a slice to the next. */
static size_t pixel_stride(const mb_layer *layer)
{
    return is_nchw(layer) ? 1 : mb_conv2d_pixel_stride(layer);
}

/* Half vectors in a row of a window, and elements of a row, a slice and a unit's slices. */
static size_t row_halves(const mb_layer *layer)
{
    return (mb_layer_window(layer)->columns * pixel_stride(layer) + MB_HALF - 1) / MB_HALF;
}

static size_t row_elements(const mb_layer *layer) { return row_halves(layer) * MB_HALF; }

static size_t slice_elements(const mb_layer *layer)
{
    return mb_layer_window(layer)->rows * row_elements(layer);
}

static size_t unit_elements(const mb_layer *layer)
{
    return slice_count(layer) * slice_elements(layer);
}

static size_t all_units(const mb_layer *layer)
{
    return layer->out.channels * unit_elements(layer);
}

/* ---- weights and sums: from the layer's order and back ---- */

/* In NCHW a row of a window is contiguous in both. */
static void copy_nchw(const mb_layer *layer, float *own, float *units, bool back)
{
    const size_t columns = mb_layer_window(layer)->columns, padded = row_elements(layer);
    for (size_t done = 0; done < all_units(layer); done += padded, own += columns)
        memcpy(back ? own : units + done, back ? units + done : own, columns * sizeof *own);
}

/* Without a gap between pixels, a row of a window is transposed at once. */
static void transpose_nhwc(const mb_layer *layer, const mb_kernels *kernels, float *own,
                           float *units, bool back)
{
    const mb_window *window = mb_layer_window(layer);
    const size_t channels = layer->in.channels, count = layer->out.channels;
    const size_t stride = pixel_stride(layer), unit = unit_elements(layer);
    const size_t at_once = stride == channels ? window->columns : 1, rows = at_once * channels;
    for (size_t y = 0; y < window->rows; y++)
        for (size_t x = 0; x < window->columns; x += at_once, own += rows * count) {
            float *to = units + y * row_elements(layer) + x * stride;
            if (back)
                kernels->transpose(count, rows, to, unit, own, count);
            else
                kernels->transpose(rows, count, own, count, to, unit);
        }
}

static void transpose(const mb_layer *layer, const mb_kernels *kernels, size_t group,
                      float *transposed)
{
    (void)group; /* the only one */
    memset(transposed, 0, all_units(layer) * sizeof *transposed);
    if (is_nchw(layer))
        copy_nchw(layer, layer->parameters, transposed, false);
    else
        transpose_nhwc(layer, kernels, layer->parameters, transposed, false);
}

static void store_sums(const mb_conv2d_pass *pass)
{
    if (is_nchw(pass->layer))
        copy_nchw(pass->layer, pass->gradient, pass->chunk_sums, true);
    else
        transpose_nhwc(pass->layer, pass->kernels, pass->gradient, pass->chunk_sums, true);
}

/* ---- backward ---- */

static void add_biases(const mb_conv2d_pass *pass)
{
    const size_t units = pass->layer->out.channels;
    const mb_shape out = mb_conv2d_pool(pass->layer)->out;
    float *gradient = pass->gradient + pass->size->weights;
    if (is_nchw(pass->layer))
        pass->kernels->sum_rows(units, out.rows * out.columns, pass->d_out, out.rows * out.columns,
                                gradient);
    else
        pass->kernels->add_rows(out.rows * out.columns, units, pass->d_out, units, gradient);
}

/* The outputs of the pool whose gradients are listed, and where: those of whole rows. */
typedef struct listing {
    mb_grad_plane plane;
    size_t unit_stride, first; /* of the pool's outputs, in elements */
    size_t image;              /* offset of the first row's windows */
} listing;

/* Rows of the pool's outputs whose windows are blank are left out. Fills pass->offsets. */
static listing listing_of(const mb_conv2d_pass *pass)
{
    const mb_layer *layer = pass->layer, *pool = mb_conv2d_pool(layer);
    const mb_window *window = mb_layer_window(layer), *pooled = mb_layer_window(pool);
    const size_t pixel = window->stride * pixel_stride(layer), row = pixel * pass->size->columns;
    for (size_t i = 0; i < pooled->rows * pooled->columns; i++)
        pass->offsets[i] = (uint32_t)(i / pooled->columns * row + i % pooled->columns * pixel);
    const mb_rows rows = mb_conv2d_rows_to_do(pass);
    const size_t stride = pooled->stride * window->stride;
    const size_t height = (pooled->rows - 1) * window->stride + window->rows;
    size_t first = 0, end = pool->out.rows;
    while (first < end && first * stride + height <= rows.first)
        first++;
    while (first < end && (end - 1) * stride >= rows.end)
        end--;
    const size_t units = layer->out.channels, pixels = pool->out.rows * pool->out.columns;
    const bool nchw = is_nchw(layer);
    return (listing){.plane = {.rows = end - first,
                               .columns = pool->out.columns,
                               .window = pooled->rows * pooled->columns,
                               .stride = nchw ? 1 : units,
                               .row_offset = pooled->stride * row,
                               .column_offset = pooled->stride * pixel},
                     .unit_stride = nchw ? pixels : 1,
                     .first = first * pool->out.columns * (nchw ? 1 : units),
                     .image = first * pooled->stride * row};
}

static void add_unit(const mb_conv2d_pass *pass, const listing *list, size_t unit)
{
    const mb_layer *layer = pass->layer;
    const size_t rows = mb_layer_window(layer)->rows, halves = row_halves(layer);
    const size_t slice = pass->size->rows * pass->size->columns, slices = slice_count(layer);
    const size_t row = pass->size->columns * pixel_stride(layer);
    const size_t at = list->first + unit * list->unit_stride;
    const size_t count = pass->kernels->find_nonzero_grads(
        &list->plane, pass->offsets, pass->argmax + at, pass->d_out + at, pass->nonzeros);
    for (size_t i = 0; i < slices; i++) {
        const size_t window = unit * unit_elements(layer) + i * slice_elements(layer);
        const size_t image = list->image + i * slice;
        pass->kernels->accumulate_windows(count, pass->nonzeros, rows, halves, pass->image + image,
                                          row, pass->chunk_sums + window);
        if (pass->d_image != NULL)
            pass->kernels->scatter_windows(count, pass->nonzeros, rows, halves,
                                           pass->transposed + window, pass->d_image + image, row);
    }
}

static void backward(const mb_conv2d_pass *pass)
{
    const listing list = listing_of(pass);
    if (pass->first)
        memset(pass->chunk_sums, 0, all_units(pass->layer) * sizeof *pass->chunk_sums);
    add_biases(pass);
    for (size_t unit = 0; unit < pass->layer->out.channels; unit++)
        add_unit(pass, &list, unit);
    if (pass->last)
        store_sums(pass);
}

const mb_conv2d_impl mb_conv2d_sparse_grad = {.name = "sparse_grad",
                                              .pads_pixels = true,
                                              .applies = applies,
                                              .backward = backward,
                                              .transposed_size = all_units,
                                              .transpose = transpose,
                                              .chunk_size = all_units};
