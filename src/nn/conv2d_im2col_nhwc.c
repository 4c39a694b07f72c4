/* Convolution in NHWC: windows (pixels, K) x W (K, units). */
#include "nn/conv2d_im2col.h"
#include "nn/gemm.h"

static bool applies(const mb_layer *layer) { return layer->out_format.layout == MB_LAYOUT_NHWC; }

static size_t units_of(const mb_conv2d_pass *pass) { return pass->layer->out.channels; }

/* Elements from the start of an image to a block's first window. */
static size_t image_offset(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = p->size;
    return b->row * mb_layer_window(p->layer)->stride * s->columns * p->layer->in.channels +
           b->group * s->channels;
}

/* Offset of a block's outputs of its group. */
static size_t out_offset(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    return b->row * p->size->out_columns * units_of(p) + b->group * p->size->units;
}

/* The windows of a row of outputs; with groups those of one output, whose elements are not
 * contiguous. */
static mb_strided_view view_of(const mb_conv2d_pass *p)
{
    const mb_conv2d_size *s = p->size;
    const mb_window *window = mb_layer_window(p->layer);
    const size_t channels = p->layer->in.channels, row = s->columns * channels;
    if (s->groups > 1)
        return (mb_strided_view){window->rows, row, window->columns, channels, s->channels};
    return (mb_strided_view){s->out_columns, window->stride * channels, window->rows, row,
                             window->columns * channels};
}

static void copy_windows(const mb_conv2d_pass *p, const mb_conv2d_block *b, bool back)
{
    const mb_conv2d_size *s = p->size;
    const mb_strided_view view = view_of(p);
    const size_t channels = p->layer->in.channels, stride = mb_layer_window(p->layer)->stride;
    const size_t at_once = s->groups > 1 ? 1 : s->out_columns;
    size_t row = image_offset(p, b), done = 0;
    for (size_t y = 0; y < b->rows; y++, row += stride * s->columns * channels)
        for (size_t x = 0; x < s->out_columns; x += at_once, done += at_once * s->window) {
            const size_t offset = row + x * stride * channels;
            if (back)
                p->kernels->col2im(view, p->d_windows + done, p->d_image + offset);
            else
                p->kernels->im2col(view, p->image + offset, p->windows + done);
        }
}

static void fill_bias(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    p->kernels->fill_rows(b->pixels, units_of(p), p->bias, p->out + out_offset(p, b), units_of(p));
}

static void multiply(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = p->size;
    mb_gemm(p->layer->rules, b->pixels, s->units, s->window, p->windows, s->window,
            p->weights + mb_conv2d_group_offset(s, b->group), s->units, 1.0f,
            p->out + out_offset(p, b), units_of(p));
}

static void grad_weights(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = p->size;
    mb_gemm_at(p->layer->rules, s->window, s->units, b->pixels, p->windows, s->window,
               p->d_out + out_offset(p, b), units_of(p), 1.0f,
               p->gradient + mb_conv2d_group_offset(s, b->group), s->units);
}

static void grad_windows(const mb_conv2d_pass *p, const mb_conv2d_block *b)
{
    const mb_conv2d_size *s = p->size;
    mb_gemm(p->layer->rules, b->pixels, s->window, s->units, p->d_out + out_offset(p, b),
            units_of(p), p->transposed + mb_conv2d_group_offset(s, b->group), s->window, 0.0f,
            p->d_windows, s->window);
}

static const mb_conv2d_products products = {.copy_windows = copy_windows,
                                            .fill_bias = fill_bias,
                                            .forward = multiply,
                                            .grad_weights = grad_weights,
                                            .grad_windows = grad_windows};

void mb_conv2d_nhwc_grad_bias(const mb_conv2d_pass *p)
{
    p->kernels->add_rows(p->size->out_pixels, units_of(p), p->d_out, units_of(p),
                         p->gradient + p->size->weights);
}

void mb_conv2d_nhwc_grad_image(const mb_conv2d_pass *p)
{
    mb_conv2d_im2col_grad_image(p, &products);
}

size_t mb_conv2d_nhwc_transposed_size(const mb_layer *layer)
{
    return layer->parameter_count - layer->out.channels;
}

/* A group's weights as (units, K). */
void mb_conv2d_nhwc_transpose(const mb_layer *layer, const mb_kernels *kernels, size_t group,
                              float *transposed)
{
    const mb_conv2d_size size = mb_conv2d_size_of(layer);
    const size_t offset = mb_conv2d_group_offset(&size, group);
    kernels->transpose(size.window, size.units, layer->parameters + offset, transposed + offset,
                       size.window);
}

static void forward(const mb_conv2d_pass *p) { mb_conv2d_im2col_forward(p, &products); }

static void backward(const mb_conv2d_pass *p)
{
    mb_conv2d_nhwc_grad_bias(p);
    mb_conv2d_im2col_grad_weights(p, &products);
    mb_conv2d_nhwc_grad_image(p);
}

const mb_conv2d_impl mb_conv2d_im2col_nhwc = {.name = "im2col_nhwc",
                                              .applies = applies,
                                              .forward = forward,
                                              .backward = backward,
                                              .transposed_size = mb_conv2d_nhwc_transposed_size,
                                              .transpose = mb_conv2d_nhwc_transpose};
