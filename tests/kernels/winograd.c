/* Winograd's algorithm: the references multiply by matrices that follow from the points at which
 * polynomials are evaluated, 0, +-3/4, +-3/2 and infinity. Timings: conv2d:64x3 of best, 7 x 7
 * pixels, 4 samples of 4 tiles. */
#include "check.h"

#include <math.h>

enum { POINTS = MB_WINOGRAD_POINTS, SIDE = 6, OUT = 4, KERNEL = 3 };

/* F y F^T with F (to, from), or transposed. */
typedef struct transformation {
    double (*element)(size_t i, size_t j);
    size_t to, from;
    bool transposed;
} transformation;

static const double points[SIDE - 1] = {0, 0.75, -0.75, 1.5, -1.5};

/* Coefficient `power` of the product of (x - point) over the points other than `left_out`. */
static double coefficient(size_t left_out, size_t power)
{
    double polynomial[SIDE] = {1};
    for (size_t p = 0; p < SIDE - 1; p++)
        for (size_t k = SIDE; k-- > 0 && p != left_out;)
            polynomial[k] = (k > 0 ? polynomial[k - 1] : 0) - points[p] * polynomial[k];
    return polynomial[power];
}

/* B^T: the polynomial whose roots are the other points; for infinity, all points. */
static double input_element(size_t i, size_t j) { return coefficient(i, j); }

/* A^T: powers of the points. */
static double output_element(size_t i, size_t j)
{
    return j < SIDE - 1 ? pow(points[j], (double)i) : i == OUT - 1;
}

/* G: powers of the points, divided by B^T's polynomial there. */
static double weights_element(size_t i, size_t j)
{
    double divisor = 0;
    if (i == SIDE - 1)
        return j == KERNEL - 1;
    for (size_t k = 0; k < SIDE; k++)
        divisor += coefficient(i, k) * pow(points[i], (double)k);
    return pow(points[i], (double)j) / divisor;
}

static double element(const transformation *f, size_t i, size_t j)
{
    return f->transposed ? f->element(j, i) : f->element(i, j);
}

/* Element (i, j) of F x F^T, where x (from, from) are those of channel c. */
static double transformed(double factors[SIDE][SIDE], size_t from, size_t i, size_t j,
                          const float *const *x, size_t c)
{
    double sum = 0.0;
    for (size_t p = 0; p < from; p++)
        for (size_t q = 0; q < from; q++)
            sum += factors[i][p] * factors[j][q] * (double)x[p * from + q][c];
    return sum;
}

static void apply(const transformation *f, size_t n, const float *const *x, const float *first,
                  bool add, float *const *y)
{
    double factors[SIDE][SIDE];
    for (size_t i = 0; i < f->to; i++)
        for (size_t j = 0; j < f->from; j++)
            factors[i][j] = element(f, i, j);
    for (size_t i = 0; i < f->to; i++)
        for (size_t j = 0; j < f->to; j++)
            for (size_t c = 0; c < n; c++) {
                float *to = &y[i * f->to + j][c];
                *to = (float)(transformed(factors, f->from, i, j, x, c) +
                              (first != NULL ? (double)first[c] : 0.0) + (add ? (double)*to : 0.0));
            }
}

/* `count` vectors, `stride` elements apart. */
static void list(const float *from, size_t stride, size_t count, const float *list[POINTS])
{
    for (size_t k = 0; k < count; k++)
        list[k] = from + k * stride;
}

static void list_out(float *to, size_t stride, size_t count, float *list[POINTS])
{
    for (size_t k = 0; k < count; k++)
        list[k] = to + k * stride;
}

void mb_reference_winograd_input(size_t n, const float *const *pixels, float *v, size_t plane)
{
    float *y[POINTS];
    list_out(v, plane, POINTS, y);
    apply(&(transformation){input_element, SIDE, SIDE, false}, n, pixels, NULL, false, y);
}

void mb_reference_winograd_input_grad(size_t n, const float *v, size_t plane, float *const *pixels)
{
    const float *x[POINTS];
    list(v, plane, POINTS, x);
    apply(&(transformation){input_element, SIDE, SIDE, true}, n, x, NULL, true, pixels);
}

void mb_reference_winograd_output(size_t n, const float *m, size_t plane, const float *bias,
                                  float *const *out)
{
    const float *x[POINTS];
    list(m, plane, POINTS, x);
    apply(&(transformation){output_element, OUT, SIDE, false}, n, x, bias, false, out);
}

void mb_reference_winograd_output_grad(size_t n, const float *const *d_out, float *m, size_t plane)
{
    float *y[POINTS];
    list_out(m, plane, POINTS, y);
    apply(&(transformation){output_element, SIDE, OUT, true}, n, d_out, NULL, false, y);
}

void mb_reference_winograd_weights(size_t n, const float *w, float *u)
{
    const float *x[POINTS];
    float *y[POINTS];
    list(w, n, KERNEL * KERNEL, x);
    list_out(u, n, POINTS, y);
    apply(&(transformation){weights_element, SIDE, KERNEL, false}, n, x, NULL, false, y);
}

void mb_reference_winograd_weights_grad(size_t n, const float *u, float *w)
{
    const float *x[POINTS];
    float *y[POINTS];
    list(u, n, POINTS, x);
    list_out(w, n, KERNEL * KERNEL, y);
    apply(&(transformation){weights_element, KERNEL, SIDE, true}, n, x, NULL, true, y);
}

/* ---- checks ---- */

/* Sums of up to 36 values below 2, times factors of up to 3 twice. */
static const double tolerance = 2e-4;

static size_t draw_channels(void) { return MB_HALF * mb_test_random_size(1, 9); }

/* A random order of the vectors. */
static void shuffle(size_t count, size_t order[POINTS])
{
    for (size_t k = 0; k < count; k++) {
        const size_t other = mb_test_random_size(0, k);
        order[k] = order[other];
        order[other] = k;
    }
}

void mb_check_winograd_input(const mb_kernels *kernels)
{
    const size_t n = draw_channels(), plane = n + MB_HALF * mb_test_random_size(0, 2);
    const float *pixels[POINTS], *image = mb_draw_input(POINTS * n, MB_ANY);
    const mb_output v = mb_draw_output((POINTS - 1) * plane + n, MB_ANY);
    size_t order[POINTS];
    shuffle(POINTS, order);
    for (size_t k = 0; k < POINTS; k++) /* two are the same: zeros outside of the image */
        pixels[k] = image + order[k == 3 ? 2 : k] * n;
    MB_BOTH (k, i)
        k->winograd_input(n, pixels, v.at[i], plane);
    mb_check_near(tolerance);
}

void mb_check_winograd_input_grad(const mb_kernels *kernels)
{
    const size_t n = draw_channels(), plane = n + MB_HALF * mb_test_random_size(0, 2);
    const float *v = mb_draw_input((POINTS - 1) * plane + n, MB_ANY);
    const mb_output image = mb_draw_output(POINTS * n, MB_ANY);
    size_t order[POINTS];
    shuffle(POINTS, order);
    MB_BOTH (k, i) {
        float *pixels[POINTS];
        for (size_t p = 0; p < POINTS; p++)
            pixels[p] = (float *)image.at[i] + order[p] * n;
        k->winograd_input_grad(n, v, plane, pixels);
    }
    mb_check_near(tolerance);
}

void mb_check_winograd_output(const mb_kernels *kernels)
{
    const size_t n = draw_channels(), plane = n + MB_HALF * mb_test_random_size(0, 2);
    const float *m = mb_draw_input((POINTS - 1) * plane + n, MB_ANY),
                *bias = mb_draw_input(n, MB_ANY);
    const mb_output image = mb_draw_output(OUT * OUT * n, MB_ANY);
    size_t order[POINTS];
    shuffle(OUT * OUT, order);
    MB_BOTH (k, i) {
        float *out[OUT * OUT];
        for (size_t p = 0; p < OUT * OUT; p++)
            out[p] = (float *)image.at[i] + order[p] * n;
        k->winograd_output(n, m, plane, bias, out);
    }
    mb_check_near(tolerance);
}

void mb_check_winograd_output_grad(const mb_kernels *kernels)
{
    const size_t n = draw_channels(), plane = n + MB_HALF * mb_test_random_size(0, 2);
    const float *d_out[OUT * OUT], *image = mb_draw_input(OUT * OUT * n, MB_ANY);
    const mb_output m = mb_draw_output((POINTS - 1) * plane + n, MB_ANY);
    size_t order[POINTS];
    shuffle(OUT * OUT, order);
    for (size_t p = 0; p < OUT * OUT; p++)
        d_out[p] = image + order[p == 1 ? 0 : p] * n;
    MB_BOTH (k, i)
        k->winograd_output_grad(n, d_out, m.at[i], plane);
    mb_check_near(tolerance);
}

void mb_check_winograd_weights(const mb_kernels *kernels)
{
    const size_t n = draw_channels();
    const float *w = mb_draw_input(KERNEL * KERNEL * n, MB_ANY);
    const mb_output u = mb_draw_output(POINTS * n, MB_ANY);
    MB_BOTH (k, i)
        k->winograd_weights(n, w, u.at[i]);
    mb_check_near(tolerance);
}

void mb_check_winograd_weights_grad(const mb_kernels *kernels)
{
    const size_t n = draw_channels();
    const float *u = mb_draw_input(POINTS * n, MB_ANY);
    const mb_output w = mb_draw_output(KERNEL * KERNEL * n, MB_ANY);
    MB_BOTH (k, i)
        k->winograd_weights_grad(n, u, w.at[i]);
    mb_check_near(tolerance);
}

/* ---- timings ---- */

enum {
    CHANNELS = 64,
    WEIGHTS = CHANNELS * CHANNELS / 2, /* points of all do not fit */
    PIXELS = 4 * 8 * 8,
    TILES = 16,
    PLANE = TILES * CHANNELS + MB_LANES,
    ALL = POINTS * PLANE
};

static size_t samples_of(const mb_workload *w) { return mb_workload_samples(w, ALL); }

/* Pixel `p` of a tile of side x side, in 4 images of 8 x 8. */
static size_t pixel_of(size_t tile, size_t side, size_t p)
{
    const size_t y = tile / 2 % 2 * OUT + p / side, x = tile % 2 * OUT + p % side;
    return (tile / 4 * 64 + y % 8 * 8 + x % 8) * CHANNELS;
}

static void run_winograd_input(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t s = 0; s < samples_of(w); s++)
        for (size_t t = 0; t < TILES; t++) {
            const float *pixels[POINTS];
            for (size_t p = 0; p < POINTS; p++)
                pixels[p] = w->a + s * PIXELS * CHANNELS + pixel_of(t, SIDE, p);
            kernels->winograd_input(CHANNELS, pixels, w->out + s * ALL + t * CHANNELS, PLANE);
        }
}

static void run_winograd_input_grad(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t s = 0; s < samples_of(w); s++)
        for (size_t t = 0; t < TILES; t++) {
            float *pixels[POINTS];
            for (size_t p = 0; p < POINTS; p++)
                pixels[p] = w->out + s * PIXELS * CHANNELS + pixel_of(t, SIDE, p);
            kernels->winograd_input_grad(CHANNELS, w->a + s * ALL + t * CHANNELS, PLANE, pixels);
        }
}

static void run_winograd_output(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t s = 0; s < samples_of(w); s++)
        for (size_t t = 0; t < TILES; t++) {
            float *out[OUT * OUT];
            for (size_t p = 0; p < OUT * OUT; p++)
                out[p] = w->out + s * PIXELS * CHANNELS + pixel_of(t, OUT, p);
            kernels->winograd_output(CHANNELS, w->a + s * ALL + t * CHANNELS, PLANE, w->positive,
                                     out);
        }
}

static void run_winograd_output_grad(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t s = 0; s < samples_of(w); s++)
        for (size_t t = 0; t < TILES; t++) {
            const float *d_out[OUT * OUT];
            for (size_t p = 0; p < OUT * OUT; p++)
                d_out[p] = w->a + s * PIXELS * CHANNELS + pixel_of(t, OUT, p);
            kernels->winograd_output_grad(CHANNELS, d_out, w->out + s * ALL + t * CHANNELS, PLANE);
        }
}

static void run_winograd_weights(const mb_kernels *kernels, mb_workload *w)
{
    kernels->winograd_weights(WEIGHTS, w->a, w->out);
}

static void run_winograd_weights_grad(const mb_kernels *kernels, mb_workload *w)
{
    kernels->winograd_weights_grad(WEIGHTS, w->a, w->out);
}

/* Per element of the points. */
MB_TIMING(winograd_input, "winograd_input:best", samples_of(w) * ALL, 8, 8, samples_of(w) * ALL)
MB_TIMING(winograd_output_grad, "winograd_output_grad:best", samples_of(w) * ALL, 5.8, 4.4,
          samples_of(w) * ALL)
MB_TIMING(winograd_output, "winograd_output:best", samples_of(w) * ALL, 5.8, 4.9,
          samples_of(w) * PIXELS * CHANNELS)
MB_TIMING(winograd_input_grad, "winograd_input_grad:best", samples_of(w) * ALL, 12, 8.3,
          samples_of(w) * PIXELS * CHANNELS)
MB_TIMING(winograd_weights, "winograd_weights:best", POINTS *WEIGHTS, 5, 4.25, POINTS *WEIGHTS)
MB_TIMING(winograd_weights_grad, "winograd_weights_grad:best", POINTS *WEIGHTS, 6, 4.25,
          KERNEL *KERNEL *WEIGHTS)
