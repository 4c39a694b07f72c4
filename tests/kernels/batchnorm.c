/* Batch normalization: sums per channel, and scaling. */
#include "check.h"

#include <math.h>
#include <string.h>

static size_t channel_of(mb_layout layout, size_t columns, size_t i)
{
    return layout == MB_LAYOUT_NCHW ? i / columns : i % columns;
}

void mb_reference_batchnorm_reduce(mb_layout layout, size_t rows, size_t columns, const float *a,
                                   const float *b, double *sums, double *products)
{
    for (size_t i = 0; i < rows * columns; i++) {
        const size_t c = channel_of(layout, columns, i);
        sums[c] += (double)a[i];
        products[c] += (double)a[i] * (double)b[i];
    }
}

void mb_reference_batchnorm_forward(mb_layout layout, size_t rows, size_t columns,
                                    const float *scale, const float *shift, const float *x,
                                    float *out)
{
    for (size_t i = 0; i < rows * columns; i++) {
        const size_t c = channel_of(layout, columns, i);
        out[i] = x[i] * scale[c] + shift[c];
    }
}

void mb_reference_batchnorm_backward(mb_layout layout, size_t rows, size_t columns,
                                     const float *d_scale, const float *x_scale, const float *shift,
                                     const float *d, const float *x, float *out)
{
    for (size_t i = 0; i < rows * columns; i++) {
        const size_t c = channel_of(layout, columns, i);
        out[i] = d[i] * d_scale[c] + x[i] * x_scale[c] + shift[c];
    }
}

typedef struct matrix {
    mb_layout layout;
    size_t rows, columns, channels, n;
} matrix;

static matrix draw_matrix(void)
{
    matrix m = {.layout = (mb_layout)mb_test_random_size(0, 1),
                .rows = mb_test_random_size(1, 90),
                .columns = mb_test_random_size(1, 90)};
    m.channels = m.layout == MB_LAYOUT_NCHW ? m.rows : m.columns;
    m.n = m.rows * m.columns;
    return m;
}

/* Squares of values far from 0 do not cancel: mean square - squared mean = variance. */
static void check_far_from_0(const mb_kernels *kernels)
{
    static float a[8192];
    const mb_layout layout = (mb_layout)mb_test_random_size(0, 1);
    const bool nchw = layout == MB_LAYOUT_NCHW;
    const size_t n = mb_test_random_size(100, 8192);
    double sum = 0.0, square = 0.0, variance = 0.0;
    for (size_t i = 0; i < n; i++)
        a[i] = 1000.0f + (float)(i % 2);
    kernels->batchnorm_reduce(layout, nchw ? 1 : n, nchw ? n : 1, a, a, &sum, &square);
    for (size_t i = 0; i < n; i++)
        variance += pow((double)a[i] - sum / (double)n, 2.0) / (double)n;
    const double found = square / (double)n - pow(sum / (double)n, 2.0);
    mb_check_that(fabs(found - variance) <= 1e-6, "variance %g, expected %g", found, variance);
}

void mb_check_batchnorm_reduce(const mb_kernels *kernels)
{
    double begin[2][90];
    check_far_from_0(kernels);
    const matrix m = draw_matrix();
    const float *a = mb_draw_input(m.n, MB_ANY), *b = mb_draw_input(m.n, MB_ANY);
    for (size_t c = 0; c < m.channels; c++)
        for (size_t i = 0; i < 2; i++)
            begin[i][c] = (double)mb_rng_uniform(mb_test_rng());
    const mb_output sums = mb_output_of(begin[0], m.channels * sizeof(double)),
                    products = mb_output_of(begin[1], m.channels * sizeof(double));
    MB_BOTH (k, i)
        k->batchnorm_reduce(m.layout, m.rows, m.columns, a, b, sums.at[i], products.at[i]);
    mb_check_near_doubles(1e-12);
}

void mb_check_batchnorm_forward(const mb_kernels *kernels)
{
    const matrix m = draw_matrix();
    const float *scale = mb_draw_input(m.channels, MB_ANY),
                *shift = mb_draw_input(m.channels, MB_ANY), *x = mb_draw_input(m.n, MB_ANY);
    const mb_output out = mb_draw_output(m.n, MB_ANY);
    MB_BOTH (k, i)
        k->batchnorm_forward(m.layout, m.rows, m.columns, scale, shift, x, out.at[i]);
    mb_check_equal();
}

void mb_check_batchnorm_backward(const mb_kernels *kernels)
{
    const matrix m = draw_matrix();
    const float *d_scale = mb_draw_input(m.channels, MB_ANY),
                *x_scale = mb_draw_input(m.channels, MB_ANY),
                *shift = mb_draw_input(m.channels, MB_ANY), *d = mb_draw_input(m.n, MB_ANY),
                *x = mb_draw_input(m.n, MB_ANY);
    const mb_output out = mb_draw_output(m.n, MB_ANY);
    MB_BOTH (k, i)
        k->batchnorm_backward(m.layout, m.rows, m.columns, d_scale, x_scale, shift, d, x,
                              out.at[i]);
    mb_check_equal();
}

/* ---- timing: after lenet5's first convolution and cnn's second ---- */

static const matrix lenet5 = {MB_LAYOUT_NCHW, 6, 28 * 28, 6, 6 * 28 * 28},
                    cnn = {MB_LAYOUT_NHWC, 24 * 24, 64, 64, 24 * 24 * 64};

static void reduce(const mb_kernels *kernels, const matrix *m, mb_workload *w)
{
    double sums[64] = {0}, products[64] = {0};
    for (size_t s = 0; s < mb_workload_samples(w, m->n); s++)
        kernels->batchnorm_reduce(m->layout, m->rows, m->columns, w->a + s * m->n,
                                  w->positive + s * m->n, sums, products);
    for (size_t c = 0; c < m->channels; c++) {
        w->out[c] = (float)sums[c];
        w->out[m->channels + c] = (float)products[c];
    }
}

static void forward(const mb_kernels *kernels, const matrix *m, mb_workload *w)
{
    for (size_t s = 0; s < mb_workload_samples(w, m->n); s++)
        kernels->batchnorm_forward(m->layout, m->rows, m->columns, w->positive, w->negative,
                                   w->a + s * m->n, w->out + s * m->n);
}

static void backward(const mb_kernels *kernels, const matrix *m, mb_workload *w)
{
    for (size_t s = 0; s < mb_workload_samples(w, m->n); s++)
        kernels->batchnorm_backward(m->layout, m->rows, m->columns, w->positive, w->negative, w->a,
                                    w->a + s * m->n, w->positive + s * m->n, w->out + s * m->n);
}

/* The cases of a kernel: NAME:lenet5 and NAME:cnn. `vectors` of the image's size are read and
 * written. */
#define TIME(name, run, vectors, floats)                                                           \
    static void run##_lenet5(const mb_kernels *k, mb_workload *w) { run(k, &lenet5, w); }          \
    static void run##_cnn(const mb_kernels *k, mb_workload *w) { run(k, &cnn, w); }                \
    void mb_time_##name(mb_workload *w)                                                            \
    {                                                                                              \
        const size_t l = mb_workload_samples(w, lenet5.n) * lenet5.n,                              \
                     c = mb_workload_samples(w, cnn.n) * cnn.n;                                    \
        mb_time(w, #name ":lenet5", run##_lenet5,                                                  \
                (mb_cost){.elements = (double)l, .bytes = 4.0 * (vectors) * (double)l},            \
                (floats) > 0 ? 2 * 6 : l);                                                         \
        mb_time(w, #name ":cnn", run##_cnn,                                                        \
                (mb_cost){.elements = (double)c, .bytes = 4.0 * (vectors) * (double)c},            \
                (floats) > 0 ? 2 * 64 : c);                                                        \
    }
TIME(batchnorm_reduce, reduce, 2, 1)
TIME(batchnorm_forward, forward, 2, 0)
TIME(batchnorm_backward, backward, 3, 0)
