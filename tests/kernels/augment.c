/* Augmentation: taps, warps, shifts and displacement fields. */
#include "check.h"

#include <math.h>
#include <string.h>

enum { MAX_SIDE = 40, MAX_PLANE = (MAX_SIDE + 3) * (MAX_SIDE + 2) + 1 };

/* Bytes of which some, all or none are 0. */
static uint8_t *draw_bytes(size_t n)
{
    uint8_t *bytes = mb_input(n);
    const size_t blank = mb_test_random_size(0, 4);
    for (size_t i = 0; i < n; i++)
        bytes[i] = mb_test_random_size(1, 4) <= blank ? 0 : (uint8_t)mb_test_random_size(1, 255);
    return bytes;
}

/* ---- bilinear_taps ---- */

void mb_reference_bilinear_taps(size_t n, size_t stride, const uint8_t *image, uint32_t *taps)
{
    for (size_t i = 0; i < n; i++)
        taps[i] = image[i] + 256u * image[i + 1] + 65536u * image[i + stride] +
                  16777216u * image[i + stride + 1];
}

void mb_check_bilinear_taps(const mb_kernels *kernels)
{
    static const uint32_t blank[MAX_PLANE];
    const size_t stride = mb_test_random_size(1, MAX_SIDE), n = mb_test_random_size(0, 1700);
    const uint8_t *image = draw_bytes(n + stride + 1);
    const mb_output taps = mb_output_of(blank, n * sizeof *blank);
    MB_BOTH (k, i)
        k->bilinear_taps(n, stride, image, taps.at[i]);
    mb_check_equal();
}

/* ---- warp ---- */

/* In 256ths of a pixel; a NaN leads to the first. */
static uint32_t point(float v, float max, bool reflect)
{
    if (!reflect)
        return !(v > 0.0f) ? 0 : (uint32_t)((v < max ? v : max) + 0.5f);
    const float last = max - 512.0f;
    float at = isnan(v) ? 0.0f : v - 256.0f;
    while (last > 0.0f && (at < 0.0f || at > last))
        at = at < 0.0f ? -at : 2.0f * last - at;
    return (uint32_t)(256.0f + (last > 0.0f ? at : 0.0f) + 0.5f);
}

void mb_reference_warp(size_t n, const mb_warp *w, const float *x, const float *y, const float *dx,
                       const float *dy, const uint32_t *taps, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        const float to_x = w->xx * x[i] + w->xy * y[i] + w->x0 + (dx != NULL ? dx[i] : 0.0f);
        const float to_y = w->yx * x[i] + w->yy * y[i] + w->y0 + (dy != NULL ? dy[i] : 0.0f);
        const uint32_t column = point(to_x, w->max_x, w->reflect);
        const uint32_t row = point(to_y, w->max_y, w->reflect);
        const uint32_t tap = taps[row / 256 * w->stride + column / 256];
        const uint32_t right = column % 256, below = row % 256;
        const uint32_t top = tap % 256 * (256 - right) + tap / 256 % 256 * right;
        const uint32_t bottom = tap / 65536 % 256 * (256 - right) + tap / 16777216 * right;
        out[i] = (uint8_t)((top * (256 - below) + bottom * below + 32768) / 65536);
    }
}

static float *draw_displacements(size_t n)
{
    float *d = mb_draw_input(n, MB_ANY);
    for (size_t i = 0; i < n; i++)
        d[i] *= 256.0f;
    return d;
}

void mb_check_warp(const mb_kernels *kernels)
{
    static const uint8_t blank[MAX_SIDE * MAX_SIDE];
    const size_t rows = mb_test_random_size(1, MAX_SIDE),
                 columns = mb_test_random_size(1, MAX_SIDE);
    const size_t n = mb_test_random_size(0, rows * columns), stride = columns + 2;
    const bool displaced = mb_test_random_size(0, 1) == 1;
    const float *c = mb_draw_input(6, MB_ANY);
    const mb_warp warp = {.xx = 256 * c[0],
                          .xy = 256 * c[1],
                          .x0 = 128 * ((float)columns + c[2]),
                          .yx = 256 * c[3],
                          .yy = 256 * c[4],
                          .y0 = 128 * ((float)rows + c[5]),
                          .max_x = 256 * (float)(columns + 1),
                          .max_y = 256 * (float)(rows + 1),
                          .stride = stride,
                          .reflect = mb_test_random_size(0, 1) == 1};
    uint32_t *taps = mb_input((rows + 2) * stride * sizeof *taps);
    float *x = mb_draw_input(n, MB_ANY), *y = mb_draw_input(n, MB_ANY), *dx = draw_displacements(n),
          *dy = draw_displacements(n);
    for (size_t i = 0; i < (rows + 2) * stride; i++)
        taps[i] = (uint32_t)mb_rng_next(mb_test_rng());
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(i % columns) - 0.5f * (float)(columns - 1);
        y[i] = (float)(i / columns) - 0.5f * (float)(rows - 1);
    }
    if (displaced && n > 0)
        dx[mb_test_random_size(0, n - 1)] = NAN; /* leads to the first column or the frame */
    const mb_output out = mb_output_of(blank, n);
    MB_BOTH (k, i)
        k->warp(n, &warp, x, y, displaced ? dx : NULL, displaced ? dy : NULL, taps, out.at[i]);
    mb_check_equal();
}

/* ---- shift_image ---- */

/* Steps from pixel to pixel, turning at the outermost ones. */
static size_t walk(ptrdiff_t to, size_t n)
{
    size_t at = 0;
    bool up = true;
    for (ptrdiff_t i = 0; i < (to < 0 ? -to : to) && n > 1; i++) {
        up = at == 0 ? true : at == n - 1 ? false : up;
        at = up ? at + 1 : at - 1;
    }
    return at;
}

void mb_reference_shift_image(const mb_shift *s, const uint8_t *in, uint8_t *out)
{
    const ptrdiff_t rows = (ptrdiff_t)s->rows, columns = (ptrdiff_t)s->columns;
    for (ptrdiff_t i = 0; i < rows * columns; i++) {
        const ptrdiff_t row = i / columns - s->down, column = i % columns - s->right;
        const bool inside = row >= 0 && row < rows && column >= 0 && column < columns;
        const size_t from = walk(column, s->columns);
        const size_t mirrored = s->flip ? s->columns - 1 - from : from;
        out[i] = inside || s->reflect ? in[walk(row, s->rows) * s->columns + mirrored] : s->fill;
    }
}

void mb_check_shift_image(const mb_kernels *kernels)
{
    static const uint8_t blank[MAX_SIDE * MAX_SIDE];
    const size_t far = mb_test_random_size(0, 3) == 0 ? 3 * MAX_SIDE : 4;
    const mb_shift shift = {.rows = mb_test_random_size(1, MAX_SIDE),
                            .columns = mb_test_random_size(1, MAX_SIDE),
                            .right = (ptrdiff_t)mb_test_random_size(0, 2 * far) - (ptrdiff_t)far,
                            .down = (ptrdiff_t)mb_test_random_size(0, 2 * far) - (ptrdiff_t)far,
                            .flip = mb_test_random_size(0, 1) == 1,
                            .reflect = mb_test_random_size(0, 1) == 1,
                            .fill = (uint8_t)mb_test_random_size(0, 255)};
    const uint8_t *in = draw_bytes(shift.rows * shift.columns);
    const mb_output out = mb_output_of(blank, shift.rows * shift.columns);
    MB_BOTH (k, i)
        k->shift_image(&shift, in, out.at[i]);
    mb_check_equal();
}

/* ---- noise: SplitMix64, an output per pair ---- */

void mb_reference_noise(uint64_t state, size_t n, float max, float *a, float *b)
{
    mb_rng rng = {state - 0x9e3779b97f4a7c15u};
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = mb_rng_next(&rng);
        a[i] = (float)(int32_t)(bits >> 32) * (max * 0x1p-31f);
        b[i] = (float)(int32_t)bits * (max * 0x1p-31f);
    }
}

void mb_check_noise(const mb_kernels *kernels)
{
    const uint64_t state = mb_rng_next(mb_test_rng());
    const size_t n = mb_test_random_size(0, MAX_PLANE);
    const float max = (float)mb_test_random_size(0, 1000);
    const mb_output a = mb_draw_output(n, MB_ANY), b = mb_draw_output(n, MB_ANY);
    MB_BOTH (k, i)
        k->noise(state, n, max, a.at[i], b.at[i]);
    for (size_t i = 0; i < n; i++)
        mb_check_that(fabsf(((float *)a.at[0])[i]) <= max && fabsf(((float *)b.at[0])[i]) <= max,
                      "%g of at most %g", (double)((float *)a.at[0])[i], (double)max);
    mb_check_equal();
}

/* ---- smooth_columns, smooth_rows ---- */

void mb_reference_smooth_columns(size_t rows, size_t columns, size_t radius, const float *weights,
                                 const float *in, float *out, size_t ld)
{
    const size_t width = mb_pad_to_lanes(columns);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < width; c++) {
            float sum = 0.0f;
            for (size_t k = 0; k <= 2 * radius && c < columns; k++)
                if (r + k >= radius && r + k - radius < rows)
                    sum += weights[k] * in[(r + k - radius) * width + c];
            out[r * ld + c] = sum;
        }
}

void mb_check_smooth_columns(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, MAX_SIDE),
                 columns = mb_test_random_size(1, MAX_SIDE);
    const size_t radius = mb_test_random_size(0, MAX_SIDE), width = mb_pad_to_lanes(columns);
    const size_t ld = width + mb_test_random_size(0, 9);
    const float *weights = mb_draw_input(2 * radius + 1, MB_ANY),
                *in = mb_draw_input(rows * width, MB_ANY);
    const mb_output out = mb_draw_output((rows - 1) * ld + width, MB_ANY);
    MB_BOTH (k, i)
        k->smooth_columns(rows, columns, radius, weights, in, out.at[i], ld);
    mb_check_equal();
}

void mb_reference_smooth_rows(size_t rows, size_t columns, size_t radius, const float *weights,
                              const float *in, size_t ld, float *out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            float sum = 0.0f;
            for (size_t k = 0; k <= 2 * radius; k++)
                sum += weights[k] * in[r * ld + c + k];
            out[r * columns + c] = sum;
        }
}

void mb_check_smooth_rows(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, 20), columns = mb_test_random_size(1, MAX_SIDE);
    const size_t radius = mb_test_random_size(0, MAX_SIDE), n = rows * columns;
    const size_t ld = mb_pad_to_lanes(columns) + 2 * radius + mb_test_random_size(0, 9);
    const float *weights = mb_draw_input(2 * radius + 1, MB_ANY);
    float *in = mb_draw_input(rows * ld, MB_ANY);
    for (size_t i = 0; i < rows * ld; i++)
        if (i % ld < radius || i % ld >= radius + columns)
            in[i] = 0.0f;
    const mb_output out = mb_draw_output(n + MB_LANES, MB_ANY);
    mb_output_ignore(out, n * sizeof(float));
    MB_BOTH (k, i)
        k->smooth_rows(rows, columns, radius, weights, in, ld, out.at[i]);
    mb_check_equal();
}

/* ---- timing ---- */

/* The radius of the smoothing, 3 sigma of 4, and the row lengths of its matrices; pixels that have
 * a neighbour to the right and below; pixels per segment of an image. */
enum { RADIUS = 12, WIDTH = 2 * MB_LANES, MIDDLE = WIDTH + 2 * RADIUS };
enum { TAPS = MB_PIXELS - MB_SIDE - 1 };

/* A rotation by 7 degrees; the image is its own frame. */
static const mb_warp rotation = {.xx = 250.0f,
                                 .xy = 30.0f,
                                 .x0 = 128.0f * (MB_SIDE - 2),
                                 .yx = -30.0f,
                                 .yy = 250.0f,
                                 .y0 = 128.0f * (MB_SIDE - 2),
                                 .max_x = 256.0f * (MB_SIDE - 2),
                                 .max_y = 256.0f * (MB_SIDE - 2),
                                 .stride = MB_SIDE};

static struct {
    uint32_t *taps;  /* (rows, MB_PIXELS) */
    float *x, *y;    /* (MB_PIXELS) from the image's centre */
    uint8_t *warped; /* (rows, MB_PIXELS) */
} timed;

static void run_bilinear_taps(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t i = 0; i < w->rows * MB_PIXELS; i += MB_PIXELS)
        kernels->bilinear_taps(TAPS, MB_SIDE, w->images + i, timed.taps + i);
}

static void run_warp(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t i = 0; i < w->rows * MB_PIXELS; i += MB_PIXELS)
        kernels->warp(MB_PIXELS, &rotation, timed.x, timed.y, NULL, NULL, timed.taps + i,
                      timed.warped + i);
}

/* Reflected and mirrored: the slowest. */
static void run_shift_image(const mb_kernels *kernels, mb_workload *w)
{
    const mb_shift shift = {MB_SIDE, MB_SIDE, 3, -3, true, true, 0};
    for (size_t i = 0; i < w->rows * MB_PIXELS; i += MB_PIXELS)
        kernels->shift_image(&shift, w->images + i, timed.warped + i);
}

static void run_noise(const mb_kernels *kernels, mb_workload *w)
{
    const size_t half = w->rows * MB_PIXELS / 2;
    kernels->noise(0x0123456789abcdefu, half, 1.0f, w->out, w->out + half);
}

static size_t fields(const mb_workload *w) { return mb_workload_samples(w, MB_SIDE * MIDDLE); }

static void run_smooth_columns(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t i = 0; i < fields(w) * MB_SIDE * WIDTH; i += MB_SIDE * WIDTH)
        kernels->smooth_columns(MB_SIDE, MB_SIDE, RADIUS, w->positive, w->a + i, w->out + i, WIDTH);
}

static void run_smooth_rows(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t f = 0; f < fields(w); f++)
        kernels->smooth_rows(MB_SIDE, MB_SIDE, RADIUS, w->positive, w->a + f * MB_SIDE * MIDDLE,
                             MIDDLE, w->out + f * MB_PIXELS);
}

void mb_time_bilinear_taps(mb_workload *w)
{
    const size_t n = w->rows * MB_PIXELS;
    timed.taps = mb_workload_alloc(w, n, sizeof *timed.taps);
    mb_time_exact(w, "bilinear_taps", run_bilinear_taps,
                  (mb_cost){.elements = (double)n, .bytes = 5.0 * (double)n}, timed.taps,
                  n * sizeof *timed.taps);
}

void mb_time_warp(mb_workload *w)
{
    const size_t n = w->rows * MB_PIXELS;
    timed.taps = mb_workload_alloc(w, n, sizeof *timed.taps);
    timed.x = mb_workload_alloc(w, MB_PIXELS, sizeof *timed.x);
    timed.y = mb_workload_alloc(w, MB_PIXELS, sizeof *timed.y);
    timed.warped = mb_workload_alloc(w, n, 1);
    if (w->status == MB_OK)
        run_bilinear_taps(&mb_reference_kernels, w);
    for (size_t p = 0; p < MB_PIXELS && w->status == MB_OK; p++) {
        timed.x[p] = (float)(p % MB_SIDE) - 0.5f * (MB_SIDE - 1);
        timed.y[p] = (float)(p / MB_SIDE) - 0.5f * (MB_SIDE - 1);
    }
    mb_time_exact(w, "warp", run_warp, (mb_cost){.elements = (double)n, .bytes = 13.0 * (double)n},
                  timed.warped, n);
}

void mb_time_shift_image(mb_workload *w)
{
    const size_t n = w->rows * MB_PIXELS;
    timed.warped = mb_workload_alloc(w, n, 1);
    mb_time_exact(w, "shift_image", run_shift_image,
                  (mb_cost){.elements = (double)n, .bytes = 2.0 * (double)n}, timed.warped, n);
}

MB_TIMING(noise, "noise", w->rows *MB_PIXELS / 2 * 2, 4, 0, w->rows *MB_PIXELS / 2 * 2)

/* The matrices are padded, so their bytes are more than the pixels' 8. */
enum { SUMS = 2 * (2 * RADIUS + 1) };
MB_TIMING(smooth_columns, "smooth_columns", fields(w) * MB_PIXELS, 8.0 * WIDTH / MB_SIDE, SUMS,
          fields(w) * MB_SIDE * WIDTH)
MB_TIMING(smooth_rows, "smooth_rows", fields(w) * MB_PIXELS, 4.0 * (MIDDLE + MB_SIDE) / MB_SIDE,
          SUMS, fields(w) * MB_PIXELS)
