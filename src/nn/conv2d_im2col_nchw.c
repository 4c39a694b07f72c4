/* Convolution by planes: W (units, K) x windows (K, pixels), images channels first. */
#include "nn/conv2d.h"
#include "nn/gemm.h"

/* Where row `k` of a block's windows begins in an image. */
static size_t start_of(const mb_conv2d_op *op, const mb_conv2d_block *b, size_t k)
{
    const mb_conv2d_size *s = &op->size;
    const mb_window *window = &op->layer->window;
    const size_t channel = b->group * s->channels + k / (window->rows * window->columns);
    const size_t ky = k / window->columns % window->rows, kx = k % window->columns;
    return (channel * s->rows + b->row * window->stride + ky) * s->columns + kx;
}

static void windows(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *image, float *to)
{
    const mb_conv2d_size *s = &op->size;
    const size_t stride = op->layer->window.stride, length = s->out_columns;
    const mb_strided_view whole = {1, 0, b->rows, s->columns, length};
    for (size_t k = 0; k < s->window; k++, to += b->pixels) {
        const float *from = image + start_of(op, b, k);
        if (stride == 1)
            op->ctx.kernels->im2col(whole, from, to);
        else
            for (size_t p = 0; p < b->pixels; p++)
                to[p] = from[p / length * stride * s->columns + p % length * stride];
    }
}

static void windows_back(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *from,
                         float *d_image)
{
    const mb_conv2d_size *s = &op->size;
    const size_t stride = op->layer->window.stride, length = s->out_columns;
    const mb_strided_view whole = {1, 0, b->rows, s->columns, length};
    for (size_t k = 0; k < s->window; k++, from += b->pixels) {
        float *to = d_image + start_of(op, b, k);
        if (stride == 1)
            op->ctx.kernels->col2im(whole, from, to);
        else
            for (size_t p = 0; p < b->pixels; p++)
                to[p / length * stride * s->columns + p % length * stride] += from[p];
    }
}

/* Where a block's outputs of its group begin. */
static size_t outputs_of(const mb_conv2d_size *s, const mb_conv2d_block *b)
{
    return b->group * s->units * s->out_pixels + b->row * s->out_columns;
}

static void fill(const mb_conv2d_op *op, const mb_conv2d_block *b, float *out)
{
    const mb_conv2d_size *s = &op->size;
    for (size_t unit = 0; unit < op->layer->out.channels; unit++) {
        float *plane = out + unit * s->out_pixels + b->row * s->out_columns;
        for (size_t p = 0; p < b->pixels; p++)
            plane[p] = op->bias[unit];
    }
}

static void sum(const mb_conv2d_op *op, const float *d_out, float *sums)
{
    const mb_conv2d_size *s = &op->size;
    op->ctx.kernels->sum_rows(op->layer->out.channels, s->out_pixels, d_out, s->out_pixels, sums);
}

static void multiply(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *x, float *out)
{
    const mb_conv2d_size *s = &op->size;
    mb_gemm(op->layer->rules, s->units, b->pixels, s->window,
            op->weights + mb_conv2d_group(s, b->group), s->window, x, b->pixels, 1.0f,
            out + outputs_of(s, b), s->out_pixels);
}

static void d_weights(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *x,
                      const float *d_out, float *gradient)
{
    const mb_conv2d_size *s = &op->size;
    (void)op;
    mb_gemm_bt(s->units, s->window, b->pixels, d_out + outputs_of(s, b), s->out_pixels, x,
               b->pixels, 1.0f, gradient + mb_conv2d_group(s, b->group), s->window);
}

static void d_windows(const mb_conv2d_op *op, const mb_conv2d_block *b, const float *d_out,
                      float *d_x)
{
    const mb_conv2d_size *s = &op->size;
    mb_gemm_at(op->layer->rules, s->window, b->pixels, s->units,
               op->layer->parameters + mb_conv2d_group(s, b->group), s->window,
               d_out + outputs_of(s, b), s->out_pixels, 0.0f, d_x, b->pixels);
}

const mb_conv2d_form mb_conv2d_planes = {
    .windows = windows,
    .windows_back = windows_back,
    .fill = fill,
    .sum = sum,
    .multiply = multiply,
    .d_weights = d_weights,
    .d_windows = d_windows,
};
