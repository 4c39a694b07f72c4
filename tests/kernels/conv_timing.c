/* Timings of the kernels of convolutions: the second convolution of lenet5 and of cnn for im2col;
 * lenet5's two for the products in place and with sparse gradients. */
#include "check.h"

#include <string.h>

/* ---- im2col, col2im ---- */

/* `rows` rows of outputs at once. */
typedef struct convolution {
    bool nchw;
    size_t channels, side, kernel, rows, out_side;
} convolution;

static const convolution lenet5 = {true, 6, 14, 5, 10, 10}, cnn = {false, 32, 26, 3, 2, 24};

static size_t image_of(const convolution *c) { return c->channels * c->side * c->side; }

static size_t windows_of(const convolution *c)
{
    return c->rows * c->out_side * c->channels * c->kernel * c->kernel;
}

static size_t samples_of(const mb_workload *w, const convolution *c)
{
    const size_t image = image_of(c), windows = windows_of(c);
    return mb_workload_samples(w, image > windows ? image : windows);
}

static void move(const mb_kernels *kernels, bool back, mb_strided_view view, float *image,
                 float *windows)
{
    if (back)
        kernels->col2im(view, windows, image);
    else
        kernels->im2col(view, image, windows);
}

/* As nn calls them for NCHW: an element of the kernel in all windows. */
static void move_nchw(const mb_kernels *kernels, const convolution *c, bool back, float *image,
                      float *windows)
{
    const mb_strided_view view = {1, 0, c->rows, c->side, c->out_side};
    for (size_t channel = 0; channel < c->channels; channel++)
        for (size_t y = 0; y < c->kernel; y++)
            for (size_t x = 0; x < c->kernel; x++, windows += c->rows * c->out_side)
                move(kernels, back, view, image + (channel * c->side + y) * c->side + x, windows);
}

/* And for NHWC: the windows of a row of outputs. */
static void move_nhwc(const mb_kernels *kernels, const convolution *c, bool back, float *image,
                      float *windows)
{
    const size_t row = c->side * c->channels, length = c->kernel * c->channels;
    const mb_strided_view view = {c->out_side, c->channels, c->kernel, row, length};
    for (size_t y = 0; y < c->rows; y++)
        move(kernels, back, view, image + y * row, windows + y * c->out_side * c->kernel * length);
}

static void move_all(const mb_kernels *kernels, const convolution *c, bool back, mb_workload *w)
{
    const size_t image = image_of(c), windows = windows_of(c);
    for (size_t s = 0; s < samples_of(w, c); s++)
        (c->nchw ? move_nchw : move_nhwc)(kernels, c, back, (back ? w->out : w->a) + s * image,
                                          (back ? w->a : w->out) + s * windows);
}

#define TIME(name, network, back)                                                                  \
    static void run_##name##_##network(const mb_kernels *k, mb_workload *w)                        \
    {                                                                                              \
        move_all(k, &network, back, w);                                                            \
    }                                                                                              \
    static void time_##name##_##network(mb_workload *w)                                            \
    {                                                                                              \
        const size_t samples = samples_of(w, &network);                                            \
        const double n = (double)(samples * windows_of(&network));                                 \
        mb_time(w, #name ":" #network, run_##name##_##network,                                     \
                (mb_cost){.elements = n, .bytes = (back ? 12 : 8) * n},                            \
                samples *(back ? image_of(&network) : windows_of(&network)));                      \
    }
TIME(im2col, lenet5, false)
TIME(im2col, cnn, false)
TIME(col2im, lenet5, true)
TIME(col2im, cnn, true)

void mb_time_im2col(mb_workload *w)
{
    time_im2col_lenet5(w);
    time_im2col_cnn(w);
}

void mb_time_col2im(mb_workload *w)
{
    time_col2im_lenet5(w);
    time_col2im_cnn(w);
}

/* ---- direct_gemm, direct_grad_weights, sparse gradients, of lenet5. The first convolution: a
 * padded image of 32 x 32, 6 units, 5 x 5, 28 x 28 out. The second: 14 x 14 of 6 channels (NHWC),
 * 16 units, 5 x 5, 10 x 10 out ---- */

enum { WIDE = 32, SIDE1 = 28, UNITS1 = 6, KERNEL = 5, OUT1 = UNITS1 * SIDE1 * SIDE1 };
enum { SIDE2 = 14, CHANNELS = 6, OUT_SIDE = 10, UNITS2 = 16, ROW = SIDE2 * CHANNELS };
enum { SEGMENT = KERNEL * CHANNELS, WINDOW = KERNEL * SEGMENT };
enum { IMAGE2 = SIDE2 * ROW, OUT2 = OUT_SIDE * OUT_SIDE * UNITS2 };

static void run_direct_gemm(const mb_kernels *kernels, mb_workload *w)
{
    const mb_direct_gemm gemm = {.count = {1, KERNEL, SEGMENT},
                                 .a_stride = {0, ROW, 1},
                                 .b_stride = {0, SEGMENT * UNITS2, UNITS2},
                                 .row_stride = CHANNELS,
                                 .vectors = 1,
                                 .vector_stride = MB_LANES};
    const mb_direct_init bias = {w->negative, 0, true};
    for (size_t s = 0; s < mb_workload_samples(w, OUT2); s++)
        for (size_t y = 0; y < OUT_SIDE; y++)
            kernels->direct_gemm(&gemm, OUT_SIDE, w->a + s * IMAGE2 + y * ROW, w->positive, bias,
                                 w->out + s * OUT2 + y * OUT_SIDE * UNITS2, UNITS2);
}

MB_TIMING(direct_gemm, "direct_gemm:lenet5", mb_workload_samples(w, OUT2) * OUT2,
          4.0 * (OUT2 + IMAGE2) / OUT2, 2 * WINDOW, mb_workload_samples(w, OUT2) * OUT2)

static void run_direct_maxpool(const mb_kernels *kernels, mb_workload *w)
{
    enum { OUTPUTS = SIDE1 / 2, UNIT_OUTPUTS = OUTPUTS * OUTPUTS };
    static int32_t argmax[UNITS1 * UNIT_OUTPUTS];
    const mb_direct_maxpool pooled = {.channels = 1,
                                      .rows = KERNEL,
                                      .columns = KERNEL,
                                      .weight_stride = KERNEL * KERNEL,
                                      .image_row = WIDE,
                                      .end = KERNEL,
                                      .outputs = OUTPUTS,
                                      .unit_stride = UNIT_OUTPUTS};
    for (size_t s = 0; s < mb_workload_samples(w, OUT1); s++)
        for (size_t y = 0; y < OUTPUTS; y++)
            kernels->direct_maxpool(
                &pooled, UNITS1, w->positive, w->a + s * WIDE * WIDE + 2 * y * WIDE, w->negative,
                w->out + s * UNITS1 * UNIT_OUTPUTS + y * OUTPUTS, argmax + y * OUTPUTS);
}

MB_TIMING(direct_maxpool, "direct_maxpool:lenet5", mb_workload_samples(w, OUT1) * OUT1,
          4.0 * (OUT1 / 4 * 2 + WIDE * WIDE) / OUT1, 2 * KERNEL * KERNEL,
          mb_workload_samples(w, OUT1) * OUT1 / 4)

static void run_direct_grad_weights(const mb_kernels *kernels, mb_workload *w)
{
    const mb_direct_grad geometry = {SIDE1, SIDE1, SIDE1 * SIDE1, WIDE};
    memset(w->out, 0, UNITS1 * KERNEL * KERNEL * sizeof *w->out);
    for (size_t s = 0; s < mb_workload_samples(w, OUT1); s++)
        for (size_t y = 0; y < KERNEL; y++)
            kernels->direct_grad_weights(&geometry, UNITS1, KERNEL, w->a + s * OUT1,
                                         w->positive + s * WIDE * WIDE + y * WIDE,
                                         w->out + y * KERNEL, KERNEL * KERNEL);
}

MB_TIMING(direct_grad_weights, "direct_grad_weights:lenet5", mb_workload_samples(w, OUT1) * OUT1,
          4.0 * (OUT1 + WIDE * WIDE) / OUT1, 2 * KERNEL * KERNEL, UNITS1 *KERNEL *KERNEL)

/* Pixels of the second convolution's image are padded to a half vector. */
enum { PIXEL = MB_HALF, PADDED_ROW = SIDE2 * PIXEL, PADDED = SIDE2 * PADDED_ROW };
enum { HALVES = KERNEL * PIXEL / MB_HALF, UNIT = KERNEL * HALVES * MB_HALF };
enum { POOLED = OUT_SIDE / 2, NONZEROS = POOLED * POOLED, GRADS = NONZEROS * UNITS2 };

/* The gradients of the pool's outputs, none of them 0; maxima are the first of their windows. */
static const mb_grad_plane timed_plane = {POOLED, POOLED, 4, UNITS2, 2 * PADDED_ROW, 2 * PIXEL};
static mb_nonzero_grad timed_list[NONZEROS + MB_HALF];

static void run_find(const mb_kernels *kernels, mb_workload *w)
{
    static const uint32_t offsets[] = {0};
    static const int32_t argmax[GRADS];
    for (size_t s = 0; s < mb_workload_samples(w, GRADS); s++)
        for (size_t unit = 0; unit < UNITS2; unit++)
            kernels->find_nonzero_grads(&timed_plane, offsets, argmax + unit,
                                        w->positive + s * GRADS + unit, timed_list);
}

void mb_time_find_nonzero_grads(mb_workload *w)
{
    const double n = (double)(mb_workload_samples(w, GRADS) * GRADS);
    mb_time_exact(w, "find_nonzero_grads:lenet5", run_find,
                  (mb_cost){.elements = n, .bytes = 8 * n}, timed_list,
                  NONZEROS * sizeof *timed_list);
}

static void list_nonzeros(const float *values, mb_nonzero_grad nonzeros[NONZEROS])
{
    for (uint32_t i = 0; i < NONZEROS; i++)
        nonzeros[i] =
            (mb_nonzero_grad){i / POOLED * 2 * PADDED_ROW + i % POOLED * 2 * PIXEL, values[i]};
}

static void run_accumulate_windows(const mb_kernels *kernels, mb_workload *w)
{
    mb_nonzero_grad nonzeros[NONZEROS];
    memset(w->out, 0, UNITS2 * UNIT * sizeof *w->out);
    for (size_t s = 0; s < mb_workload_samples(w, PADDED); s++)
        for (size_t unit = 0; unit < UNITS2; unit++) {
            list_nonzeros(w->positive + unit, nonzeros);
            kernels->accumulate_windows(NONZEROS, nonzeros, KERNEL, HALVES, w->a + s * PADDED,
                                        PADDED_ROW, w->out + unit * UNIT);
        }
}

static void run_scatter_windows(const mb_kernels *kernels, mb_workload *w)
{
    mb_nonzero_grad nonzeros[NONZEROS];
    const size_t samples = mb_workload_samples(w, PADDED);
    memset(w->out, 0, samples * PADDED * sizeof *w->out);
    for (size_t s = 0; s < samples; s++)
        for (size_t unit = 0; unit < UNITS2; unit++) {
            list_nonzeros(w->positive + unit, nonzeros);
            kernels->scatter_windows(NONZEROS, nonzeros, KERNEL, HALVES, w->a + unit * UNIT,
                                     w->out + s * PADDED, PADDED_ROW);
        }
}

/* Multiply-adds per element of the image, twice. */
#define FLOPS (2.0 * UNITS2 * NONZEROS * UNIT / PADDED)
MB_TIMING(accumulate_windows, "accumulate_windows:lenet5", mb_workload_samples(w, PADDED) * PADDED,
          4, FLOPS, UNITS2 *UNIT)
MB_TIMING(scatter_windows, "scatter_windows:lenet5", mb_workload_samples(w, PADDED) * PADDED, 8,
          FLOPS, mb_workload_samples(w, PADDED) * PADDED)
