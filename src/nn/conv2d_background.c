/* Windows that hold nothing but background, in NHWC without groups. Around a digit all pixels are
 * equal, and layers that treat pixels alike keep them so. All windows of such pixels have the same
 * outputs, which are computed once per sample. */
#include "nn/conv2d_im2col.h"

#include <string.h>

/* For the rows from `first` to `end`: last[x] = y + 1 if pixel (y, x) is not background, which is
 * what the first pixel inside the padding has. */
static void mark_rows(const mb_conv2d_pass *pass, size_t first, size_t end, uint32_t *last)
{
    const size_t padding = mb_layer_window(pass->layer)->padding;
    const size_t channels = pass->layer->in.channels, columns = pass->size->columns;
    const float *background = pass->image + padding * (columns + 1) * channels;
    for (size_t y = first; y < end; y++)
        for (size_t x = 0; x < columns; x++)
            if (memcmp(pass->image + (y * columns + x) * channels, background,
                       channels * sizeof *background) != 0)
                last[x] = (uint32_t)(y + 1);
}

/* True if no row from `top` on has something else in any of `columns` columns. */
static bool is_background(const uint32_t *last, size_t columns, size_t top)
{
    size_t others = 0;
    for (size_t x = 0; x < columns; x++)
        others += last[x] > top;
    return others == 0;
}

mb_conv2d_list mb_conv2d_list_windows(const mb_conv2d_pass *pass)
{
    const mb_conv2d_size *size = pass->size;
    const mb_window *window = mb_layer_window(pass->layer);
    mb_conv2d_list list = {.pixels = pass->pixels, .background = SIZE_MAX};
    memset(pass->marks, 0, size->columns * sizeof *pass->marks);
    for (size_t y = 0, marked = 0; y < size->out_rows; y++) {
        const size_t top = y * window->stride, bottom = top + window->rows;
        mark_rows(pass, marked > top ? marked : top, bottom, pass->marks);
        marked = bottom;
        for (size_t x = 0; x < size->out_columns; x++) {
            const bool background =
                is_background(pass->marks + x * window->stride, window->columns, top);
            if (background && list.background != SIZE_MAX)
                continue;
            if (background)
                list.background = list.count;
            list.pixels[list.count++] = (uint32_t)(y * size->out_columns + x);
        }
    }
    return list;
}

/* From the last pixel to the first: no output is overwritten before it is copied. */
void mb_conv2d_expand(const mb_conv2d_list *list, size_t pixels, size_t units, float *out)
{
    size_t left = list->count;
    for (size_t pixel = pixels; pixel > left; pixel--) {
        const bool listed = list->pixels[left - 1] == pixel - 1;
        const size_t from = listed ? --left : list->background;
        memcpy(out + (pixel - 1) * units, out + from * units, units * sizeof *out);
    }
}
