#include "kernels/kernels.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <string.h>

/* The kernels of augmentation at every level that this CPU has, against naive twins with the same
 * operations in the same order: equal bit by bit, and so equal to each other. What lies around the
 * output must stay. */

enum { ROUNDS = 60, SIDE = 40, MOST = (SIDE + 3) * (SIDE + 2) + 1, GUARD = 64 };

static uint8_t plane[MOST], bytes_found[MOST + GUARD], bytes_wanted[MOST + GUARD];
static uint32_t taps[MOST], words_found[MOST + GUARD], words_wanted[MOST + GUARD];
static float x[MOST], y[MOST], dx[MOST], dy[MOST];
static float in[MOST * 4], found[MOST * 4], wanted[MOST * 4];

typedef void check_fn(const mb_kernels *kernels);

static void at_each_level(check_fn *check)
{
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++)
        for (size_t round = 0; round < ROUNDS; round++)
            check(mb_kernels_at(level));
}

/* Bytes of which some, all or none are 0. */
static void draw_bytes(uint8_t *bytes, size_t n)
{
    const size_t blank = mb_test_random_size(0, 4);
    for (size_t i = 0; i < n; i++)
        bytes[i] = mb_test_random_size(1, 4) <= blank ? 0 : (uint8_t)mb_test_random_size(1, 255);
}

static void check_taps(const mb_kernels *kernels)
{
    const size_t stride = mb_test_random_size(1, SIDE),
                 n = mb_test_random_size(0, MOST - stride - 1);
    draw_bytes(plane, MOST);
    memset(words_found, 7, sizeof words_found);
    memset(words_wanted, 7, sizeof words_wanted);
    for (size_t i = 0; i < n; i++)
        words_wanted[i] = plane[i] + 256u * plane[i + 1] + 65536u * plane[i + stride] +
                          16777216u * plane[i + stride + 1];
    kernels->bilinear_taps(n, stride, plane, words_found);
    assert_memory_equal(words_found, words_wanted, sizeof words_found);
}

/* A point's 256th, cut off. */
static uint32_t cut_off(float v, float most)
{
    if (!(v > 0.0f))
        return 0;
    return (uint32_t)((v < most ? v : most) + 0.5f);
}

static uint8_t warp_twin(const mb_warp *w, size_t i, int displaced)
{
    const float to_x = w->xx * x[i] + w->xy * y[i] + w->x0 + (displaced ? dx[i] : 0.0f);
    const float to_y = w->yx * x[i] + w->yy * y[i] + w->y0 + (displaced ? dy[i] : 0.0f);
    const uint32_t column = cut_off(to_x, w->max_x), row = cut_off(to_y, w->max_y);
    const uint32_t tap = taps[row / 256 * w->stride + column / 256];
    const uint32_t right = column % 256, below = row % 256;
    const uint32_t above = tap % 256 * (256 - right) + tap / 256 % 256 * right;
    const uint32_t under = tap / 65536 % 256 * (256 - right) + tap / 16777216 * right;
    return (uint8_t)((above * (256 - below) + under * below + 32768) / 65536);
}

static void check_warp(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, SIDE), columns = mb_test_random_size(1, SIDE);
    const size_t n = mb_test_random_size(0, rows * columns), stride = columns + 2;
    const int displaced = (int)mb_test_random_size(0, 1);
    float c[6];
    mb_test_random_floats(c, 6);
    const mb_warp warp = {256 * c[0],
                          256 * c[1],
                          128 * ((float)columns + c[2]),
                          256 * c[3],
                          256 * c[4],
                          128 * ((float)rows + c[5]),
                          256 * (float)(columns + 1),
                          256 * (float)(rows + 1),
                          stride};
    draw_bytes(plane, MOST);
    for (size_t i = 0; i < (rows + 2) * stride; i++)
        taps[i] = (uint32_t)mb_rng_next(mb_test_rng());
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(i % columns) - 0.5f * (float)(columns - 1);
        y[i] = (float)(i / columns) - 0.5f * (float)(rows - 1);
    }
    mb_test_random_floats(dx, n);
    mb_test_random_floats(dy, n);
    for (size_t i = 0; i < n; i++) {
        dx[i] *= 256.0f;
        dy[i] *= 256.0f;
    }
    if (displaced && n > 0)
        dx[mb_test_random_size(0, n - 1)] = NAN; /* leads to the frame, and not out of the image */
    memset(bytes_found, 7, sizeof bytes_found);
    memset(bytes_wanted, 7, sizeof bytes_wanted);
    for (size_t i = 0; i < n; i++)
        bytes_wanted[i] = warp_twin(&warp, i, displaced);
    kernels->warp(n, &warp, x, y, displaced ? dx : NULL, displaced ? dy : NULL, taps, bytes_found);
    assert_memory_equal(bytes_found, bytes_wanted, sizeof bytes_found);
}

static void check_dots(const mb_kernels *kernels)
{
    mb_nonzero dots[256 + GUARD];
    const size_t n = mb_test_random_size(0, 256);
    size_t count = 0, last = 0;
    draw_bytes(plane, n);
    memset(dots, 7, sizeof dots);
    const size_t got = kernels->find_nonzero_pixels(n, plane, dots);
    for (size_t p = 0; p < n; p++)
        if (plane[p] != 0) {
            assert_int_equal(dots[count].delta, p - last);
            assert_int_equal(dots[count++].value, plane[p]);
            last = p;
        }
    assert_int_equal(got, count);
    for (size_t i = count; i < 256 + GUARD; i++)
        assert_true(dots[i].delta == 7 && dots[i].value == 7);
}

/* SplitMix64 from `state` on, an output a pair. */
static void check_noise(const mb_kernels *kernels)
{
    const uint64_t state = mb_rng_next(mb_test_rng());
    const size_t n = mb_test_random_size(0, MOST);
    const float most = (float)mb_test_random_size(0, 1000);
    mb_rng rng = {state - 0x9e3779b97f4a7c15u};
    memset(found, 7, sizeof found);
    memset(wanted, 7, sizeof wanted);
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = mb_rng_next(&rng);
        wanted[i] = (float)(int32_t)(bits >> 32) * (most * 0x1p-31f);
        wanted[2 * MOST + i] = (float)(int32_t)bits * (most * 0x1p-31f);
        assert_true(fabsf(wanted[i]) <= most && fabsf(wanted[2 * MOST + i]) <= most);
    }
    kernels->noise(state, n, most, found, found + 2 * MOST);
    assert_memory_equal(found, wanted, sizeof found);
}

static void draw_weights(float *weights, size_t radius)
{
    mb_test_random_floats(weights, 2 * radius + 1);
}

static void check_smooth_columns(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, SIDE), columns = mb_test_random_size(1, SIDE);
    const size_t radius = mb_test_random_size(0, SIDE), width = mb_pad_to_lanes(columns);
    const size_t ld = width + mb_test_random_size(0, 9);
    float weights[2 * SIDE + 1];
    draw_weights(weights, radius);
    mb_test_random_floats(in, rows * width);
    memset(found, 7, sizeof found);
    memset(wanted, 7, sizeof wanted);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < width; c++) {
            float sum = 0.0f;
            for (size_t k = 0; k <= 2 * radius && c < columns; k++)
                if (r + k >= radius && r + k - radius < rows)
                    sum += weights[k] * in[(r + k - radius) * width + c];
            wanted[r * ld + c] = sum;
        }
    kernels->smooth_columns(rows, columns, radius, weights, in, found, ld);
    assert_memory_equal(found, wanted, sizeof found);
}

static void check_smooth_rows(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, 20), columns = mb_test_random_size(1, SIDE);
    const size_t radius = mb_test_random_size(0, SIDE), n = rows * columns;
    const size_t ld = mb_pad_to_lanes(columns) + 2 * radius + mb_test_random_size(0, 9);
    float weights[2 * SIDE + 1];
    draw_weights(weights, radius);
    memset(in, 0, sizeof in);
    memset(wanted, 7, sizeof wanted);
    memset(found, 7, sizeof found);
    for (size_t r = 0; r < rows; r++)
        mb_test_random_floats(in + r * ld + radius, columns);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            float sum = 0.0f;
            for (size_t k = 0; k <= 2 * radius; k++)
                sum += weights[k] * in[r * ld + c + k];
            wanted[r * columns + c] = sum;
        }
    kernels->smooth_rows(rows, columns, radius, weights, in, ld, found);
    memcpy(wanted + n, found + n, MB_LANES * sizeof *found); /* may be written */
    assert_memory_equal(found, wanted, sizeof found);
}

#define LEVELS_EQUAL_TWIN(name, check)                                                             \
    TEST(name) { at_each_level(check); }

LEVELS_EQUAL_TWIN(taps_hold_four_bytes, check_taps)
LEVELS_EQUAL_TWIN(warp_weighs_four_bytes, check_warp)
LEVELS_EQUAL_TWIN(dots_are_what_is_not_zero, check_dots)
LEVELS_EQUAL_TWIN(noise_is_splitmix, check_noise)
LEVELS_EQUAL_TWIN(columns_are_smoothed, check_smooth_columns)
LEVELS_EQUAL_TWIN(rows_are_smoothed, check_smooth_rows)
