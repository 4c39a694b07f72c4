/* Convolution in NCHW: W (units, K) x windows (K, pixels). */
#include "nn/conv2d_im2col.h"
#include "nn/gemm.h"

static bool applies(const mb_layer *layer) { return layer->out_format.layout == MB_LAYOUT_NCHW; }

/* Offset in an image of row `k` of a block's windows. */
static size_t image_offset(const mb_conv2d_pass *p, const mb_conv2d_block *b, size_t k)
{
    const mb_conv2d_size *s = p->size;
    const mb_window *window = mb_layer_window(p->layer);
    const size_t channel = b->group * s->channels + k / (window->rows * window->columns);
    const size_t ky = k / window->columns % window->rows, kx = k % window->columns;
    return (channel * s->rows + b->row * window->stride + ky) * s->columns + kx;
}

/* A row of windows with a stride; `back` adds it to the image's gradient. */
static void copy_strided(const mb_conv2d_pass *p, size_t pixels, size_t offset, size_t done,
                         bool back)
{
    const size_t stride = mb_layer_window(p->layer)->stride, length = p->size->out_columns;
    for (size_t i = 0; i < pixels; i++) {
        const size_t at = offset + i / length * stride * p->size->columns + i % length * stride;
        if (back)
            p->d_image[at] += p->d_windows[done + i];
        else
            p->windows[done + i] = p->image[at];
    }
}

static void copy_windows(const mb_conv2d_pass *p, const mb_conv2d_block *b, bool back)
{
    const mb_conv2d_size *s = p->size;
    const mb_strided_view whole = {1, 0, b->rows, s->columns, s->out_columns};
    for (size_t k = 0; k < s->window; k++) {
        const size_t offset = image_offset(p, b, k), done = k * b->pixels;
        if (mb_layer_window(p->layer)->stride > 1)
            copy_strided(p, b->pixels, offset, done, back);
        else if (back)
            p->kernels->col2im(whole, p->d_windows + done, p->d_image + offset);
        else
            p->kernels->im2col(whole, p->image + offset, p->windows + done);
    }
}

/* Offset of a block's outputs of its group. */
static size_t out_offset(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    return b->group * p->size->units * p->size->out_pixels + b->row * p->size->out_columns;
}

static void fill_bias(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = p->size;
    for (size_t unit = 0; unit < p->layer->out.channels; unit++) {
        float *out = p->out + unit * s->out_pixels + b->row * s->out_columns;
        for (size_t i = 0; i < b->pixels; i++)
            out[i] = p->bias[unit];
    }
}

static void multiply(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = p->size;
    mb_gemm(p->layer->rules, s->units, b->pixels, s->window,
            p->weights + mb_conv2d_group_offset(s, b->group), s->window, p->windows, b->pixels,
            1.0f, p->out + out_offset(p, b), s->out_pixels);
}

static void grad_weights(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = p->size;
    mb_gemm_bt(s->units, s->window, b->pixels, p->d_out + out_offset(p, b), s->out_pixels,
               p->windows, b->pixels, 1.0f, p->gradient + mb_conv2d_group_offset(s, b->group),
               s->window);
}

static void grad_windows(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = p->size;
    mb_gemm_at(p->layer->rules, s->window, b->pixels, s->units,
               p->weights + mb_conv2d_group_offset(s, b->group), s->window,
               p->d_out + out_offset(p, b), s->out_pixels, 0.0f, p->d_windows, b->pixels);
}

static const mb_conv2d_products products = {.copy_windows = copy_windows,
                                            .fill_bias = fill_bias,
                                            .forward = multiply,
                                            .grad_weights = grad_weights,
                                            .grad_windows = grad_windows};

void mb_conv2d_nchw_grad_bias(const mb_conv2d_pass *p)
{
    const mb_conv2d_size *s = p->size;
    p->kernels->sum_rows(p->layer->out.channels, s->out_pixels, p->d_out, s->out_pixels,
                         p->gradient + s->weights);
}

void mb_conv2d_nchw_grad_image(const mb_conv2d_pass *p)
{
    mb_conv2d_im2col_grad_image(p, &products);
}

static void forward(const mb_conv2d_pass *p) { mb_conv2d_im2col_forward(p, &products); }

static void backward(const mb_conv2d_pass *p)
{
    mb_conv2d_nchw_grad_bias(p);
    mb_conv2d_im2col_grad_weights(p, &products);
    mb_conv2d_nchw_grad_image(p);
}

const mb_conv2d_impl mb_conv2d_im2col_nchw = {
    .name = "im2col_nchw", .applies = applies, .forward = forward, .backward = backward};
