/* The kernels of layers of images, at the sizes of lenet5, where channels come first, and of cnn,
 * where they come last. Each works on as many samples as there is room for. Each twin stands below
 * its kernel. */
#include "kernel_cases.h"

#include <string.h>

/* So many samples of `numbers` numbers, and lines that may be touched behind the last. */
static size_t samples_of(const mb_kernel_data *d, size_t numbers)
{
    const size_t room = (d->size - MB_LANES) / numbers;
    return room < d->rows ? room : d->rows;
}

/* ---- windows of a convolution, and back: the second of each network ---- */

/* Windows of `rows` rows of outputs are taken at once. */
typedef struct convolution {
    bool planes;
    size_t channels, side, kernel, rows, out_side;
} convolution;

static const convolution lenet5_conv = {true, 6, 14, 5, 10, 10},
                         cnn_conv = {false, 32, 26, 3, 2, 24};

static size_t image_numbers(const convolution *c) { return c->channels * c->side * c->side; }

static size_t window_numbers(const convolution *c)
{
    return c->rows * c->out_side * c->channels * c->kernel * c->kernel;
}

static size_t blocks_of(const mb_kernel_data *d, const convolution *c)
{
    const size_t image = image_numbers(c), windows = window_numbers(c);
    return samples_of(d, image > windows ? image : windows);
}

/* expand or fold. */
typedef void move_fn(mb_strided_view segments, const float *from, float *to);

/* As src/nn/conv2d_planes.c calls it: a number of the kernel in all windows. */
static void move_planes(const convolution *c, move_fn *move, bool back, const float *from,
                        float *to)
{
    const mb_strided_view segments = {1, 0, c->rows, c->side, c->out_side};
    size_t window = 0;
    for (size_t channel = 0; channel < c->channels; channel++)
        for (size_t y = 0; y < c->kernel; y++)
            for (size_t x = 0; x < c->kernel; x++, window += c->rows * c->out_side) {
                const size_t image = (channel * c->side + y) * c->side + x;
                move(segments, from + (back ? window : image), to + (back ? image : window));
            }
}

/* As src/nn/conv2d_pixels.c: the windows of a row of outputs. */
static void move_pixels(const convolution *c, move_fn *move, bool back, const float *from,
                        float *to)
{
    const size_t row = c->side * c->channels, length = c->kernel * c->channels;
    const mb_strided_view segments = {c->out_side, c->channels, c->kernel, row, length};
    for (size_t y = 0; y < c->rows; y++) {
        const size_t image = y * row, window = y * c->out_side * c->kernel * length;
        move(segments, from + (back ? window : image), to + (back ? image : window));
    }
}

static void move_all(const convolution *c, move_fn *move, bool back, mb_kernel_data *d)
{
    const size_t image = image_numbers(c), windows = window_numbers(c);
    for (size_t b = 0; b < blocks_of(d, c); b++)
        (c->planes ? move_planes : move_pixels)(c, move, back, d->a + b * (back ? windows : image),
                                                d->out + b * (back ? image : windows));
}

static void expand_lenet5(const mb_kernels *kernels, mb_kernel_data *d)
{
    move_all(&lenet5_conv, kernels->im2col, false, d);
}

static void expand_cnn(const mb_kernels *kernels, mb_kernel_data *d)
{
    move_all(&cnn_conv, kernels->im2col, false, d);
}

static void fold_lenet5(const mb_kernels *kernels, mb_kernel_data *d)
{
    move_all(&lenet5_conv, kernels->col2im, true, d);
}

static void fold_cnn(const mb_kernels *kernels, mb_kernel_data *d)
{
    move_all(&cnn_conv, kernels->col2im, true, d);
}

static void expand_twin(mb_strided_view s, const float *from, float *to)
{
    for (size_t outer = 0; outer < s.outer; outer++)
        for (size_t inner = 0; inner < s.inner; inner++)
            for (size_t i = 0; i < s.length; i++)
                *to++ = from[outer * s.outer_stride + inner * s.inner_stride + i];
}

static void fold_twin(mb_strided_view s, const float *from, float *to)
{
    for (size_t outer = 0; outer < s.outer; outer++)
        for (size_t inner = 0; inner < s.inner; inner++)
            for (size_t i = 0; i < s.length; i++)
                to[outer * s.outer_stride + inner * s.inner_stride + i] += *from++;
}

static void expand_lenet5_twin(mb_kernel_data *d) { move_all(&lenet5_conv, expand_twin, false, d); }

static void expand_cnn_twin(mb_kernel_data *d) { move_all(&cnn_conv, expand_twin, false, d); }

static void fold_lenet5_twin(mb_kernel_data *d) { move_all(&lenet5_conv, fold_twin, true, d); }

static void fold_cnn_twin(mb_kernel_data *d) { move_all(&cnn_conv, fold_twin, true, d); }

/* ---- max pooling: the first of each network ---- */

/* A sample in some passes of the kernel, so many numbers apart, as src/nn/pool.c does it. */
typedef struct pooling {
    mb_pool pass;
    size_t passes, image_step, out_step;
    size_t image, out; /* numbers of a sample */
} pooling;

static const pooling lenet5_pool = {.pass = {6 * 14, 2 * 28, 14, 2, 2, 28, 2, 1},
                                    .passes = 1,
                                    .image = 6 * 28 * 28,
                                    .out = 6 * 14 * 14},
                     cnn_pool = {.pass = {12, 2 * 64, 64, 1, 2, 24 * 64, 2, 64},
                                 .passes = 12,
                                 .image_step = 2 * 24 * 64,
                                 .out_step = 12 * 64,
                                 .image = 24 * 24 * 64,
                                 .out = 12 * 12 * 64};

typedef void pool_fn(const mb_pool *pool, const float *x, float *out, int32_t *which);
typedef void pool_back_fn(const mb_pool *pool, const int32_t *which, const float *d_out, float *d);

static void pool_all(const pooling *p, pool_fn *pool, mb_kernel_data *d)
{
    for (size_t s = 0; s < samples_of(d, p->image); s++)
        for (size_t pass = 0; pass < p->passes; pass++) {
            const size_t out = s * p->out + pass * p->out_step;
            pool(&p->pass, d->a + s * p->image + pass * p->image_step, d->out + out,
                 d->which + out);
        }
}

static void pool_back_all(const pooling *p, pool_back_fn *back, mb_kernel_data *d)
{
    for (size_t s = 0; s < samples_of(d, p->image); s++) {
        float *image = d->out + s * p->image;
        memset(image, 0, p->image * sizeof *image);
        for (size_t pass = 0; pass < p->passes; pass++) {
            const size_t out = s * p->out + pass * p->out_step;
            back(&p->pass, d->which + out, d->a + out, image + pass * p->image_step);
        }
    }
}

/* Behind the largest numbers, which they were. */
static void pool_collect(const pooling *p, mb_kernel_data *d)
{
    const size_t n = samples_of(d, p->image) * p->out;
    for (size_t i = 0; i < n; i++)
        d->out[n + i] = (float)d->which[i];
}

static void largest_lenet5(const mb_kernels *kernels, mb_kernel_data *d)
{
    pool_all(&lenet5_pool, kernels->maxpool_forward, d);
}

static void largest_cnn(const mb_kernels *kernels, mb_kernel_data *d)
{
    pool_all(&cnn_pool, kernels->maxpool_forward, d);
}

static void largest_back_lenet5(const mb_kernels *kernels, mb_kernel_data *d)
{
    pool_back_all(&lenet5_pool, kernels->maxpool_backward, d);
}

static void largest_back_cnn(const mb_kernels *kernels, mb_kernel_data *d)
{
    pool_back_all(&cnn_pool, kernels->maxpool_backward, d);
}

static void largest_twin(const mb_pool *p, const float *x, float *out, int32_t *which)
{
    for (size_t o = 0; o < p->outer; o++)
        for (size_t l = 0; l < p->length; l++, out++, which++) {
            const float *window = x + o * p->outer_stride + l * p->stride;
            *out = *window;
            *which = 0;
            for (size_t i = 1; i < p->rows * p->columns; i++) {
                const float v =
                    window[i / p->columns * p->row_stride + i % p->columns * p->column_stride];
                if (v > *out) {
                    *out = v;
                    *which = (int32_t)i;
                }
            }
        }
}

static void largest_back_twin(const mb_pool *p, const int32_t *which, const float *d_out, float *d)
{
    for (size_t o = 0; o < p->outer; o++)
        for (size_t l = 0; l < p->length; l++, d_out++, which++) {
            const size_t row = (size_t)*which / p->columns, column = (size_t)*which % p->columns;
            d[o * p->outer_stride + l * p->stride + row * p->row_stride +
              column * p->column_stride] += *d_out;
        }
}

static void largest_lenet5_twin(mb_kernel_data *d) { pool_all(&lenet5_pool, largest_twin, d); }

static void largest_cnn_twin(mb_kernel_data *d) { pool_all(&cnn_pool, largest_twin, d); }

static void largest_lenet5_collect(mb_kernel_data *d, bool twin)
{
    (void)twin;
    pool_collect(&lenet5_pool, d);
}

static void largest_cnn_collect(mb_kernel_data *d, bool twin)
{
    (void)twin;
    pool_collect(&cnn_pool, d);
}

static void largest_back_lenet5_twin(mb_kernel_data *d)
{
    pool_back_all(&lenet5_pool, largest_back_twin, d);
}

static void largest_back_cnn_twin(mb_kernel_data *d)
{
    pool_back_all(&cnn_pool, largest_back_twin, d);
}

/* ---- */

size_t mb_kernel_cases_images(const mb_kernel_data *d, mb_kernel_case *cases)
{
    const double word = sizeof(float);
    const size_t l_blocks = blocks_of(d, &lenet5_conv), c_blocks = blocks_of(d, &cnn_conv);
    const size_t l_image = l_blocks * image_numbers(&lenet5_conv),
                 l_windows = l_blocks * window_numbers(&lenet5_conv),
                 c_image = c_blocks * image_numbers(&cnn_conv),
                 c_windows = c_blocks * window_numbers(&cnn_conv);
    const size_t l_in = samples_of(d, lenet5_pool.image) * lenet5_pool.image, l_out = l_in / 4,
                 c_in = samples_of(d, cnn_pool.image) * cnn_pool.image, c_out = c_in / 4;
    const double lw = (double)l_windows, cw = (double)c_windows, li = (double)l_in,
                 ci = (double)c_in, lo = (double)l_out, co = (double)c_out;
    const mb_kernel_case all[] = {
        {"expand:lenet5", lw, 2 * lw * word, 0, expand_lenet5, expand_lenet5_twin, l_windows, NULL},
        {"expand:cnn", cw, 2 * cw * word, 0, expand_cnn, expand_cnn_twin, c_windows, NULL},
        {"fold:lenet5", lw, 3 * lw * word, 0, fold_lenet5, fold_lenet5_twin, l_image, NULL},
        {"fold:cnn", cw, 3 * cw * word, 0, fold_cnn, fold_cnn_twin, c_image, NULL},
        {"largest:lenet5", lo, (li + 2 * lo) * word, 0, largest_lenet5, largest_lenet5_twin,
         2 * l_out, largest_lenet5_collect},
        {"largest:cnn", co, (ci + 2 * co) * word, 0, largest_cnn, largest_cnn_twin, 2 * c_out,
         largest_cnn_collect},
        {"largest_back:lenet5", li, (li + 2 * lo) * word, 0, largest_back_lenet5,
         largest_back_lenet5_twin, l_in, NULL},
        {"largest_back:cnn", ci, (ci + 2 * co) * word, 0, largest_back_cnn, largest_back_cnn_twin,
         c_in, NULL},
    };
    memcpy(cases, all, sizeof all);
    return sizeof all / sizeof all[0];
}
