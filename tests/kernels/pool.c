/* Max and average pooling. */
#include "check.h"

#include <math.h>
#include <string.h>

/* Index in the image of element `element` of the window of output `out`. */
static size_t index_of(const mb_pool *p, size_t out, size_t element)
{
    return out / p->length * p->outer_stride + out % p->length * p->stride +
           element / p->columns * p->row_stride + element % p->columns * p->column_stride;
}

static size_t window_of(const mb_pool *p) { return p->rows * p->columns; }

static size_t outputs_of(const mb_pool *p) { return p->outer * p->length; }

static size_t image_of(const mb_pool *p)
{
    return index_of(p, outputs_of(p) - 1, window_of(p) - 1) + 1;
}

void mb_reference_maxpool_forward(const mb_pool *pool, const float *x, float *out, int32_t *argmax)
{
    for (size_t i = 0; i < outputs_of(pool); i++) {
        size_t top = 0;
        for (size_t e = 1; e < window_of(pool); e++) {
            const float max = x[index_of(pool, i, top)], value = x[index_of(pool, i, e)];
            if (!isnan(max) && (isnan(value) || value > max))
                top = e;
        }
        out[i] = x[index_of(pool, i, top)];
        if (argmax != NULL)
            argmax[i] = (int32_t)top;
    }
}

void mb_reference_maxpool_backward(const mb_pool *pool, const int32_t *argmax, const float *d_out,
                                   float *d)
{
    for (size_t i = 0; i < outputs_of(pool); i++)
        d[index_of(pool, i, (size_t)argmax[i])] += d_out[i];
}

void mb_reference_avgpool_forward(const mb_pool *pool, float scale, const float *x, float *out)
{
    for (size_t i = 0; i < outputs_of(pool); i++) {
        out[i] = 0.0f;
        for (size_t e = 0; e < window_of(pool); e++)
            out[i] += x[index_of(pool, i, e)];
        out[i] *= scale;
    }
}

void mb_reference_avgpool_backward(const mb_pool *pool, float scale, const float *d_out, float *d)
{
    for (size_t i = 0; i < outputs_of(pool); i++)
        for (size_t e = 0; e < window_of(pool); e++)
            d[index_of(pool, i, e)] += scale * d_out[i];
}

/* NCHW: windows next to each other in a row; half of them tile an image of several rows. */
static mb_pool draw_nchw(void)
{
    const bool tiling = mb_test_random_size(0, 1) == 0;
    const size_t length = mb_test_random_size(1, 40), step = tiling ? 2 : mb_test_random_size(1, 3);
    const size_t columns = tiling ? 2 : mb_test_random_size(1, 4);
    const size_t rows = mb_test_random_size(1, 4),
                 stride = tiling ? rows : mb_test_random_size(1, 3);
    const size_t row = (length - 1) * step + columns + (tiling ? 0 : mb_test_random_size(0, 9));
    return (mb_pool){.outer = mb_test_random_size(1, 6),
                     .outer_stride = stride * row,
                     .length = length,
                     .stride = step,
                     .rows = rows,
                     .row_stride = row,
                     .columns = columns,
                     .column_stride = 1};
}

static mb_pool draw_nhwc(void)
{
    const size_t channels = mb_test_random_size(1, 70), outer = mb_test_random_size(1, 5);
    const size_t columns = mb_test_random_size(1, 4), stride = mb_test_random_size(1, 3);
    return (mb_pool){.outer = outer,
                     .outer_stride = stride * channels,
                     .length = channels,
                     .stride = 1,
                     .rows = mb_test_random_size(1, 4),
                     .row_stride = ((outer - 1) * stride + columns) * channels,
                     .columns = columns,
                     .column_stride = channels};
}

static mb_pool draw_pool(void)
{
    return mb_test_random_size(0, 1) == 0 ? draw_nchw() : draw_nhwc();
}

void mb_check_maxpool_forward(const mb_kernels *kernels)
{
    const mb_pool pool = draw_pool();
    const size_t n = outputs_of(&pool);
    const float *x = mb_draw_input(image_of(&pool), mb_draw_kind());
    const mb_output out = mb_draw_output(n, MB_ANY), argmax = mb_draw_output(n, MB_ANY),
                    alone = mb_draw_output(n, MB_ANY);
    MB_BOTH (k, i)
        k->maxpool_forward(&pool, x, out.at[i], argmax.at[i]);
    MB_BOTH (k, i)
        k->maxpool_forward(&pool, x, alone.at[i], NULL);
    mb_check_equal();
}

static bool tiles(const mb_pool *p)
{
    return p->stride == p->columns && p->row_stride == p->length * p->columns &&
           p->outer_stride == p->rows * p->row_stride;
}

/* Sums of few eighths are exact in any order; those of any values differ by rounding. */
static void compare(mb_values values)
{
    if (values == MB_EIGHTHS)
        mb_check_equal();
    else
        mb_check_near(1e-5);
}

void mb_check_maxpool_backward(const mb_kernels *kernels)
{
    static const float blank[8192];
    const mb_values values = mb_check_round() % 2 == 0 ? MB_ANY : MB_EIGHTHS;
    const mb_pool pool = draw_pool();
    const size_t n = outputs_of(&pool);
    const float *d_out = mb_draw_input(n, values);
    int32_t *argmax = mb_input(n * sizeof *argmax);
    for (size_t i = 0; i < n; i++)
        argmax[i] = (int32_t)mb_test_random_size(0, window_of(&pool) - 1);
    const mb_output d = tiles(&pool) ? mb_output_of(blank, image_of(&pool) * sizeof(float))
                                     : mb_draw_output(image_of(&pool), values);
    MB_BOTH (k, i)
        k->maxpool_backward(&pool, argmax, d_out, d.at[i]);
    compare(values);
}

void mb_check_avgpool_forward(const mb_kernels *kernels)
{
    const mb_values values = mb_check_round() % 2 == 0 ? MB_ANY : MB_EIGHTHS;
    const mb_pool pool = draw_pool();
    const float scale = 1.0f / (float)window_of(&pool);
    const float *x = mb_draw_input(image_of(&pool), values);
    const mb_output out = mb_draw_output(outputs_of(&pool), values);
    MB_BOTH (k, i)
        k->avgpool_forward(&pool, scale, x, out.at[i]);
    compare(values);
}

void mb_check_avgpool_backward(const mb_kernels *kernels)
{
    const mb_values values = mb_check_round() % 2 == 0 ? MB_ANY : MB_EIGHTHS;
    const mb_pool pool = draw_pool();
    const float scale = values == MB_ANY ? 1.0f / (float)window_of(&pool) : 0.25f;
    const float *d_out = mb_draw_input(outputs_of(&pool), values);
    const mb_output d = mb_draw_output(image_of(&pool), values);
    MB_BOTH (k, i)
        k->avgpool_backward(&pool, scale, d_out, d.at[i]);
    compare(values);
}

/* ---- timing: the first pool of each network, sample by sample as nn/pool.c calls it ---- */

typedef struct pooling {
    mb_pool pool;
    size_t calls, image_step, out_step; /* per sample, and the elements from call to call */
    size_t image, out;                  /* elements per sample */
} pooling;

static const pooling lenet5 =
                         {{6 * 14, 2 * 28, 14, 2, 2, 28, 2, 1}, 1, 0, 0, 6 * 28 * 28, 6 * 14 * 14},
                     cnn = {{12, 2 * 64, 64, 1, 2, 24 * 64, 2, 64},
                            12,
                            2 * 24 * 64,
                            12 * 64,
                            24 * 24 * 64,
                            12 * 12 * 64};

static int32_t *timed_argmax; /* (elements of a workload's buffer) */

static void max_forward(const mb_kernels *k, const mb_pool *p, mb_workload *w, size_t x, size_t out)
{
    k->maxpool_forward(p, w->a + x, w->out + out, timed_argmax + out);
}

static void max_backward(const mb_kernels *k, const mb_pool *p, mb_workload *w, size_t x,
                         size_t out)
{
    k->maxpool_backward(p, timed_argmax + out, w->a + out, w->out + x);
}

static void avg_forward(const mb_kernels *k, const mb_pool *p, mb_workload *w, size_t x, size_t out)
{
    k->avgpool_forward(p, 0.25f, w->a + x, w->out + out);
}

static void avg_backward(const mb_kernels *k, const mb_pool *p, mb_workload *w, size_t x,
                         size_t out)
{
    k->avgpool_backward(p, 0.25f, w->a + out, w->out + x);
}

typedef void call_fn(const mb_kernels *k, const mb_pool *p, mb_workload *w, size_t x, size_t out);

static void run_calls(const mb_kernels *kernels, const pooling *p, call_fn *call, mb_workload *w)
{
    if (call == max_backward || call == avg_backward)
        memset(w->out, 0, mb_workload_samples(w, p->image) * p->image * sizeof *w->out);
    for (size_t s = 0; s < mb_workload_samples(w, p->image); s++)
        for (size_t i = 0; i < p->calls; i++)
            call(kernels, &p->pool, w, s * p->image + i * p->image_step,
                 s * p->out + i * p->out_step);
}

static void time_call(mb_workload *w, const char *name, const pooling *p, mb_run_fn *run,
                      bool backward)
{
    const size_t samples = mb_workload_samples(w, p->image);
    const double image = (double)(samples * p->image), out = (double)(samples * p->out);
    timed_argmax = mb_workload_alloc(w, w->size, sizeof *timed_argmax);
    for (size_t i = 0; i < w->size && w->status == MB_OK; i++)
        timed_argmax[i] = (int32_t)((uint32_t)i * 2654435769u >> 30);
    mb_time(w, name, run,
            (mb_cost){.elements = backward ? image : out, .bytes = 4 * image + 8 * out},
            samples * (backward ? p->image : p->out));
}

#define TIME(name, call, backward)                                                                 \
    static void call##_lenet5(const mb_kernels *k, mb_workload *w)                                 \
    {                                                                                              \
        run_calls(k, &lenet5, call, w);                                                            \
    }                                                                                              \
    static void call##_cnn(const mb_kernels *k, mb_workload *w) { run_calls(k, &cnn, call, w); }   \
    void mb_time_##name(mb_workload *w)                                                            \
    {                                                                                              \
        time_call(w, #name ":lenet5", &lenet5, call##_lenet5, backward);                           \
        time_call(w, #name ":cnn", &cnn, call##_cnn, backward);                                    \
    }
TIME(maxpool_forward, max_forward, false)
TIME(maxpool_backward, max_backward, true)
TIME(avgpool_forward, avg_forward, false)
TIME(avgpool_backward, avg_backward, true)
