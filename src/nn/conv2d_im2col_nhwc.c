/* Convolution in NHWC: windows (pixels, K) x W (K, units). */
#include "nn/conv2d_im2col.h"
#include "nn/gemm.h"

static bool applies(const mb_layer *layer) { return layer->out_format.layout == MB_LAYOUT_NHWC; }

static size_t units_of(const mb_conv2d_pass *pass) { return pass->layer->out.channels; }

/* Elements from the start of an image to a block's first window. */
static size_t image_offset(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    const mb_conv2d_size *size = pass->size;
    return block->row * mb_layer_window(pass->layer)->stride * size->columns *
               pass->layer->in.channels +
           block->group * size->channels;
}

/* Offset of a block's outputs of its group. */
static size_t out_offset(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    return block->row * pass->size->out_columns * units_of(pass) + block->group * pass->size->units;
}

/* The windows of a row of outputs; with groups those of one output, whose elements are not
 * contiguous. */
static mb_strided_view view_of(const mb_conv2d_pass *pass)
{
    const mb_conv2d_size *size = pass->size;
    const mb_window *window = mb_layer_window(pass->layer);
    const size_t channels = pass->layer->in.channels, row = size->columns * channels;
    if (size->groups > 1)
        return (mb_strided_view){window->rows, row, window->columns, channels, size->channels};
    return (mb_strided_view){size->out_columns, window->stride * channels, window->rows, row,
                             window->columns * channels};
}

static void copy_windows(const mb_conv2d_pass *pass, const mb_conv2d_block *block, bool back)
{
    const mb_conv2d_size *size = pass->size;
    const mb_strided_view view = view_of(pass);
    const size_t channels = pass->layer->in.channels, stride = mb_layer_window(pass->layer)->stride;
    const size_t at_once = size->groups > 1 ? 1 : size->out_columns;
    size_t row = image_offset(pass, block), done = 0;
    for (size_t y = 0; y < block->rows; y++, row += stride * size->columns * channels)
        for (size_t x = 0; x < size->out_columns; x += at_once, done += at_once * size->window) {
            const size_t offset = row + x * stride * channels;
            if (back)
                pass->kernels->col2im(view, pass->d_windows + done, pass->d_image + offset);
            else
                pass->kernels->im2col(view, pass->image + offset, pass->windows + done);
        }
}

static void fill_bias(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    pass->kernels->fill_rows(block->pixels, units_of(pass), pass->bias,
                             pass->out + out_offset(pass, block), units_of(pass));
}

static void multiply(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    const mb_conv2d_size *size = pass->size;
    mb_gemm(pass->layer->rules, block->pixels, size->units, size->window, pass->windows,
            size->window, pass->weights + mb_conv2d_group_offset(size, block->group), size->units,
            1.0f, pass->out + out_offset(pass, block), units_of(pass));
}

static void grad_weights(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    const mb_conv2d_size *size = pass->size;
    mb_gemm_at(pass->layer->rules, size->window, size->units, block->pixels, pass->windows,
               size->window, pass->d_out + out_offset(pass, block), units_of(pass), 1.0f,
               pass->gradient + mb_conv2d_group_offset(size, block->group), size->units);
}

static void grad_windows(const mb_conv2d_pass *pass, const mb_conv2d_block *block)
{
    const mb_conv2d_size *size = pass->size;
    mb_gemm(pass->layer->rules, block->pixels, size->window, size->units,
            pass->d_out + out_offset(pass, block), units_of(pass),
            pass->transposed + mb_conv2d_group_offset(size, block->group), size->window, 0.0f,
            pass->d_windows, size->window);
}

static const mb_conv2d_products products = {.copy_windows = copy_windows,
                                            .fill_bias = fill_bias,
                                            .forward = multiply,
                                            .grad_weights = grad_weights,
                                            .grad_windows = grad_windows};

void mb_conv2d_nhwc_grad_bias(const mb_conv2d_pass *pass)
{
    pass->kernels->add_rows(pass->samples * pass->size->out_pixels, units_of(pass), pass->d_out,
                            units_of(pass), pass->gradient + pass->size->weights);
}

void mb_conv2d_nhwc_grad_image(const mb_conv2d_pass *pass)
{
    mb_conv2d_im2col_grad_image(pass, &products);
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
    kernels->transpose(size.window, size.units, layer->parameters + offset, size.units,
                       transposed + offset, size.window);
}

/* Writes the windows of `count` listed output pixels, run of neighbours by run. */
static void copy_listed_windows(const mb_conv2d_pass *pass, const uint32_t *pixels, size_t count)
{
    const mb_conv2d_size *size = pass->size;
    const size_t channels = pass->layer->in.channels, stride = mb_layer_window(pass->layer)->stride;
    mb_strided_view view = view_of(pass);
    for (size_t done = 0; done < count; done += view.outer) {
        const size_t y = pixels[done] / size->out_columns, x = pixels[done] % size->out_columns;
        view.outer = 1;
        while (done + view.outer < count && x + view.outer < size->out_columns &&
               pixels[done + view.outer] == pixels[done] + view.outer)
            view.outer++;
        pass->kernels->im2col(view, pass->image + (y * size->columns + x) * stride * channels,
                              pass->windows + done * size->window);
    }
}

static void forward(const mb_conv2d_pass *pass)
{
    const mb_conv2d_size *size = pass->size;
    if (size->groups > 1) {
        mb_conv2d_im2col_forward(pass, &products);
        return;
    }
    const mb_conv2d_list list = mb_conv2d_list_windows(pass);
    const size_t units = size->units;
    const size_t block = mb_equal_blocks(list.count, size->block_rows * size->out_columns);
    for (size_t done = 0, now; done < list.count; done += now) {
        now = list.count - done < block ? list.count - done : block;
        float *out = pass->out + done * units;
        copy_listed_windows(pass, list.pixels + done, now);
        pass->kernels->fill_rows(now, units, pass->bias, out, units);
        mb_gemm(pass->layer->rules, now, units, size->window, pass->windows, size->window,
                pass->weights, units, 1.0f, out, units);
    }
    mb_conv2d_expand(&list, size->out_pixels, units, pass->out);
}

static void backward(const mb_conv2d_pass *pass)
{
    mb_conv2d_nhwc_grad_bias(pass);
    mb_conv2d_im2col_grad_weights(pass, &products);
    mb_conv2d_nhwc_grad_image(pass);
}

const mb_conv2d_impl mb_conv2d_im2col_nhwc = {.name = "im2col_nhwc",
                                              .applies = applies,
                                              .forward = forward,
                                              .backward = backward,
                                              .transposed_size = mb_conv2d_nhwc_transposed_size,
                                              .transpose = mb_conv2d_nhwc_transpose};
