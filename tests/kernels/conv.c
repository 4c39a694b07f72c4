/* Convolution: im2col and its reverse, products in place, and products with sparse gradients. */
#include "check.h"

#include <math.h>
#include <string.h>

/* Sums of n products of values below 4, each rounded once or twice. */
static double tolerance_of(size_t n) { return 1.6e-6 * (double)(n + 1); }

/* ---- im2col, col2im ---- */

static size_t index_of(mb_strided_view v, size_t i)
{
    const size_t row = i / v.length;
    return row / v.inner * v.outer_stride + row % v.inner * v.inner_stride + i % v.length;
}

static size_t elements_of(mb_strided_view v) { return v.outer * v.inner * v.length; }

void mb_reference_im2col(mb_strided_view view, const float *image, float *to)
{
    for (size_t i = 0; i < elements_of(view); i++)
        to[i] = image[index_of(view, i)];
}

void mb_reference_col2im(mb_strided_view view, const float *from, float *image)
{
    for (size_t i = 0; i < elements_of(view); i++)
        image[index_of(view, i)] += from[i];
}

/* Elements that kernels may read, and write, after the last. */
enum { SLACK = MB_LANES - 1 };

/* Short and long rows, apart, adjacent, and overlapping. */
static mb_strided_view draw_view(void)
{
    const size_t length = mb_test_random_size(1, mb_test_random_size(0, 3) > 0 ? 40 : 100);
    const size_t inner = mb_test_random_size(1, 5), step = mb_test_random_size(0, 2 * length);
    return (mb_strided_view){mb_test_random_size(1, 5), mb_test_random_size(0, 3 * inner * length),
                             inner, mb_test_random_size(0, 2) == 0 ? length : step, length};
}

static size_t image_of(mb_strided_view v) { return index_of(v, elements_of(v) - 1) + 1 + SLACK; }

void mb_check_im2col(const mb_kernels *kernels)
{
    const mb_strided_view view = draw_view();
    const float *image = mb_draw_input(image_of(view), MB_ANY);
    const mb_output to = mb_draw_output(elements_of(view) + SLACK, MB_ANY);
    mb_output_ignore(to, elements_of(view) * sizeof(float));
    MB_BOTH (k, i)
        k->im2col(view, image, to.at[i]);
    mb_check_equal();
}

void mb_check_col2im(const mb_kernels *kernels)
{
    const mb_values values = mb_check_round() % 2 == 0 ? MB_ANY : MB_EIGHTHS;
    const mb_strided_view view = draw_view();
    const float *from = mb_draw_input(elements_of(view) + SLACK, values);
    const mb_output image = mb_draw_output(image_of(view), values);
    MB_BOTH (k, i)
        k->col2im(view, from, image.at[i]);
    if (values == MB_EIGHTHS) /* sums are exact in any order */
        mb_check_equal();
    else
        mb_check_near(tolerance_of(25));
}

/* ---- direct_gemm ---- */

void mb_reference_direct_gemm(const mb_direct_gemm *g, size_t rows, const float *a, const float *b,
                              mb_direct_init init, float *c, size_t ldc)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t n = 0; n < g->vectors * MB_LANES; n++) {
            const size_t column = n / MB_LANES * g->vector_stride + n % MB_LANES;
            double sum = (double)init.values[r * init.row_stride + (init.per_lane ? column : 0)];
            for (size_t i = 0; i < g->count[0]; i++)
                for (size_t j = 0; j < g->count[1]; j++)
                    for (size_t k = 0; k < g->count[2]; k++)
                        sum += (double)a[r * g->row_stride + i * g->a_stride[0] +
                                         j * g->a_stride[1] + k * g->a_stride[2]] *
                               (double)b[column + i * g->b_stride[0] + j * g->b_stride[1] +
                                         k * g->b_stride[2]];
            c[r * ldc + column] = (float)sum;
        }
}

static size_t reach(const mb_direct_gemm *g, const size_t stride[3])
{
    size_t last = 0;
    for (size_t i = 0; i < 3; i++)
        last += (g->count[i] - 1) * stride[i];
    return last;
}

/* Overlapping vectors would be added twice, unless they start from separate values. */
void mb_check_direct_gemm(const mb_kernels *kernels)
{
    const size_t start = mb_test_random_size(0, 2);
    mb_direct_gemm g = {.row_stride = mb_test_random_size(0, 9),
                        .vectors = mb_test_random_size(1, 2),
                        .vector_stride = mb_test_random_size(start == 1 ? MB_LANES : 0, MB_LANES)};
    for (size_t i = 0; i < 3; i++) {
        g.count[i] = mb_test_random_size(1, i == 0 ? 3 : 6);
        g.a_stride[i] = mb_test_random_size(0, 20);
        g.b_stride[i] = mb_test_random_size(0, 20);
    }
    const size_t rows = mb_test_random_size(1, 40),
                 width = (g.vectors - 1) * g.vector_stride + MB_LANES;
    const size_t ldc = width + mb_test_random_size(0, 3);
    const float *a = mb_draw_input((rows - 1) * g.row_stride + reach(&g, g.a_stride) + 1, MB_ANY),
                *b = mb_draw_input(reach(&g, g.b_stride) + width, MB_ANY),
                *values = mb_draw_input(rows * width, MB_ANY);
    const mb_output c = mb_draw_output((rows - 1) * ldc + width, MB_ANY);
    const bool shared = mb_test_random_size(0, 1) == 0; /* all rows start alike */
    MB_BOTH (k, i) {
        const mb_direct_init inits[] = {{values, shared ? 0 : 1, false},
                                        {c.at[i], ldc, true}, /* added to what is there */
                                        {values, shared ? 0 : width, true}};
        k->direct_gemm(&g, rows, a, b, inits[start], c.at[i], ldc);
    }
    mb_check_near(tolerance_of(g.count[0] * g.count[1] * g.count[2]));
}

/* ---- direct_maxpool ---- */

/* Output (row, column) of a unit. */
static float convolve(const mb_direct_maxpool *p, const float *weights, const float *image,
                      float bias, size_t row, size_t column)
{
    double sum = (double)bias;
    for (size_t c = 0; c < p->channels; c++)
        for (size_t y = p->first; y < p->end; y++)
            for (size_t x = 0; x < p->columns; x++)
                sum += (double)weights[(c * p->rows + y) * p->columns + x] *
                       (double)image[c * p->channel_stride + (row + y) * p->image_row + column + x];
    return (float)sum;
}

void mb_reference_direct_maxpool(const mb_direct_maxpool *p, size_t units, const float *weights,
                                 const float *image, const float *bias, float *out, int32_t *argmax)
{
    for (size_t unit = 0; unit < units; unit++)
        for (size_t o = 0; o < p->outputs; o++) {
            const size_t at = unit * p->unit_stride + o;
            for (size_t i = 0; i < 4; i++) {
                const float value = convolve(p, weights + unit * p->weight_stride, image,
                                             bias[unit], i / 2, 2 * o + i % 2);
                if (i > 0 && value <= out[at])
                    continue;
                out[at] = value;
                if (argmax != NULL)
                    argmax[at] = (int32_t)i;
            }
        }
}

/* Sums of eighths are exact in any order, so maxima and their places agree, equal ones too. */
void mb_check_direct_maxpool(const mb_kernels *kernels)
{
    mb_direct_maxpool p = {.channels = mb_test_random_size(1, 3),
                           .rows = mb_test_random_size(1, 6),
                           .columns = mb_test_random_size(1, 6),
                           .outputs = mb_test_random_size(0, 40)};
    const size_t units = mb_test_random_size(1, 14), padding = mb_test_random_size(0, 3);
    p.weight_stride = p.channels * p.rows * p.columns + padding;
    p.image_row = 2 * p.outputs + p.columns - 1 + mb_test_random_size(0, 4);
    p.channel_stride = (p.rows + 1) * p.image_row;
    p.end = mb_test_random_size(0, p.rows);
    p.first = mb_test_random_size(0, p.end);
    p.unit_stride = p.outputs + mb_test_random_size(0, 5);
    const float *image = mb_draw_input(p.channels * p.channel_stride + MB_LANES, MB_EIGHTHS),
                *weights = mb_draw_input(units * p.weight_stride, MB_EIGHTHS),
                *bias = mb_draw_input(units, MB_EIGHTHS);
    const mb_output out = mb_draw_output(units * p.unit_stride, MB_EIGHTHS),
                    argmax = mb_draw_output(units * p.unit_stride, MB_EIGHTHS);
    const bool trains = mb_test_random_size(0, 3) > 0;
    MB_BOTH (k, i)
        k->direct_maxpool(&p, units, weights, image, bias, out.at[i], trains ? argmax.at[i] : NULL);
    mb_check_equal();
}

/* ---- direct_grad_weights ---- */

void mb_reference_direct_grad_weights(const mb_direct_grad *g, size_t units, size_t shifts,
                                      const float *d, const float *image, float *sums, size_t ld)
{
    for (size_t unit = 0; unit < units; unit++)
        for (size_t shift = 0; shift < shifts; shift++) {
            double sum = (double)sums[unit * ld + shift];
            for (size_t y = 0; y < g->rows; y++)
                for (size_t x = 0; x < g->columns; x++)
                    sum += (double)d[unit * g->plane_stride + y * g->columns + x] *
                           (double)image[y * g->image_row + x + shift];
            sums[unit * ld + shift] = (float)sum;
        }
}

void mb_check_direct_grad_weights(const mb_kernels *kernels)
{
    const size_t units = mb_test_random_size(1, 13), shifts = mb_test_random_size(1, 11);
    mb_direct_grad g = {.rows = mb_test_random_size(1, 9),
                        .columns = mb_test_random_size(MB_LANES, 70)};
    g.plane_stride = g.rows * g.columns + mb_test_random_size(0, 3);
    g.image_row = g.columns + mb_test_random_size(0, 12);
    const size_t ld = shifts + mb_test_random_size(0, 5);
    const float *d = mb_draw_input((units - 1) * g.plane_stride + g.rows * g.columns, MB_ANY);
    const float *image = mb_draw_input((g.rows - 1) * g.image_row + g.columns + shifts - 1, MB_ANY);
    const mb_output sums = mb_draw_output((units - 1) * ld + shifts, MB_ANY);
    MB_BOTH (k, i)
        k->direct_grad_weights(&g, units, shifts, d, image, sums.at[i], ld);
    mb_check_near(tolerance_of(g.rows * g.columns));
}

/* ---- sparse gradients ---- */

size_t mb_reference_find_nonzero_grads(const mb_grad_plane *plane, const uint32_t *offsets,
                                       const int32_t *argmax, const float *grads,
                                       mb_nonzero_grad *nonzeros)
{
    size_t count = 0;
    for (size_t i = 0; i < plane->rows * plane->columns; i++)
        if (grads[i * plane->stride] != 0.0f) {
            const size_t offset = i / plane->columns * plane->row_offset +
                                  i % plane->columns * plane->column_offset +
                                  offsets[argmax[i * plane->stride]];
            nonzeros[count++] = (mb_nonzero_grad){(uint32_t)offset, grads[i * plane->stride]};
        }
    return count;
}

void mb_reference_accumulate_windows(size_t n, const mb_nonzero_grad *nonzeros, size_t rows,
                                     size_t halves, const float *image, size_t ld, float *sums)
{
    const size_t width = halves * MB_HALF;
    for (size_t i = 0; i < rows * width; i++) {
        double sum = (double)sums[i];
        for (size_t p = 0; p < n; p++)
            sum += (double)nonzeros[p].value *
                   (double)image[nonzeros[p].offset + i / width * ld + i % width];
        sums[i] = (float)sum;
    }
}

void mb_reference_scatter_windows(size_t n, const mb_nonzero_grad *nonzeros, size_t rows,
                                  size_t halves, const float *window, float *image, size_t ld)
{
    const size_t width = halves * MB_HALF;
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < rows * width; i++)
            image[nonzeros[p].offset + i / width * ld + i % width] += nonzeros[p].value * window[i];
}

/* Most gradients are 0, of either sign; occasionally one is NaN. The list has capacity for a
 * half vector more. */
void mb_check_find_nonzero_grads(const mb_kernels *kernels)
{
    static const mb_nonzero_grad blank[9 * 20 + MB_HALF];
    const mb_grad_plane plane = {.rows = mb_test_random_size(0, 9),
                                 .columns = mb_test_random_size(0, 20),
                                 .window = mb_test_random_size(1, 20),
                                 .stride = mb_test_random_size(1, 3),
                                 .row_offset = mb_test_random_size(0, 50),
                                 .column_offset = mb_test_random_size(0, 9)};
    const size_t n = plane.rows * plane.columns;
    float *grads = mb_draw_input(n * plane.stride, MB_ANY);
    for (size_t i = 0; i < n * plane.stride; i++)
        if (mb_test_random_size(0, 3) > 0)
            grads[i] = mb_test_random_size(0, 1) == 1 ? 0.0f : -0.0f;
    if (n > 0 && mb_test_random_size(0, 1) == 1)
        grads[mb_test_random_size(0, n - 1) * plane.stride] = NAN;
    uint32_t *offsets = mb_input(plane.window * sizeof *offsets);
    int32_t *argmax = mb_input(n * plane.stride * sizeof *argmax);
    for (size_t i = 0; i < plane.window; i++)
        offsets[i] = (uint32_t)mb_test_random_size(0, 99);
    for (size_t i = 0; i < n * plane.stride; i++)
        argmax[i] = (int32_t)mb_test_random_size(0, plane.window - 1);
    const mb_output list = mb_output_of(blank, (n + MB_HALF) * sizeof *blank);
    const size_t found = kernels->find_nonzero_grads(&plane, offsets, argmax, grads, list.at[0]),
                 wanted =
                     mb_reference_find_nonzero_grads(&plane, offsets, argmax, grads, list.at[1]);
    mb_check_that(found == wanted, "%zu non-zeros, expected %zu", found, wanted);
    mb_output_ignore(list, wanted * sizeof *blank);
    mb_check_equal();
}

/* Windows in an image that ends with the last. */
typedef struct windows {
    size_t n, rows, halves, ld, image;
    mb_nonzero_grad nonzeros[60];
} windows;

static windows draw_windows(void)
{
    windows w = {.n = mb_test_random_size(0, 60),
                 .rows = mb_test_random_size(1, 8),
                 .halves = mb_test_random_size(1, 14),
                 .ld = mb_test_random_size(0, 300)};
    const size_t window = (w.rows - 1) * w.ld + w.halves * MB_HALF;
    w.image = window + mb_test_random_size(0, 6000 - window);
    for (size_t p = 0; p < w.n; p++) {
        w.nonzeros[p].offset = (uint32_t)mb_test_random_size(0, w.image - window);
        mb_test_random_floats(&w.nonzeros[p].value, 1);
    }
    return w;
}

void mb_check_accumulate_windows(const mb_kernels *kernels)
{
    const windows w = draw_windows();
    const float *image = mb_draw_input(w.image, MB_ANY);
    const mb_output sums = mb_draw_output(w.rows * w.halves * MB_HALF, MB_ANY);
    MB_BOTH (k, i)
        k->accumulate_windows(w.n, w.nonzeros, w.rows, w.halves, image, w.ld, sums.at[i]);
    mb_check_near(tolerance_of(w.n));
}

void mb_check_scatter_windows(const mb_kernels *kernels)
{
    const windows w = draw_windows();
    const float *window = mb_draw_input(w.rows * w.halves * MB_HALF, MB_ANY);
    const mb_output image = mb_draw_output(w.image, MB_ANY);
    MB_BOTH (k, i)
        k->scatter_windows(w.n, w.nonzeros, w.rows, w.halves, window, image.at[i], w.ld);
    mb_check_near(tolerance_of(w.n * w.rows));
}
