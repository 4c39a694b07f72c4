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
 * 16 units, 5 x 5, 10 x 10 out; the pool after it leaves a quarter of the gradient non-zero ---- */

enum { WIDE = 32, SIDE1 = 28, UNITS1 = 6, KERNEL = 5, OUT1 = UNITS1 * SIDE1 * SIDE1 };
enum { SIDE2 = 14, CHANNELS = 6, OUT_SIDE = 10, UNITS2 = 16, ROW = SIDE2 * CHANNELS };
enum { SEGMENT = KERNEL * CHANNELS, WINDOW = KERNEL * SEGMENT, VECTORS = 2, NONZEROS = 25 };
enum { IMAGE2 = SIDE2 * ROW, OUT2 = OUT_SIDE * OUT_SIDE * UNITS2 };
enum { UNIT = KERNEL * VECTORS * MB_LANES };

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

/* A plane of the gradient: the first element of each window of the pool, the others 0. */
static const mb_grad_plane timed_plane = {OUT_SIDE, OUT_SIDE, UNITS2, ROW, CHANNELS};
static mb_nonzero_grad timed_list[OUT_SIDE * OUT_SIDE + 1];

static void run_find(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t s = 0; s < mb_workload_samples(w, OUT2); s++)
        for (size_t unit = 0; unit < UNITS2; unit++)
            kernels->find_nonzero_grads(&timed_plane, w->negative + s * OUT2 + unit, timed_list);
}

void mb_time_find_nonzero_grads(mb_workload *w)
{
    const double n = (double)(mb_workload_samples(w, OUT2) * OUT2);
    mb_time_exact(w, "find_nonzero_grads:lenet5", run_find,
                  (mb_cost){.elements = n, .bytes = 4 * n}, timed_list,
                  OUT_SIDE * OUT_SIDE * sizeof *timed_list);
}

static void list_nonzeros(const float *values, mb_nonzero_grad nonzeros[NONZEROS])
{
    for (uint32_t i = 0; i < NONZEROS; i++)
        nonzeros[i] = (mb_nonzero_grad){i / 5 * 2 * ROW + i % 5 * 2 * CHANNELS, values[i]};
}

static void run_accumulate_windows(const mb_kernels *kernels, mb_workload *w)
{
    mb_nonzero_grad nonzeros[NONZEROS];
    memset(w->out, 0, UNITS2 * UNIT * sizeof *w->out);
    for (size_t s = 0; s < mb_workload_samples(w, IMAGE2); s++)
        for (size_t unit = 0; unit < UNITS2; unit++) {
            list_nonzeros(w->positive + unit, nonzeros);
            kernels->accumulate_windows(NONZEROS, nonzeros, KERNEL, VECTORS, w->a + s * IMAGE2, ROW,
                                        w->out + unit * UNIT);
        }
}

static void run_scatter_windows(const mb_kernels *kernels, mb_workload *w)
{
    mb_nonzero_grad nonzeros[NONZEROS];
    const size_t samples = mb_workload_samples(w, IMAGE2);
    memset(w->out, 0, (samples * IMAGE2 + 2 * MB_LANES) * sizeof *w->out);
    for (size_t s = 0; s < samples; s++)
        for (size_t unit = 0; unit < UNITS2; unit++) {
            list_nonzeros(w->positive + unit, nonzeros);
            kernels->scatter_windows(NONZEROS, nonzeros, KERNEL, VECTORS, w->a + unit * UNIT,
                                     w->out + s * IMAGE2, ROW);
        }
}

/* Multiply-adds per element of the image, twice. */
#define FLOPS (2.0 * UNITS2 * NONZEROS * WINDOW / IMAGE2)
MB_TIMING(accumulate_windows, "accumulate_windows:lenet5", mb_workload_samples(w, IMAGE2) * IMAGE2,
          4, FLOPS, UNITS2 *UNIT)
MB_TIMING(scatter_windows, "scatter_windows:lenet5", mb_workload_samples(w, IMAGE2) * IMAGE2, 8,
          FLOPS, mb_workload_samples(w, IMAGE2) * IMAGE2)
