#include "kernels/kernels.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <string.h>

/* The kernels that move numbers, and ReLU, at every level that this CPU has, against naive twins.
 * A twin does the same float operations in the same order, so all of the output is compared bit by
 * bit, the gaps between rows included; then the levels are equal to each other too. Those that
 * compute are in test_kernels_math.c and test_kernels_sparse.c. */

enum { MOST = 4096, ROUNDS = 60 };

static float in[MOST], found[MOST], wanted[MOST];

/* What the kernel and its twin both start from. */
static void draw_output(void)
{
    mb_test_random_floats(found, MOST);
    memcpy(wanted, found, sizeof wanted);
}

/* The test's body, once for each level and round. */
typedef void check_fn(const mb_kernels *kernels);

static void at_each_level(check_fn *check)
{
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++)
        for (size_t round = 0; round < ROUNDS; round++)
            check(mb_kernels_at(level));
}

static void check_widen(const mb_kernels *kernels)
{
    uint8_t bytes[512];
    const size_t n = mb_test_random_size(0, 512);
    draw_output();
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(i < 256 ? i : mb_rng_below(mb_test_rng(), 256));
        wanted[i] = (float)bytes[i] / 255.0f;
    }
    kernels->bytes_to_float(n, bytes, found);
    assert_memory_equal(found, wanted, sizeof found);
}

static void check_transpose(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, 60), columns = mb_test_random_size(1, 50),
                 ld = rows + mb_test_random_size(0, 5);
    mb_test_random_floats(in, rows * columns);
    draw_output();
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            wanted[c * ld + r] = in[r * columns + c];
    kernels->transpose(rows, columns, in, found, ld);
    assert_memory_equal(found, wanted, sizeof found);
}

static void check_fill_and_add_rows(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(0, 60), columns = mb_test_random_size(1, 50),
                 ld = columns + mb_test_random_size(0, 5);
    mb_test_random_floats(in, columns);
    draw_output();
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            wanted[r * ld + c] = in[c];
    kernels->fill_rows(rows, columns, in, found, ld);
    assert_memory_equal(found, wanted, sizeof found);

    mb_test_random_floats(in, rows * ld);
    draw_output();
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            wanted[c] += in[r * ld + c];
    kernels->add_rows(rows, columns, in, ld, found);
    assert_memory_equal(found, wanted, sizeof found);
}

/* Now and then a special number, NaN among them. */
static void draw_specials(float *values, size_t n)
{
    static const float specials[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-126f, -0x1p-126f};
    mb_test_random_floats(values, n);
    for (size_t i = 0; i < n; i++)
        if (mb_rng_below(mb_test_rng(), 4) == 0)
            values[i] = specials[mb_rng_below(mb_test_rng(), 7)];
}

static void check_relu(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, 60), columns = mb_test_random_size(1, 50),
                 ld = columns + mb_test_random_size(0, 5);
    draw_specials(found, MOST);
    memcpy(wanted, found, sizeof wanted);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            if (wanted[r * ld + c] < 0.0f)
                wanted[r * ld + c] = 0.0f;
    kernels->relu_forward(rows, columns, found, ld);
    assert_memory_equal(found, wanted, sizeof found);
}

static void check_relu_gradient(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, 60), columns = mb_test_random_size(1, 50),
                 ld = columns + mb_test_random_size(0, 5);
    draw_specials(in, MOST);
    draw_specials(found, MOST);
    memcpy(wanted, found, sizeof wanted);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            if (in[r * ld + c] <= 0.0f)
                wanted[r * ld + c] = 0.0f;
    kernels->relu_backward(rows, columns, in, found, ld);
    assert_memory_equal(found, wanted, sizeof found);
}

#define LEVELS_EQUAL_TWIN(name, check)                                                             \
    TEST(name) { at_each_level(check); }

LEVELS_EQUAL_TWIN(widen_divides_by_255, check_widen)
LEVELS_EQUAL_TWIN(transpose_turns, check_transpose)
LEVELS_EQUAL_TWIN(rows_are_filled_and_added_up, check_fill_and_add_rows)
LEVELS_EQUAL_TWIN(relu_cuts_below_0_and_keeps_nan, check_relu)
LEVELS_EQUAL_TWIN(relu_gradient_stops_at_0_and_keeps_nan, check_relu_gradient)

TEST(the_best_level_is_this_cpus)
{
    assert_ptr_equal(mb_kernels_best(), mb_kernels_at(mb_cpu_level_of_this()));
    assert_non_null(mb_kernels_at(MB_CPU_V4)); /* where a build lacks it, the next lower one */
    assert_ptr_equal(mb_kernels_for_blas("SkylakeX"), mb_kernels_best());
    assert_ptr_equal(mb_kernels_for_blas("HASWELL"), mb_kernels_best());
#if defined(__x86_64__)
    assert_ptr_equal(mb_kernels_for_blas("Sandybridge"), mb_kernels_at(MB_CPU_BASELINE));
#endif
}
