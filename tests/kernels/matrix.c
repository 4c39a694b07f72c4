/* Rows of matrices, and transposition. */
#include "check.h"

#include <string.h>

typedef struct shape {
    size_t rows, columns, ld;
} shape;

static shape draw_shape(void)
{
    const size_t rows = mb_test_random_size(1, 60), columns = mb_test_random_size(1, 50);
    return (shape){rows, columns, columns + mb_test_random_size(0, 5)};
}

static size_t elements_of(shape s) { return (s.rows - 1) * s.ld + s.columns; }

/* ---- transpose ---- */

void mb_reference_transpose(size_t rows, size_t columns, const float *in, size_t ld_in, float *out,
                            size_t ld)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[c * ld + r] = in[r * ld_in + c];
}

void mb_check_transpose(const mb_kernels *kernels)
{
    const shape s = draw_shape(); /* of the output */
    const size_t ld_in = s.rows + mb_test_random_size(0, 5);
    const float *in = mb_draw_input((s.columns - 1) * ld_in + s.rows, MB_ANY);
    const mb_output out = mb_draw_output(elements_of(s), MB_ANY);
    MB_BOTH (k, i)
        k->transpose(s.columns, s.rows, in, ld_in, out.at[i], s.ld);
    mb_check_equal();
}

/* The second layer's weights (128, 64), transposed as for its backward phase. */
static void run_transpose(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t input = 0; input < MB_UNITS1; input += MB_LANES)
        for (size_t unit = 0; unit < MB_UNITS2; unit += MB_LANES)
            kernels->transpose(MB_LANES, MB_LANES, w->a + unit * MB_UNITS1 + input * MB_LANES,
                               MB_LANES, w->out + input * MB_UNITS2 + unit * MB_LANES, MB_LANES);
}

MB_TIMING(transpose, "transpose", MB_UNITS1 *MB_UNITS2, 8, 0, (size_t)MB_UNITS1 *MB_UNITS2)

/* ---- fill_rows, add_rows ---- */

void mb_reference_fill_rows(size_t rows, size_t columns, const float *bias, float *z, size_t ld)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            z[r * ld + c] = bias[c];
}

void mb_check_fill_rows(const mb_kernels *kernels)
{
    const shape s = draw_shape();
    const size_t rows = s.rows % 10 == 0 ? 0 : s.rows;
    const float *bias = mb_draw_input(s.columns, MB_ANY);
    const mb_output z = mb_draw_output(elements_of(s), MB_ANY);
    MB_BOTH (k, i)
        k->fill_rows(rows, s.columns, bias, z.at[i], s.ld);
    mb_check_equal();
}

void mb_reference_add_rows(size_t rows, size_t columns, const float *d, size_t ld, float *sums)
{
    for (size_t c = 0; c < columns; c++)
        for (size_t r = 0; r < rows; r++)
            sums[c] += d[r * ld + c];
}

void mb_check_add_rows(const mb_kernels *kernels)
{
    const shape s = draw_shape();
    const size_t rows = s.rows % 10 == 0 ? 0 : s.rows;
    const float *d = mb_draw_input(elements_of(s), MB_ANY);
    const mb_output sums = mb_draw_output(s.columns, MB_ANY);
    MB_BOTH (k, i)
        k->add_rows(rows, s.columns, d, s.ld, sums.at[i]);
    mb_check_equal();
}

static void run_fill_rows(const mb_kernels *kernels, mb_workload *w)
{
    kernels->fill_rows(w->rows, MB_UNITS1, w->a, w->out, MB_UNITS1);
}

static void run_add_rows(const mb_kernels *kernels, mb_workload *w)
{
    memset(w->out, 0, MB_UNITS1 * sizeof *w->out);
    kernels->add_rows(w->rows, MB_UNITS1, w->a, MB_UNITS1, w->out);
}

MB_TIMING(fill_rows, "fill_rows", w->rows *MB_UNITS1, 4, 0, w->rows *MB_UNITS1)
MB_TIMING(add_rows, "add_rows", w->rows *MB_UNITS1, 4, 0, MB_UNITS1)

/* ---- sum_rows ---- */

void mb_reference_sum_rows(size_t rows, size_t columns, const float *x, size_t ld, float *sums)
{
    for (size_t r = 0; r < rows; r++) {
        double sum = (double)sums[r];
        for (size_t c = 0; c < columns; c++)
            sum += (double)x[r * ld + c];
        sums[r] = (float)sum;
    }
}

void mb_check_sum_rows(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(0, 60), columns = mb_test_random_size(1, 120);
    const size_t ld = columns + mb_test_random_size(0, 9);
    const float *x = mb_draw_input(rows > 0 ? (rows - 1) * ld + columns : 0, MB_ANY);
    const mb_output sums = mb_draw_output(rows, MB_ANY);
    MB_BOTH (k, i)
        k->sum_rows(rows, columns, x, ld, sums.at[i]);
    mb_check_near(1e-4);
}

/* The gradient of the biases of lenet5's first convolution. */
enum { PLANES = 6, PLANE = 28 * 28 };

static void run_sum_rows(const mb_kernels *kernels, mb_workload *w)
{
    memset(w->out, 0, PLANES * sizeof *w->out);
    for (size_t s = 0; s < mb_workload_samples(w, PLANES * PLANE); s++)
        kernels->sum_rows(PLANES, PLANE, w->a + s * PLANES * PLANE, PLANE, w->out);
}

MB_TIMING(sum_rows, "sum_rows:lenet5", mb_workload_samples(w, PLANES *PLANE) * PLANES * PLANE, 4, 0,
          PLANES)

/* ---- small_gemm ---- */

void mb_reference_small_gemm(const mb_small_gemm *g, const float *a, const float *b, float *c)
{
    for (size_t r = 0; r < g->rows; r++)
        for (size_t n = 0; n < g->columns; n++) {
            double sum = g->add ? (double)c[r * g->ldc + n] : 0.0;
            for (size_t k = 0; k < g->depth; k++)
                sum +=
                    (double)a[r * g->row_stride + k * g->depth_stride] * (double)b[k * g->ldb + n];
            c[r * g->ldc + n] = (float)sum;
        }
}

void mb_check_small_gemm(const mb_kernels *kernels)
{
    const bool transposed = mb_test_random_size(0, 1) == 0;
    mb_small_gemm g = {.rows = mb_test_random_size(1, 30),
                       .depth = mb_test_random_size(1, 40),
                       .columns = MB_LANES * mb_test_random_size(1, 5),
                       .add = mb_test_random_size(0, 1) == 0};
    const size_t gap = mb_test_random_size(0, 3);
    g.row_stride = transposed ? 1 : g.depth + gap;
    g.depth_stride = transposed ? g.rows + gap : 1;
    g.ldb = g.columns + mb_test_random_size(0, 3);
    g.ldc = g.columns + mb_test_random_size(0, 3);
    const float *a = mb_draw_input((g.rows - 1) * g.row_stride + (g.depth - 1) * g.depth_stride + 1,
                                   MB_ANY),
                *b = mb_draw_input((g.depth - 1) * g.ldb + g.columns, MB_ANY);
    const mb_output c = mb_draw_output((g.rows - 1) * g.ldc + g.columns, MB_ANY);
    MB_BOTH (k, i)
        k->small_gemm(&g, a, b, c.at[i]);
    mb_check_near(4e-5);
}

/* The products of 16 points of conv2d:64x3 of best: 16 tiles, 64 channels and units. */
static void run_small_gemm(const mb_kernels *kernels, mb_workload *w)
{
    enum { TILES = 16, SIDE = 64 };
    const mb_small_gemm g = {TILES, SIDE, SIDE, SIDE, 1, SIDE, SIDE, false};
    for (size_t k = 0; k < 16; k++)
        kernels->small_gemm(&g, w->a + k * TILES * SIDE, w->positive + k * SIDE * SIDE,
                            w->out + k * TILES * SIDE);
}

MB_TIMING(small_gemm, "small_gemm:best", 16 * 16 * 64, 4.0 * (64.0 / 16 + 2), 2 * 64, 16 * 16 * 64)
