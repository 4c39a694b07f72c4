/* Convolution in NCHW: W (units, K) x windows (K, pixels). */
#include "nn/conv2d_im2col.h"
#include "nn/gemm.h"

static bool applies(const mb_layer *layer) { return layer->out_format.layout == MB_LAYOUT_NCHW; }

/* Offset in an image of row `k` of a block's windows. */
static size_t image_offset(const mb_conv2d_pass *pass, const mb_conv2d_block *block, size_t k)
{
    const mb_conv2d_size *size = pass->size;
    const mb_window *window = mb_layer_window(pass->layer);
    const size_t channel = block->group * size->channels + k / (window->rows * window->columns);
    const size_t ky = k / window->columns % window->rows, kx = k % window->columns;
    return (channel * size->rows + block->row * window->stride + ky) * size->columns + kx;
}

/* A row of windows with a stride; `back` adds it to the image's gradient. */
static void copy_strided(const mb_conv2d_pass *pass, size_t pixels, size_t offset, size_t done,
                         bool back)
{
    const size_t stride = mb_layer_window(pass->layer)->stride, length = pass->size->out_columns;
    for (size_t i = 0; i < pixels; i++) {
        const size_t at = offset + i / length * stride * pass->size->columns + i % length * stride;
        if (back)
            pass->d_image[at] += pass->d_windows[done + i];
        else
            pass->windows[done + i] = pass->image[at];
    }
}

static void copy_windows(const mb_conv2d_pass *pass, const mb_conv2d_block *block, bool back)
{
    const mb_conv2d_size *size = pass->size;
    const mb_strided_view whole = {1, 0, block->rows, size->columns, size->out_columns};
    for (size_t k = 0; k < size->window; k++) {
        const size_t offset = image_offset(pass, block, k), done = k * block->pixels;
        if (mb_layer_window(pass->layer)->stride > 1)
            copy_strided(pass, block->pixels, offset, done, back);
        else if (back)
            pass->kernels->col2im(whole, pass->d_windows + done, pass->d_image + offset);
        else
            pass->kernels->im2col(whole, pass->image + offset, pass->windows + done);
    }
}

/* Offset of a block's outputs of its group. */
static size_t out_offset(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    return block->group * pass->size->units * pass->size->out_pixels +
           block->row * pass->size->out_columns;
}

static void fill_bias(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    const mb_conv2d_size *size = pass->size;
    for (size_t unit = 0; unit < pass->layer->out.channels; unit++) {
        float *out = pass->out + unit * size->out_pixels + block->row * size->out_columns;
        for (size_t i = 0; i < block->pixels; i++)
            out[i] = pass->bias[unit];
    }
}

static void multiply(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    const mb_conv2d_size *size = pass->size;
    mb_gemm(pass->layer->rules, size->units, block->pixels, size->window,
            pass->weights + mb_conv2d_group_offset(size, block->group), size->window, pass->windows,
            block->pixels, 1.0f, pass->out + out_offset(pass, block), size->out_pixels);
}

static void grad_weights(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    const mb_conv2d_size *size = pass->size;
    mb_gemm_bt(size->units, size->window, block->pixels, pass->d_out + out_offset(pass, block),
               size->out_pixels, pass->windows, block->pixels, 1.0f,
               pass->gradient + mb_conv2d_group_offset(size, block->group), size->window);
}

static void grad_windows(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    const mb_conv2d_size *size = pass->size;
    mb_gemm_at(pass->layer->rules, size->window, block->pixels, size->units,
               pass->weights + mb_conv2d_group_offset(size, block->group), size->window,
               pass->d_out + out_offset(pass, block), size->out_pixels, 0.0f, pass->d_windows,
               block->pixels);
}

static const mb_conv2d_products products = {.copy_windows = copy_windows,
                                            .fill_bias = fill_bias,
                                            .forward = multiply,
                                            .grad_weights = grad_weights,
                                            .grad_windows = grad_windows};

void mb_conv2d_nchw_grad_bias(const mb_conv2d_pass *pass)
{
    const mb_conv2d_size *size = pass->size;
    pass->kernels->sum_rows(pass->layer->out.channels, size->out_pixels, pass->d_out,
                            size->out_pixels, pass->gradient + size->weights);
}

void mb_conv2d_nchw_grad_image(const mb_conv2d_pass *pass)
{
    mb_conv2d_im2col_grad_image(pass, &products);
}

static void forward(const mb_conv2d_pass *pass) { mb_conv2d_im2col_forward(pass, &products); }

static void backward(const mb_conv2d_pass *pass)
{
    mb_conv2d_nchw_grad_bias(pass);
    mb_conv2d_im2col_grad_weights(pass, &products);
    mb_conv2d_nchw_grad_image(pass);
}

const mb_conv2d_impl mb_conv2d_im2col_nchw = {
    .name = "im2col_nchw", .applies = applies, .forward = forward, .backward = backward};
