/* Convolution without im2col, where an image's numbers are better picked out where they lie: by
 * planes, where rows of outputs fill lines; by pixels, where there are few lines of units, and to
 * write out each window would cost as much as to multiply it. */
#include "nn/conv2d.h"

/* Lines of units up to which OpenBLAS does not make good for the windows that it wants. */
enum { MOST_LINES = 3, LINES = 2 };

bool mb_conv2d_sweeps(const mb_layer *layer)
{
    const mb_window *window = &layer->window;
    const size_t units = layer->out.channels / window->groups;
    if (layer->out_format.planes)
        return window->stride == 1 && layer->out.columns >= MB_LANES;
    return units % MB_LANES == 0 && units <= MOST_LINES * MB_LANES;
}

/* ---- by planes ---- */

/* Rows of an image, from the first to the end. */
typedef struct span {
    size_t first, end;
} span;

static bool is_blank(const float *row, size_t columns)
{
    size_t marks = 0;
    for (size_t i = 0; i < columns; i++)
        marks += row[i] != 0.0f;
    return marks == 0;
}

/* The rows that must be multiplied. Those above and below a digit are blank, and padding is. */
static span rows_to_do(const mb_conv2d_op *op, const float *image)
{
    const mb_conv2d_size *s = &op->size;
    span all = {0, s->rows};
    if (!op->layer->input_is_batch || op->layer->in.channels > 1)
        return all;
    while (all.end > 0 && is_blank(image + (all.end - 1) * s->columns, s->columns))
        all.end--;
    while (all.first < all.end && is_blank(image + all.first * s->columns, s->columns))
        all.first++;
    return all;
}

/* Of those, the ones that meet `count` rows from `first` on; none is an empty span. */
static span meeting(span rows, size_t first, size_t count)
{
    const size_t end = first + count;
    const span both = {rows.first > first ? rows.first : first, rows.end < end ? rows.end : end};
    return both.first < both.end ? both : (span){first, first};
}

/* Each row of outputs is two lines at a time, of which the last two end with it: what both pairs
 * have is worked out twice. */
static void planes_forward(const mb_conv2d_op *op, size_t group, const float *image, float *out)
{
    const mb_conv2d_size *s = &op->size;
    const mb_window *window = &op->layer->window;
    const size_t plane = s->rows * s->columns, columns = s->out_columns;
    const size_t pair = columns < 2 * MB_LANES ? columns : 2 * MB_LANES;
    mb_direct_gemm sweep = {.count = {s->channels, window->rows, window->columns},
                            .a_stride = {window->rows * window->columns, window->columns, 1},
                            .b_stride = {plane, s->columns, 1},
                            .row_stride = s->window,
                            .vectors = columns > MB_LANES ? 2 : 1,
                            .vector_stride = pair - MB_LANES};
    const float *weights = op->weights + mb_conv2d_group(s, group);
    const mb_direct_init bias = {.values = op->bias + group * s->units, .row_stride = 1};
    const span rows = rows_to_do(op, image);
    image += group * s->channels * plane;
    out += group * s->units * s->out_pixels;
    for (size_t y = 0; y < s->out_rows; y++) {
        const span here = meeting(rows, y, window->rows);
        sweep.count[1] = here.end - here.first;
        for (size_t x = 0; x < columns; x += 2 * MB_LANES) {
            const size_t from = x + pair <= columns ? x : columns - pair;
            op->ctx.kernels->direct_gemm(&sweep, s->units,
                                         weights + (here.first - y) * window->columns,
                                         image + here.first * s->columns + from, bias,
                                         out + y * columns + from, s->out_pixels);
        }
    }
}

static void planes_gradient(const mb_conv2d_op *op, size_t group, const float *image,
                            const float *d_out, float *gradient)
{
    const mb_conv2d_size *s = &op->size;
    const mb_window *window = &op->layer->window;
    const size_t plane = s->rows * s->columns;
    const span rows = rows_to_do(op, image);
    image += group * s->channels * plane;
    d_out += group * s->units * s->out_pixels;
    gradient += mb_conv2d_group(s, group);
    for (size_t channel = 0; channel < s->channels; channel++)
        for (size_t row = 0; row < window->rows; row++, gradient += window->columns) {
            const span here = meeting(rows, row, s->out_rows);
            const mb_direct_grad dots = {here.end - here.first, s->out_columns, s->out_pixels,
                                         s->columns};
            op->ctx.kernels->direct_grad_weights(
                &dots, s->units, window->columns, d_out + (here.first - row) * s->out_columns,
                image + channel * plane + here.first * s->columns, gradient, s->window);
        }
}

/* ---- by pixels ---- */

/* Rows of a window, and how many numbers lie side by side in one: with groups those of a pixel. */
typedef struct side_by_side {
    size_t columns, numbers;
} side_by_side;

static side_by_side numbers_of(const mb_conv2d_op *op)
{
    const mb_conv2d_size *s = &op->size;
    const size_t columns = op->layer->window.columns;
    return s->groups > 1 ? (side_by_side){columns, s->channels}
                         : (side_by_side){1, columns * s->channels};
}

/* The sweep for as many lines as are left, and can be done at once. */
static mb_direct_gemm with_lines(mb_direct_gemm sweep, size_t units)
{
    sweep.vectors = units < LINES * MB_LANES ? 1 : LINES;
    sweep.vector_stride = MB_LANES;
    return sweep;
}

static void pixels_forward(const mb_conv2d_op *op, size_t group, const float *image, float *out)
{
    const mb_conv2d_size *s = &op->size;
    const mb_layer *layer = op->layer;
    const side_by_side n = numbers_of(op);
    const size_t channels = layer->in.channels, row = s->columns * channels;
    const mb_direct_gemm sweep = {
        .count = {layer->window.rows, n.columns, n.numbers},
        .a_stride = {row, channels, 1},
        .b_stride = {n.columns * n.numbers * s->units, n.numbers * s->units, s->units},
        .row_stride = layer->window.stride * channels};
    const float *weights = op->weights + mb_conv2d_group(s, group);
    image += group * s->channels;
    out += group * s->units;
    for (size_t unit = 0; unit < s->units; unit += LINES * MB_LANES) {
        const mb_direct_gemm some = with_lines(sweep, s->units - unit);
        const mb_direct_init bias = {.values = op->bias + group * s->units + unit,
                                     .per_lane = true};
        for (size_t y = 0; y < s->out_rows; y++)
            op->ctx.kernels->direct_gemm(
                &some, s->out_columns, image + y * layer->window.stride * row, weights + unit, bias,
                out + y * s->out_columns * layer->out.channels + unit, layer->out.channels);
    }
}

static void pixels_gradient(const mb_conv2d_op *op, size_t group, const float *image,
                            const float *d_out, float *gradient)
{
    const mb_conv2d_size *s = &op->size;
    const mb_layer *layer = op->layer;
    const side_by_side n = numbers_of(op);
    const size_t channels = layer->in.channels, units = layer->out.channels;
    const size_t row = s->columns * channels, stride = layer->window.stride;
    const mb_direct_gemm sweep = {.count = {1, s->out_rows, s->out_columns},
                                  .a_stride = {0, stride * row, stride * channels},
                                  .b_stride = {0, s->out_columns * units, units},
                                  .row_stride = 1};
    gradient += mb_conv2d_group(s, group);
    image += group * s->channels;
    d_out += group * s->units;
    for (size_t y = 0; y < layer->window.rows; y++)
        for (size_t x = 0; x < n.columns; x++, gradient += n.numbers * s->units)
            for (size_t unit = 0; unit < s->units; unit += LINES * MB_LANES) {
                const mb_direct_gemm some = with_lines(sweep, s->units - unit);
                const mb_direct_init sums = {gradient + unit, s->units, true};
                op->ctx.kernels->direct_gemm(&some, n.numbers, image + y * row + x * channels,
                                             d_out + unit, sums, gradient + unit, s->units);
            }
}

void mb_conv2d_sweep_forward(const mb_conv2d_op *op, const float *image, float *out)
{
    for (size_t group = 0; group < op->size.groups; group++)
        if (op->layer->out_format.planes)
            planes_forward(op, group, image, out);
        else
            pixels_forward(op, group, image, out);
}

void mb_conv2d_sweep_gradient(const mb_conv2d_op *op, const float *image, const float *d_out,
                              float *gradient)
{
    for (size_t group = 0; group < op->size.groups; group++)
        if (op->layer->out_format.planes)
            planes_gradient(op, group, image, d_out, gradient);
        else
            pixels_gradient(op, group, image, d_out, gradient);
}
