/* The kernels of augmentation. Each twin stands below its kernel. */
#include "kernel_cases.h"

#include <string.h>

/* The reach of the smoothing, 3 sigma of 4, and row lengths of what it reads. */
enum { RADIUS = 12, WIDTH = 2 * MB_LANES, MIDDLE = WIDTH + 2 * RADIUS };

static const uint64_t state = 0x0123456789abcdefu, gamma_step = 0x9e3779b97f4a7c15u;

/* The image is its own frame. About 7 degrees, and a little larger. */
static const mb_warp turn = {.xx = 250.0f,
                             .xy = 30.0f,
                             .x0 = 128.0f * (MB_SIDE - 2),
                             .yx = -30.0f,
                             .yy = 250.0f,
                             .y0 = 128.0f * (MB_SIDE - 2),
                             .max_x = 256.0f * (MB_SIDE - 2),
                             .max_y = 256.0f * (MB_SIDE - 2),
                             .stride = MB_SIDE};

/* Those of a row's pixels that have one right of them and below. */
enum { TAPS = MB_PIXELS - MB_SIDE - 1 };

/* ---- four bytes in a word ---- */

static void taps(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t r = 0; r < d->rows; r++)
        kernels->bilinear_taps(TAPS, MB_SIDE, d->images + r * MB_PIXELS, d->taps + r * MB_PIXELS);
}

static void taps_twin(mb_kernel_data *d)
{
    for (size_t r = 0; r < d->rows; r++)
        for (size_t i = 0; i < TAPS; i++) {
            const uint8_t *at = d->images + r * MB_PIXELS + i;
            d->taps[r * MB_PIXELS + i] = at[0] | (uint32_t)at[1] << 8 |
                                         (uint32_t)at[MB_SIDE] << 16 |
                                         (uint32_t)at[MB_SIDE + 1] << 24;
        }
}

/* Both halves of a word count, in what a float can hold. */
static void taps_collect(mb_kernel_data *d, bool twin)
{
    (void)twin;
    for (size_t i = 0; i < d->rows * MB_PIXELS; i++)
        d->out[i] = (float)(d->taps[i] % 65536) + (float)(d->taps[i] / 65536);
}

/* ---- bilinear ---- */

static void warp(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t r = 0; r < d->rows; r++)
        kernels->warp(MB_PIXELS, &turn, d->x, d->y, NULL, NULL, d->image_taps + r * MB_PIXELS,
                      d->pixels + r * MB_PIXELS);
}

static uint32_t cut_off(float v, float most)
{
    return (uint32_t)((v < 0.0f ? 0.0f : v < most ? v : most) + 0.5f);
}

static void warp_twin(mb_kernel_data *d)
{
    for (size_t r = 0; r < d->rows; r++)
        for (size_t p = 0; p < MB_PIXELS; p++) {
            const float x = turn.xx * d->x[p] + turn.xy * d->y[p] + turn.x0;
            const float y = turn.yx * d->x[p] + turn.yy * d->y[p] + turn.y0;
            const uint32_t column = cut_off(x, turn.max_x), row = cut_off(y, turn.max_y);
            const uint8_t *at = d->images + r * MB_PIXELS + row / 256 * MB_SIDE + column / 256;
            const uint32_t right = column % 256, below = row % 256;
            const uint32_t above = at[0] * (256 - right) + at[1] * right;
            const uint32_t under = at[MB_SIDE] * (256 - right) + at[MB_SIDE + 1] * right;
            d->pixels[r * MB_PIXELS + p] =
                (uint8_t)((above * (256 - below) + under * below + 32768) / 65536);
        }
}

static void warp_collect(mb_kernel_data *d, bool twin)
{
    (void)twin;
    for (size_t i = 0; i < d->rows * MB_PIXELS; i++)
        d->out[i] = (float)d->pixels[i];
}

/* ---- what is not zero, a quarter of an image at a time ---- */

enum { QUARTER = MB_PIXELS / 4 };

static void dots(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t first = 0; first < d->rows * MB_PIXELS; first += QUARTER)
        d->dot_count[first / QUARTER] =
            (uint32_t)kernels->find_nonzero_pixels(QUARTER, d->images + first, d->dot + first);
}

static void dots_twin(mb_kernel_data *d)
{
    for (size_t first = 0; first < d->rows * MB_PIXELS; first += QUARTER) {
        uint32_t kept = 0;
        for (size_t p = 0, last = 0; p < QUARTER; p++)
            if (d->images[first + p] != 0) {
                d->dot[first + kept++] = (mb_nonzero){(uint8_t)(p - last), d->images[first + p]};
                last = p;
            }
        d->dot_count[first / QUARTER] = kept;
    }
}

static void dots_collect(mb_kernel_data *d, bool twin)
{
    (void)twin;
    for (size_t first = 0; first < d->rows * MB_PIXELS; first += QUARTER)
        for (size_t i = 0; i < QUARTER; i++) {
            const mb_nonzero dot = d->dot[first + i];
            const bool kept = i < d->dot_count[first / QUARTER];
            d->out[first + i] = kept ? (float)(256 * dot.delta + dot.value) : -1.0f;
        }
}

/* ---- displacements: half of the pixels' across, half down ---- */

static size_t half(const mb_kernel_data *d) { return d->rows * MB_PIXELS / 2; }

static void noise(const mb_kernels *kernels, mb_kernel_data *d)
{
    kernels->noise(state, half(d), 1.0f, d->out, d->out + half(d));
}

static void noise_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < half(d); i++) {
        uint64_t z = state + i * gamma_step;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        d->out[i] = (float)(int32_t)(z >> 32) * 0x1p-31f;
        d->out[half(d) + i] = (float)(int32_t)(uint32_t)z * 0x1p-31f;
    }
}

/* ---- smoothing, of as many images as there is room for ---- */

static size_t fields(const mb_kernel_data *d)
{
    const size_t room = d->size / (MB_SIDE * MIDDLE);
    return room < d->rows ? room : d->rows;
}

static void smooth_columns(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t f = 0; f < fields(d); f++)
        kernels->smooth_columns(MB_SIDE, MB_SIDE, RADIUS, d->b, d->a + f * MB_SIDE * WIDTH,
                                d->out + f * MB_SIDE * WIDTH, WIDTH);
}

static void smooth_columns_twin(mb_kernel_data *d)
{
    for (size_t f = 0; f < fields(d); f++)
        for (size_t r = 0; r < MB_SIDE; r++)
            for (size_t c = 0; c < WIDTH; c++) {
                float sum = 0.0f;
                for (size_t s = 0; s < MB_SIDE && c < MB_SIDE; s++)
                    if (s + RADIUS >= r && s <= r + RADIUS)
                        sum += d->b[RADIUS + s - r] * d->a[(f * MB_SIDE + s) * WIDTH + c];
                d->out[(f * MB_SIDE + r) * WIDTH + c] = sum;
            }
}

/* The line after the last row may be written. */
static void smooth_rows(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t f = 0; f < fields(d); f++)
        kernels->smooth_rows(MB_SIDE, MB_SIDE, RADIUS, d->b, d->a + f * MB_SIDE * MIDDLE, MIDDLE,
                             d->out + f * MB_PIXELS);
}

static void smooth_rows_twin(mb_kernel_data *d)
{
    for (size_t row = 0; row < fields(d) * MB_SIDE; row++)
        for (size_t c = 0; c < MB_SIDE; c++) {
            float sum = 0.0f;
            for (size_t k = 0; k <= 2 * RADIUS; k++)
                sum += d->b[k] * d->a[row * MIDDLE + c + k];
            d->out[row * MB_SIDE + c] = sum;
        }
}

/* ---- */

size_t mb_kernel_cases_augment(const mb_kernel_data *d, mb_kernel_case *cases)
{
    const size_t all_pixels = d->rows * MB_PIXELS, smoothed = fields(d) * MB_PIXELS;
    const double pixels = (double)all_pixels, n = (double)smoothed, word = sizeof(float);
    const double halves = 2.0 * (double)half(d), lines = (double)(fields(d) * MB_SIDE) * word;
    const double sums = 2.0 * (2 * RADIUS + 1) * n;
    const mb_kernel_case all[] = {
        {"taps", pixels, pixels * (1 + word), 0, taps, taps_twin, all_pixels, taps_collect},
        {"warp", pixels, pixels * (1 + 3 * word), 0, warp, warp_twin, all_pixels, warp_collect},
        {"dots", pixels, pixels + (double)d->dots * sizeof(mb_nonzero), 0, dots, dots_twin,
         all_pixels, dots_collect},
        {"noise", halves, halves * word, 0, noise, noise_twin, 2 * half(d), NULL},
        {"smooth_columns", n, 2 * lines * WIDTH, sums, smooth_columns, smooth_columns_twin,
         fields(d) * MB_SIDE * WIDTH, NULL},
        {"smooth_rows", n, lines * (MIDDLE + MB_SIDE), sums, smooth_rows, smooth_rows_twin,
         smoothed, NULL},
    };
    memcpy(cases, all, sizeof all);
    return sizeof all / sizeof all[0];
}
