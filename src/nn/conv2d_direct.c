/* Convolution without im2col: our kernel multiplies the image's elements in place. In
 * NCHW if rows of outputs fill vectors; in NHWC if there are few vectors of units, and writing out
 * each window would cost as much as multiplying it. The gradient of the image is im2col's. */
#include "nn/conv2d.h"

/* Maximum vectors of units for which direct convolution beats im2col with OpenBLAS, and vectors
 * that the kernel multiplies at once. */
enum { MAX_VECTORS = 3, VECTORS = 2 };

/* ---- NCHW ---- */

static bool nchw_applies(const mb_layer *layer)
{
    return layer->out_format.layout == MB_LAYOUT_NCHW && mb_layer_window(layer)->stride == 1 &&
           layer->out.columns >= MB_LANES;
}

/* Rows of an image, from the first to the end. */
typedef struct span {
    size_t first, end;
} span;

static bool is_blank(const float *row, size_t columns)
{
    size_t nonzeros = 0;
    for (size_t i = 0; i < columns; i++)
        nonzeros += row[i] != 0.0f;
    return nonzeros == 0;
}

/* The rows that must be multiplied. Rows above and below a digit are blank, and so is padding. */
static span rows_to_do(const mb_conv2d_pass *p)
{
    const mb_conv2d_size *s = p->size;
    span all = {0, s->rows};
    if (!p->layer->input_is_batch || p->layer->in.channels > 1)
        return all;
    while (all.end > 0 && is_blank(p->image + (all.end - 1) * s->columns, s->columns))
        all.end--;
    while (all.first < all.end && is_blank(p->image + all.first * s->columns, s->columns))
        all.first++;
    return all;
}

/* The rows that overlap `count` rows from `first` on; an empty span if none does. */
static span overlap(span rows, size_t first, size_t count)
{
    const size_t end = first + count;
    const span both = {rows.first > first ? rows.first : first, rows.end < end ? rows.end : end};
    return both.first < both.end ? both : (span){first, first};
}

/* Each row of outputs is computed two vectors at a time. The last two end with the row: what they
 * share with the two before is computed twice. */
static void nchw_forward_group(const mb_conv2d_pass *p, size_t group)
{
    const mb_conv2d_size *s = p->size;
    const mb_window *window = mb_layer_window(p->layer);
    const size_t channel = s->rows * s->columns, columns = s->out_columns;
    const size_t pair = columns < 2 * MB_LANES ? columns : 2 * MB_LANES;
    mb_direct_gemm gemm = {.count = {s->channels, window->rows, window->columns},
                           .a_stride = {window->rows * window->columns, window->columns, 1},
                           .b_stride = {channel, s->columns, 1},
                           .row_stride = s->window,
                           .vectors = columns > MB_LANES ? 2 : 1,
                           .vector_stride = pair - MB_LANES};
    const float *weights = p->weights + mb_conv2d_group_offset(s, group);
    const mb_direct_init bias = {.values = p->bias + group * s->units, .row_stride = 1};
    const span rows = rows_to_do(p);
    const float *image = p->image + group * s->channels * channel;
    float *out = p->out + group * s->units * s->out_pixels;
    for (size_t y = 0; y < s->out_rows; y++) {
        const span here = overlap(rows, y, window->rows);
        gemm.count[1] = here.end - here.first;
        for (size_t x = 0; x < columns; x += 2 * MB_LANES) {
            const size_t from = x + pair <= columns ? x : columns - pair;
            p->kernels->direct_gemm(&gemm, s->units, weights + (here.first - y) * window->columns,
                                    image + here.first * s->columns + from, bias,
                                    out + y * columns + from, s->out_pixels);
        }
    }
}

static void nchw_grad_weights(const mb_conv2d_pass *p, size_t group)
{
    const mb_conv2d_size *s = p->size;
    const mb_window *window = mb_layer_window(p->layer);
    const size_t channel_size = s->rows * s->columns;
    const span rows = rows_to_do(p);
    const float *image = p->image + group * s->channels * channel_size;
    const float *d_out = p->d_out + group * s->units * s->out_pixels;
    float *gradient = p->gradient + mb_conv2d_group_offset(s, group);
    for (size_t channel = 0; channel < s->channels; channel++)
        for (size_t row = 0; row < window->rows; row++, gradient += window->columns) {
            const span here = overlap(rows, row, s->out_rows);
            const mb_direct_grad grad = {here.end - here.first, s->out_columns, s->out_pixels,
                                         s->columns};
            p->kernels->direct_grad_weights(
                &grad, s->units, window->columns, d_out + (here.first - row) * s->out_columns,
                image + channel * channel_size + here.first * s->columns, gradient, s->window);
        }
}

static void nchw_forward(const mb_conv2d_pass *p)
{
    for (size_t group = 0; group < p->size->groups; group++)
        nchw_forward_group(p, group);
}

static void nchw_backward(const mb_conv2d_pass *p)
{
    mb_conv2d_nchw_grad_bias(p);
    for (size_t group = 0; group < p->size->groups; group++)
        nchw_grad_weights(p, group);
    mb_conv2d_nchw_grad_image(p);
}

const mb_conv2d_impl mb_conv2d_direct_nchw = {.name = "direct_nchw",
                                              .applies = nchw_applies,
                                              .forward = nchw_forward,
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

static window_row window_row_of(const mb_conv2d_pass *p)
{
    const mb_conv2d_size *s = p->size;
    const size_t columns = mb_layer_window(p->layer)->columns;
    return s->groups > 1 ? (window_row){columns, s->channels}
                         : (window_row){1, columns * s->channels};
}

/* The product for the next of `units` units that are left. */
static mb_direct_gemm with_vectors(mb_direct_gemm gemm, size_t units)
{
    gemm.vectors = units < VECTORS * MB_LANES ? 1 : VECTORS;
    gemm.vector_stride = MB_LANES;
    return gemm;
}

static void nhwc_forward_group(const mb_conv2d_pass *p, size_t group)
{
    const mb_conv2d_size *s = p->size;
    const mb_layer *layer = p->layer;
    const mb_window *window = mb_layer_window(layer);
    const window_row w = window_row_of(p);
    const size_t channels = layer->in.channels, row = s->columns * channels;
    const mb_direct_gemm gemm = {
        .count = {window->rows, w.columns, w.elements},
        .a_stride = {row, channels, 1},
        .b_stride = {w.columns * w.elements * s->units, w.elements * s->units, s->units},
        .row_stride = window->stride * channels};
    const float *weights = p->weights + mb_conv2d_group_offset(s, group);
    const float *image = p->image + group * s->channels;
    float *out = p->out + group * s->units;
    for (size_t unit = 0; unit < s->units; unit += VECTORS * MB_LANES) {
        const mb_direct_gemm some = with_vectors(gemm, s->units - unit);
        const mb_direct_init bias = {.values = p->bias + group * s->units + unit, .per_lane = true};
        for (size_t y = 0; y < s->out_rows; y++)
            p->kernels->direct_gemm(
                &some, s->out_columns, image + y * window->stride * row, weights + unit, bias,
                out + y * s->out_columns * layer->out.channels + unit, layer->out.channels);
    }
}

static void nhwc_grad_weights(const mb_conv2d_pass *p, size_t group)
{
    const mb_conv2d_size *s = p->size;
    const mb_window *window = mb_layer_window(p->layer);
    const window_row w = window_row_of(p);
    const size_t channels = p->layer->in.channels, units = p->layer->out.channels;
    const size_t row = s->columns * channels, stride = window->stride;
    const mb_direct_gemm gemm = {.count = {1, s->out_rows, s->out_columns},
                                 .a_stride = {0, stride * row, stride * channels},
                                 .b_stride = {0, s->out_columns * units, units},
                                 .row_stride = 1};
    float *gradient = p->gradient + mb_conv2d_group_offset(s, group);
    const float *image = p->image + group * s->channels, *d_out = p->d_out + group * s->units;
    for (size_t y = 0; y < window->rows; y++)
        for (size_t x = 0; x < w.columns; x++, gradient += w.elements * s->units)
            for (size_t unit = 0; unit < s->units; unit += VECTORS * MB_LANES) {
                const mb_direct_gemm some = with_vectors(gemm, s->units - unit);
                const mb_direct_init sums = {gradient + unit, s->units, true};
                p->kernels->direct_gemm(&some, w.elements, image + y * row + x * channels,
                                        d_out + unit, sums, gradient + unit, s->units);
            }
}

static void nhwc_forward(const mb_conv2d_pass *p)
{
    for (size_t group = 0; group < p->size->groups; group++)
        nhwc_forward_group(p, group);
}

static void nhwc_backward(const mb_conv2d_pass *p)
{
    mb_conv2d_nhwc_grad_bias(p);
    for (size_t group = 0; group < p->size->groups; group++)
        nhwc_grad_weights(p, group);
    mb_conv2d_nhwc_grad_image(p);
}

const mb_conv2d_impl mb_conv2d_direct_nhwc = {.name = "direct_nhwc",
                                              .applies = nhwc_applies,
                                              .forward = nhwc_forward,
                                              .backward = nhwc_backward,
                                              .transposed_size = mb_conv2d_nhwc_transposed_size,
                                              .transpose = mb_conv2d_nhwc_transpose};
