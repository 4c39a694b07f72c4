/* Convolution without im2col: our kernel multiplies the image's elements in place. In
 * NCHW if rows of outputs fill vectors; in NHWC if there are few vectors of units, and writing out
 * each window would cost as much as multiplying it. The gradient of the image is im2col's. */
#include "nn/conv2d.h"

#include <string.h>

/* Maximum vectors of units for which direct convolution beats im2col with OpenBLAS, and vectors
 * that the kernel multiplies at once. */
enum { MAX_VECTORS = 3, VECTORS = 2 };

/* ---- NCHW ---- */

static bool nchw_applies(const mb_layer *layer)
{
    return layer->out_format.layout == MB_LAYOUT_NCHW && mb_layer_window(layer)->stride == 1 &&
           layer->out.columns >= MB_LANES;
}

static bool is_blank(const float *row, size_t columns)
{
    size_t nonzeros = 0;
    for (size_t i = 0; i < columns; i++)
        nonzeros += row[i] != 0.0f;
    return nonzeros == 0;
}

mb_rows mb_conv2d_rows_to_do(const mb_conv2d_pass *pass)
{
    const mb_conv2d_size *size = pass->size;
    mb_rows all = {0, size->rows};
    if (!pass->layer->input_is_batch || pass->layer->in.channels > 1)
        return all;
    while (all.end > 0 && is_blank(pass->image + (all.end - 1) * size->columns, size->columns))
        all.end--;
    while (all.first < all.end && is_blank(pass->image + all.first * size->columns, size->columns))
        all.first++;
    return all;
}

/* The rows that overlap `count` rows from `first` on; none if none does. */
static mb_rows overlap(mb_rows rows, size_t first, size_t count)
{
    const size_t end = first + count;
    const mb_rows both = {rows.first > first ? rows.first : first, rows.end < end ? rows.end : end};
    return both.first < both.end ? both : (mb_rows){first, first};
}

/* Each row of outputs is computed two vectors at a time. The last two end with the row: what they
 * share with the two before is computed twice. */
static void nchw_forward_group(const mb_conv2d_pass *pass, size_t group)
{
    const mb_conv2d_size *size = pass->size;
    const mb_window *window = mb_layer_window(pass->layer);
    const size_t channel = size->rows * size->columns, columns = size->out_columns;
    const size_t pair = columns < 2 * MB_LANES ? columns : 2 * MB_LANES;
    mb_direct_gemm gemm = {.count = {size->channels, window->rows, window->columns},
                           .a_stride = {window->rows * window->columns, window->columns, 1},
                           .b_stride = {channel, size->columns, 1},
                           .row_stride = size->window,
                           .vectors = columns > MB_LANES ? 2 : 1,
                           .vector_stride = pair - MB_LANES};
    const float *weights = pass->weights + mb_conv2d_group_offset(size, group);
    const mb_direct_init bias = {.values = pass->bias + group * size->units, .row_stride = 1};
    const mb_rows rows = mb_conv2d_rows_to_do(pass);
    const float *image = pass->image + group * size->channels * channel;
    float *out = pass->out + group * size->units * size->out_pixels;
    for (size_t y = 0; y < size->out_rows; y++) {
        const mb_rows here = overlap(rows, y, window->rows);
        gemm.count[1] = here.end - here.first;
        for (size_t x = 0; x < columns; x += 2 * MB_LANES) {
            const size_t from = x + pair <= columns ? x : columns - pair;
            pass->kernels->direct_gemm(&gemm, size->units,
                                       weights + (here.first - y) * window->columns,
                                       image + here.first * size->columns + from, bias,
                                       out + y * columns + from, size->out_pixels);
        }
    }
}

/* ---- with the pool ---- */

static bool nchw_pools(const mb_layer *layer)
{
    const mb_window *pool = mb_layer_window(mb_conv2d_pool(layer));
    return pool->rows == 2 && pool->columns == 2 && pool->stride == 2;
}

/* The columns of the pool's outputs whose windows are not blank. */
static mb_rows columns_to_do(const mb_conv2d_pass *pass, mb_rows rows)
{
    const mb_conv2d_size *size = pass->size;
    const size_t width = mb_layer_window(pass->layer)->columns;
    const size_t outputs = mb_conv2d_pool(pass->layer)->out.columns;
    if (!pass->layer->input_is_batch || pass->layer->in.channels > 1)
        return (mb_rows){0, outputs};
    uint32_t *marks = pass->marks;
    memset(marks, 0, size->columns * sizeof *marks);
    for (size_t y = rows.first; y < rows.end; y++)
        for (size_t x = 0; x < size->columns; x++)
            marks[x] |= pass->image[y * size->columns + x] != 0.0f;
    size_t first = 0, end = size->columns;
    while (end > 0 && marks[end - 1] == 0)
        end--;
    while (first < end && marks[first] == 0)
        first++;
    const size_t last = (end + 1) / 2;
    return (mb_rows){first < width ? 0 : (first - width + 1) / 2, last < outputs ? last : outputs};
}

/* Outputs of blank windows are the bias. */
static void fill_bias(const mb_conv2d_pass *pass, size_t pixels)
{
    for (size_t unit = 0; unit < pass->size->units; unit++)
        for (size_t i = 0; i < pixels; i++)
            pass->out[unit * pixels + i] = pass->bias[unit];
    if (pass->argmax != NULL)
        memset(pass->argmax, 0, pass->size->units * pixels * sizeof *pass->argmax);
}

static void nchw_forward_pooled(const mb_conv2d_pass *pass)
{
    const mb_conv2d_size *size = pass->size;
    const mb_window *window = mb_layer_window(pass->layer);
    const mb_shape out = mb_conv2d_pool(pass->layer)->out;
    const mb_rows rows = mb_conv2d_rows_to_do(pass), columns = columns_to_do(pass, rows);
    mb_direct_maxpool pooled = {.channels = size->channels,
                                .channel_stride = size->rows * size->columns,
                                .rows = window->rows,
                                .columns = window->columns,
                                .weight_stride = size->window,
                                .image_row = size->columns,
                                .outputs = columns.end - columns.first,
                                .unit_stride = out.rows * out.columns};
    fill_bias(pass, pooled.unit_stride);
    for (size_t y = 0; y < out.rows; y++) {
        /* Each row of a kernel meets two rows of the image. */
        const mb_rows here = overlap(rows, 2 * y, window->rows + 1);
        const size_t at = y * out.columns + columns.first, end = here.end - 2 * y;
        pooled.first = here.first > 2 * y ? here.first - 2 * y - 1 : 0;
        pooled.end = end < window->rows ? end : window->rows;
        if (here.first < here.end)
            pass->kernels->direct_maxpool(&pooled, size->units, pass->weights,
                                          pass->image + 2 * (y * size->columns + columns.first),
                                          pass->bias, pass->out + at,
                                          pass->argmax != NULL ? pass->argmax + at : NULL);
    }
}

static void nchw_grad_weights(const mb_conv2d_pass *pass, size_t group)
{
    const mb_conv2d_size *size = pass->size;
    const mb_window *window = mb_layer_window(pass->layer);
    const size_t channel_size = size->rows * size->columns;
    const mb_rows rows = mb_conv2d_rows_to_do(pass);
    const float *image = pass->image + group * size->channels * channel_size;
    const float *d_out = pass->d_out + group * size->units * size->out_pixels;
    float *gradient = pass->gradient + mb_conv2d_group_offset(size, group);
    for (size_t channel = 0; channel < size->channels; channel++)
        for (size_t row = 0; row < window->rows; row++, gradient += window->columns) {
            const mb_rows here = overlap(rows, row, size->out_rows);
            const mb_direct_grad grad = {here.end - here.first, size->out_columns, size->out_pixels,
                                         size->columns};
            pass->kernels->direct_grad_weights(
                &grad, size->units, window->columns, d_out + (here.first - row) * size->out_columns,
                image + channel * channel_size + here.first * size->columns, gradient,
                size->window);
        }
}

static void nchw_forward(const mb_conv2d_pass *pass)
{
    for (size_t group = 0; group < pass->size->groups; group++)
        nchw_forward_group(pass, group);
}

static void nchw_backward(const mb_conv2d_pass *pass)
{
    mb_conv2d_nchw_grad_bias(pass);
    for (size_t group = 0; group < pass->size->groups; group++)
        nchw_grad_weights(pass, group);
    mb_conv2d_nchw_grad_image(pass);
}

const mb_conv2d_impl mb_conv2d_direct_nchw = {.name = "direct_nchw",
                                              .applies = nchw_applies,
                                              .forward = nchw_forward,
                                              .pools = nchw_pools,
                                              .forward_pooled = nchw_forward_pooled,
                                              .backward = nchw_backward};

/* ---- NHWC ---- */

static bool nhwc_applies(const mb_layer *layer)
{
    const size_t units = layer->out.channels / mb_layer_window(layer)->groups;
    return layer->out_format.layout == MB_LAYOUT_NHWC && units % MB_LANES == 0 &&
           units <= MAX_VECTORS * MB_LANES;
}

/* A row of a window as columns of contiguous elements: without groups it is one. */
typedef struct window_row {
    size_t columns, elements;
} window_row;

static window_row window_row_of(const mb_conv2d_pass *pass)
{
    const mb_conv2d_size *size = pass->size;
    const size_t columns = mb_layer_window(pass->layer)->columns;
    return size->groups > 1 ? (window_row){columns, size->channels}
                            : (window_row){1, columns * size->channels};
}

/* The product for the next of `units` units that are left. */
static mb_direct_gemm with_vectors(mb_direct_gemm gemm, size_t units)
{
    gemm.vectors = units < VECTORS * MB_LANES ? 1 : VECTORS;
    gemm.vector_stride = MB_LANES;
    return gemm;
}

static void nhwc_forward_group(const mb_conv2d_pass *pass, size_t group)
{
    const mb_conv2d_size *size = pass->size;
    const mb_layer *layer = pass->layer;
    const mb_window *window = mb_layer_window(layer);
    const window_row row_of_window = window_row_of(pass);
    const size_t channels = layer->in.channels, row = size->columns * channels;
    const mb_direct_gemm gemm = {
        .count = {window->rows, row_of_window.columns, row_of_window.elements},
        .a_stride = {row, channels, 1},
        .b_stride = {row_of_window.columns * row_of_window.elements * size->units,
                     row_of_window.elements * size->units, size->units},
        .row_stride = window->stride * channels};
    const float *weights = pass->weights + mb_conv2d_group_offset(size, group);
    const float *image = pass->image + group * size->channels;
    float *out = pass->out + group * size->units;
    for (size_t unit = 0; unit < size->units; unit += VECTORS * MB_LANES) {
        const mb_direct_gemm some = with_vectors(gemm, size->units - unit);
        const mb_direct_init bias = {.values = pass->bias + group * size->units + unit,
                                     .per_lane = true};
        for (size_t y = 0; y < size->out_rows; y++)
            pass->kernels->direct_gemm(
                &some, size->out_columns, image + y * window->stride * row, weights + unit, bias,
                out + y * size->out_columns * layer->out.channels + unit, layer->out.channels);
    }
}

static void nhwc_grad_weights(const mb_conv2d_pass *pass, size_t group)
{
    const mb_conv2d_size *size = pass->size;
    const mb_window *window = mb_layer_window(pass->layer);
    const window_row row_of_window = window_row_of(pass);
    const size_t channels = pass->layer->in.channels, units = pass->layer->out.channels;
    const size_t row = size->columns * channels, stride = window->stride;
    const mb_direct_gemm gemm = {.count = {1, size->out_rows, size->out_columns},
                                 .a_stride = {0, stride * row, stride * channels},
                                 .b_stride = {0, size->out_columns * units, units},
                                 .row_stride = 1};
    float *gradient = pass->gradient + mb_conv2d_group_offset(size, group);
    const float *image = pass->image + group * size->channels,
                *d_out = pass->d_out + group * size->units;
    for (size_t y = 0; y < window->rows; y++)
        for (size_t x = 0; x < row_of_window.columns;
             x++, gradient += row_of_window.elements * size->units)
            for (size_t unit = 0; unit < size->units; unit += VECTORS * MB_LANES) {
                const mb_direct_gemm some = with_vectors(gemm, size->units - unit);
                const mb_direct_init sums = {gradient + unit, size->units, true};
                pass->kernels->direct_gemm(&some, row_of_window.elements,
                                           image + y * row + x * channels, d_out + unit, sums,
                                           gradient + unit, size->units);
            }
}

static void nhwc_forward(const mb_conv2d_pass *pass)
{
    for (size_t group = 0; group < pass->size->groups; group++)
        nhwc_forward_group(pass, group);
}

static void nhwc_backward(const mb_conv2d_pass *pass)
{
    mb_conv2d_nhwc_grad_bias(pass);
    for (size_t group = 0; group < pass->size->groups; group++)
        nhwc_grad_weights(pass, group);
    mb_conv2d_nhwc_grad_image(pass);
}

const mb_conv2d_impl mb_conv2d_direct_nhwc = {.name = "direct_nhwc",
                                              .applies = nhwc_applies,
                                              .forward = nhwc_forward,
                                              .backward = nhwc_backward,
                                              .transposed_size = mb_conv2d_nhwc_transposed_size,
                                              .transpose = mb_conv2d_nhwc_transpose};
