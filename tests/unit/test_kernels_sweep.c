#include "kernels/kernels.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The products that pick their numbers out of images, or out of what is mostly 0, at every level
 * that this CPU has, against naive twins in double. All of a buffer is compared, what lies between
 * the results included, and inputs are as long as what may be read of them. */

enum { MOST = 6000, ROUNDS = 300 };

static float found[MOST], wanted[MOST];

typedef void check_fn(const mb_kernels *kernels);

static void at_each_level(check_fn *check)
{
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++)
        for (size_t round = 0; round < ROUNDS; round++)
            check(mb_kernels_at(level));
}

/* n numbers with nothing that may be touched behind them, for valgrind and the sanitizers. */
static float *drawn(size_t n)
{
    float *values = malloc(n * sizeof *values);
    assert_non_null(values);
    mb_test_random_floats(values, n);
    return values;
}

static void draw_output(void)
{
    mb_test_random_floats(found, MOST);
    memcpy(wanted, found, sizeof wanted);
}

/* Sums of n products of numbers below 4, each rounded once or twice. */
static void is_near(float number, double exact, size_t n)
{
    assert_true(fabs((double)number - exact) <= 4e-7 * (double)(n + 1) * 4.0);
}

static size_t last_of(const mb_direct_gemm *s, const size_t distance[3])
{
    size_t last = 0;
    for (size_t i = 0; i < 3; i++)
        last += (s->count[i] - 1) * distance[i];
    return last;
}

static double sum_of(const mb_direct_gemm *s, const float *a, const float *b, double sum)
{
    for (size_t i = 0; i < s->count[0]; i++)
        for (size_t j = 0; j < s->count[1]; j++)
            for (size_t k = 0; k < s->count[2]; k++)
                sum += (double)a[i * s->a_stride[0] + j * s->a_stride[1] + k * s->a_stride[2]] *
                       (double)b[i * s->b_stride[0] + j * s->b_stride[1] + k * s->b_stride[2]];
    return sum;
}

static mb_direct_gemm draw_sweep(void)
{
    mb_direct_gemm s = {.row_stride = mb_test_random_size(0, 9),
                        .vectors = mb_test_random_size(1, 2),
                        .vector_stride = mb_test_random_size(0, MB_LANES)};
    for (size_t i = 0; i < 3; i++) {
        s.count[i] = mb_test_random_size(1, i == 0 ? 3 : 6);
        s.a_stride[i] = mb_test_random_size(0, 20);
        s.b_stride[i] = mb_test_random_size(0, 20);
    }
    return s;
}

static void check_product(const mb_kernels *kernels)
{
    const mb_direct_gemm s = draw_sweep();
    const size_t rows = mb_test_random_size(1, 40),
                 width = (s.vectors - 1) * s.vector_stride + MB_LANES;
    const size_t ldc = width + mb_test_random_size(0, 3);
    const size_t terms = s.count[0] * s.count[1] * s.count[2];
    float *a = drawn((rows - 1) * s.row_stride + last_of(&s, s.a_stride) + 1);
    float *b = drawn(last_of(&s, s.b_stride) + width), *values = drawn(rows * width);
    mb_direct_init start = {values, mb_test_random_size(0, 1) * width, true};
    draw_output();
    switch (mb_test_random_size(0, 2)) {
    case 0: /* one number a row */
        start = (mb_direct_init){values, mb_test_random_size(0, 2), false};
        break;
    case 1: /* added to what is there; overlapping lines would be, too */
        start = (mb_direct_init){found, ldc, true};
    }
    kernels->direct_gemm(&s, rows, a, b, start, found, ldc);
    const float *begun = start.values == found ? wanted : start.values;
    for (size_t i = 0; i < MOST; i++) {
        const size_t r = i / ldc, c = i % ldc;
        const bool between = s.vectors == 2 && c >= MB_LANES && c < s.vector_stride;
        if (r >= rows || c >= width || between) {
            assert_memory_equal(&found[i], &wanted[i], sizeof *found);
            continue;
        }
        const float from = begun[r * start.row_stride + (start.per_lane ? c : 0)];
        is_near(found[i], sum_of(&s, a + r * s.row_stride, b + c, (double)from), terms);
    }
    free(a);
    free(b);
    free(values);
}

static void check_dots(const mb_kernels *kernels)
{
    const size_t units = mb_test_random_size(1, 13), shifts = mb_test_random_size(1, 11);
    mb_direct_grad s = {.rows = mb_test_random_size(1, 9),
                        .columns = mb_test_random_size(MB_LANES, 70)};
    s.plane = s.rows * s.columns + mb_test_random_size(0, 3);
    s.image_row = s.columns + mb_test_random_size(0, 12);
    const size_t ld = shifts + mb_test_random_size(0, 5);
    float *d = drawn((units - 1) * s.plane + s.rows * s.columns);
    float *image = drawn((s.rows - 1) * s.image_row + s.columns + shifts - 1);
    draw_output();
    kernels->direct_grad_weights(&s, units, shifts, d, image, found, ld);
    for (size_t i = 0; i < MOST; i++) {
        const size_t unit = i / ld, shift = i % ld;
        if (unit >= units || shift >= shifts) {
            assert_memory_equal(&found[i], &wanted[i], sizeof *found);
            continue;
        }
        double sum = (double)wanted[i];
        for (size_t y = 0; y < s.rows; y++)
            for (size_t x = 0; x < s.columns; x++)
                sum += (double)d[unit * s.plane + y * s.columns + x] *
                       (double)image[y * s.image_row + x + shift];
        is_near(found[i], sum, s.rows * s.columns);
    }
    free(d);
    free(image);
}

static mb_grad_plane draw_plane(void)
{
    return (mb_grad_plane){mb_test_random_size(0, 9), mb_test_random_size(0, 9),
                           mb_test_random_size(1, 5), mb_test_random_size(0, 50),
                           mb_test_random_size(0, 9)};
}

/* Of which most are 0, of either sign. */
static float *draw_marks(size_t n)
{
    float *numbers = drawn(n);
    for (size_t i = 0; i < n; i++)
        if (mb_test_random_size(0, 3) > 0)
            numbers[i] = mb_test_random_size(0, 1) == 1 ? 0.0f : -0.0f;
    return numbers;
}

static void check_pick(const mb_kernels *kernels)
{
    const mb_grad_plane plane = draw_plane();
    const size_t n = plane.rows * plane.columns;
    float *numbers = draw_marks(n * plane.stride);
    mb_nonzero_grad *picks = malloc((n + 1) * sizeof *picks);
    assert_non_null(picks);
    if (n > 0 && mb_test_random_size(0, 1) == 1)
        numbers[mb_test_random_size(0, n - 1) * plane.stride] = NAN;
    size_t marks = 0;
    const size_t count = kernels->find_nonzero_grads(&plane, numbers, picks);
    for (size_t i = 0; i < n; i++)
        if (numbers[i * plane.stride] != 0.0f) {
            const size_t row = i / plane.columns, column = i % plane.columns;
            assert_int_equal(picks[marks].at,
                             row * plane.row_offset + column * plane.column_offset);
            assert_memory_equal(&picks[marks++].value, &numbers[i * plane.stride], sizeof *numbers);
        }
    assert_int_equal(marks, count);
    free(numbers);
    free(picks);
}

/* Windows of some rows and lines, in an image that ends with the last. */
typedef struct windows {
    size_t n, rows, lines, ld, room;
    mb_nonzero_grad picks[60];
} windows;

static windows draw_windows(void)
{
    windows w = {.n = mb_test_random_size(0, 60),
                 .rows = mb_test_random_size(1, 8),
                 .lines = mb_test_random_size(1, 14),
                 .ld = mb_test_random_size(0, 300)};
    const size_t window = (w.rows - 1) * w.ld + w.lines * MB_LANES;
    w.room = window + mb_test_random_size(0, MOST - window);
    for (size_t p = 0; p < w.n; p++) {
        w.picks[p].at = (uint32_t)mb_test_random_size(0, w.room - window);
        mb_test_random_floats(&w.picks[p].value, 1);
    }
    return w;
}

static void check_gather(const mb_kernels *kernels)
{
    const windows w = draw_windows();
    const size_t width = w.lines * MB_LANES, numbers = w.rows * width;
    float *image = drawn(w.room);
    draw_output();
    kernels->accumulate_windows(w.n, w.picks, w.rows, w.lines, image, w.ld, found);
    for (size_t i = 0; i < numbers; i++) {
        double sum = (double)wanted[i];
        for (size_t p = 0; p < w.n; p++)
            sum += (double)w.picks[p].value *
                   (double)image[w.picks[p].at + i / width * w.ld + i % width];
        is_near(found[i], sum, w.n);
    }
    assert_memory_equal(found + numbers, wanted + numbers, (MOST - numbers) * sizeof *found);
    free(image);
}

static void check_scatter(const mb_kernels *kernels)
{
    static double sums[MOST];
    const windows w = draw_windows();
    const size_t width = w.lines * MB_LANES;
    float *window = drawn(w.rows * width);
    draw_output();
    kernels->scatter_windows(w.n, w.picks, w.rows, w.lines, window, found, w.ld);
    for (size_t i = 0; i < MOST; i++)
        sums[i] = (double)wanted[i];
    for (size_t p = 0; p < w.n; p++)
        for (size_t i = 0; i < w.rows * width; i++)
            sums[w.picks[p].at + i / width * w.ld + i % width] +=
                (double)w.picks[p].value * (double)window[i];
    for (size_t i = 0; i < w.room; i++)
        is_near(found[i], sums[i], w.n * w.rows);
    assert_memory_equal(found + w.room, wanted + w.room, (MOST - w.room) * sizeof *found);
    free(window);
}

TEST(picks_are_those_of_the_twin)
{
    at_each_level(check_pick);
    at_each_level(check_gather);
    at_each_level(check_scatter);
}

TEST(products_are_those_of_the_twin) { at_each_level(check_product); }

TEST(dots_are_those_of_the_twin) { at_each_level(check_dots); }
