/* Convolution by pixels: windows (pixels, K) x W (K, units), images channels last. */
#include "nn/conv2d.h"
#include "nn/gemm.h"

/* Numbers from the start of an image to a block's first window. */
static size_t start_of(const mb_conv2d_op *op, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = &op->size;
    return b->row * op->layer->window.stride * s->columns * op->layer->in.channels +
           b->group * s->channels;
}

/* The windows of a row of outputs; with groups those of one output, for their numbers do not lie
 * side by side. */
static mb_strided_view segments_of(const mb_conv2d_op *op)
{
    const mb_conv2d_size *s = &op->size;
    const mb_window *window = &op->layer->window;
    const size_t channels = op->layer->in.channels, row = s->columns * channels;
    if (s->groups > 1)
        return (mb_strided_view){window->rows, row, window->columns, channels, s->channels};
    return (mb_strided_view){s->out_columns, window->stride * channels, window->rows, row,
                             window->columns * channels};
}

static void windows(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *image, float *to)
{
    const mb_conv2d_size *s = &op->size;
    const mb_strided_view segments = segments_of(op);
    const size_t channels = op->layer->in.channels, stride = op->layer->window.stride;
    const size_t at_once = s->groups > 1 ? 1 : s->out_columns;
    const float *from = image + start_of(op, b);
    for (size_t y = 0; y < b->rows; y++, from += stride * s->columns * channels)
        for (size_t x = 0; x < s->out_columns; x += at_once, to += at_once * s->window)
            op->ctx.kernels->im2col(segments, from + x * stride * channels, to);
}

static void windows_back(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *from,
                         float *d_image)
{
    const mb_conv2d_size *s = &op->size;
    const mb_strided_view segments = segments_of(op);
    const size_t channels = op->layer->in.channels, stride = op->layer->window.stride;
    const size_t at_once = s->groups > 1 ? 1 : s->out_columns;
    float *to = d_image + start_of(op, b);
    for (size_t y = 0; y < b->rows; y++, to += stride * s->columns * channels)
        for (size_t x = 0; x < s->out_columns; x += at_once, from += at_once * s->window)
            op->ctx.kernels->col2im(segments, from, to + x * stride * channels);
}

static size_t units_of(const mb_conv2d_op *op) { return op->layer->out.channels; }

/* Where a block's outputs of its group begin. */
static size_t outputs_of(const mb_conv2d_op *op, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = &op->size;
    return b->row * s->out_columns * units_of(op) + b->group * s->units;
}

static void fill(const mb_conv2d_op *op, const mb_conv2d_block *b, float *out)
{
    op->ctx.kernels->fill_rows(b->pixels, units_of(op), op->bias, out + outputs_of(op, b),
                               units_of(op));
}

static void sum(const mb_conv2d_op *op, const float *d_out, float *sums)
{
    const mb_conv2d_size *s = &op->size;
    op->ctx.kernels->add_rows(s->out_pixels, units_of(op), d_out, units_of(op), sums);
}

static void multiply(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *x, float *out)
{
    const mb_conv2d_size *s = &op->size;
    mb_gemm(op->layer->rules, b->pixels, s->units, s->window, x, s->window,
            op->weights + mb_conv2d_group(s, b->group), s->units, 1.0f, out + outputs_of(op, b),
            units_of(op));
}

static void d_weights(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *x,
                      const float *d_out, float *gradient)
{
    const mb_conv2d_size *s = &op->size;
    mb_gemm_at(op->layer->rules, s->window, s->units, b->pixels, x, s->window,
               d_out + outputs_of(op, b), units_of(op), 1.0f,
               gradient + mb_conv2d_group(s, b->group), s->units);
}

static void d_windows(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *d_out,
                      float *d_x)
{
    const mb_conv2d_size *s = &op->size;
    mb_gemm(op->layer->rules, b->pixels, s->window, s->units, d_out + outputs_of(op, b),
            units_of(op), mb_conv2d_turned_weights(op, b->group), s->turned_row, 0.0f, d_x,
            s->window);
}

const mb_conv2d_form mb_conv2d_pixels = {
    .windows = windows,
    .windows_back = windows_back,
    .fill = fill,
    .sum = sum,
    .multiply = multiply,
    .d_weights = d_weights,
    .d_windows = d_windows,
};
