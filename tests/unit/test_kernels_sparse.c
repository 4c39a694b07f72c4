#include "kernels/kernels.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The two sparse products at every level that this CPU has, against naive twins that multiply the
 * zeros too, in double. The layouts are those of panels side by side and of panels one after the
 * other; all that lies between and after the lines must stay. */

enum {
    ROUNDS = 80,
    PIXELS = 60,
    ROWS = MB_BLOCK_ROWS,
    GAP = 5,
    MOST = 2 * PIXELS * MB_MAX_SPARSE_COLUMNS
};

static uint8_t image[ROWS][PIXELS];
static float gray[256], w[MOST], d[ROWS * (MB_MAX_SPARSE_COLUMNS + GAP)];
static float found[MOST], before[MOST];

/* Images of which some rows and some pixels are blank. */
static void draw_images(size_t rows, size_t pixels)
{
    for (size_t v = 0; v < 256; v++)
        gray[v] = (float)v / 255.0f;
    memset(image, 0, sizeof image);
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < pixels; p++)
            if (r % 7 != 3 && p % 5 != 2 && mb_rng_below(mb_test_rng(), 3) == 0)
                image[r][p] = (uint8_t)mb_test_random_size(1, 255);
}

/* Four panels of a line each one after the other, or one panel of any width. */
static mb_weight_strides draw_lines(size_t pixels)
{
    const size_t columns = mb_test_random_size(0, 2) == 0
                               ? MB_MAX_SPARSE_COLUMNS
                               : mb_test_random_size(1, MB_MAX_SPARSE_COLUMNS);
    if (mb_test_random_size(0, 1) == 0)
        return (mb_weight_strides){columns / MB_LANES * MB_LANES > 0 ? columns / MB_LANES * MB_LANES
                                                                     : columns,
                                   MB_LANES, pixels * MB_LANES};
    return (mb_weight_strides){columns, columns, MB_LANES};
}

static size_t place(mb_weight_strides lines, size_t pixel, size_t column)
{
    return pixel * lines.pixel_stride + column / MB_LANES * lines.vector_stride + column % MB_LANES;
}

static bool near(double got, double wanted) { return fabs(got - wanted) <= 1e-4; }

static void check_product(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(0, ROWS), pixels = mb_test_random_size(1, PIXELS);
    const mb_weight_strides lines = draw_lines(pixels);
    const size_t ldz = lines.columns + mb_test_random_size(0, GAP);
    mb_nonzero dots[ROWS][PIXELS];
    mb_sparse_row x[ROWS];
    draw_images(rows, pixels);
    for (size_t r = 0; r < rows; r++) {
        size_t last = 0;
        x[r] = (mb_sparse_row){dots[r], 0};
        for (size_t p = 0; p < pixels; p++)
            if (image[r][p] != 0) {
                dots[r][x[r].count++] = (mb_nonzero){(uint8_t)(p - last), image[r][p]};
                last = p;
            }
    }
    mb_test_random_floats(w, MOST);
    mb_test_random_floats(found, MOST);
    memcpy(before, found, sizeof before);
    kernels->sparse_product(rows, x, gray, lines, w, found, ldz);
    for (size_t i = 0; i < MOST; i++) {
        const size_t row = i / ldz, column = i % ldz;
        double wanted = (double)before[i];
        for (size_t p = 0; p < pixels && row < rows && column < lines.columns; p++)
            wanted += (double)image[row][p] / 255.0 * (double)w[place(lines, p, column)];
        assert_true(near((double)found[i], wanted));
    }
}

static void check_gradient(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, ROWS), pixels = mb_test_random_size(1, PIXELS);
    const mb_weight_strides lines = draw_lines(pixels);
    const size_t ldd = lines.columns + mb_test_random_size(0, GAP);
    const bool add = mb_test_random_size(0, 1) == 1;
    uint8_t value[PIXELS * MB_BLOCK_ROWS];
    uint64_t mask[PIXELS] = {0};
    draw_images(rows, pixels);
    memset(value, 99, sizeof value);
    for (size_t p = 0; p < pixels; p++)
        for (size_t r = 0; r < rows; r++)
            if (image[r][p] != 0) {
                mask[p] |= (uint64_t)1 << r;
                value[p * MB_BLOCK_ROWS + r] = image[r][p];
            }
    mb_test_random_floats(d, rows * ldd);
    mb_test_random_floats(found, MOST);
    memcpy(before, found, sizeof before);
    kernels->sparse_gradient(pixels, mask, value, gray, d, ldd, lines, add, found);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < lines.columns; c++) {
            const size_t at = place(lines, p, c);
            double wanted = add ? (double)before[at] : 0.0;
            for (size_t r = 0; r < rows; r++)
                wanted += (double)image[r][p] / 255.0 * (double)d[r * ldd + c];
            assert_true(near((double)found[at], wanted));
            found[at] = before[at];
        }
    assert_memory_equal(found, before, sizeof found);
}

static void at_each_level(void (*check)(const mb_kernels *))
{
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++)
        for (size_t round = 0; round < ROUNDS; round++)
            check(mb_kernels_at(level));
}

TEST(product_is_that_of_the_whole_matrices) { at_each_level(check_product); }

TEST(gradient_is_that_of_the_whole_matrices) { at_each_level(check_gradient); }

/* The levels with fused multiply-adds give the same bits. */
TEST(v3_and_v4_agree)
{
    if (mb_cpu_level_of_this() < MB_CPU_V4)
        skip();
    const size_t columns = MB_MAX_SPARSE_COLUMNS;
    static float other[MOST];
    mb_nonzero dots[PIXELS];
    for (size_t p = 0; p < PIXELS; p++)
        dots[p] = (mb_nonzero){p > 0, (uint8_t)mb_test_random_size(1, 255)};
    const mb_sparse_row x = {dots, PIXELS};
    const mb_weight_strides lines = {columns, columns, MB_LANES};
    draw_images(0, 0);
    mb_test_random_floats(w, MOST);
    mb_test_random_floats(found, MOST);
    memcpy(other, found, sizeof other);
    mb_kernels_at(MB_CPU_V3)->sparse_product(1, &x, gray, lines, w, found, columns);
    mb_kernels_at(MB_CPU_V4)->sparse_product(1, &x, gray, lines, w, other, columns);
    assert_memory_equal(found, other, sizeof found);
}
