#include "kernels/kernels.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernels of windows that slide over images, at every level that this CPU has. Buffers end
 * where memory ends that may be touched, so that a number read or written too far is a fault, and
 * those before their beginnings are compared. Numbers are either eighths, whose sums are exact in
 * any order, and held against a naive twin; or any, and held against the lowest level, bit by bit.
 */

enum { MOST = 1 << 14, ROUNDS = 400 };

/* Zones of MOST numbers with nothing behind them. */
static float *zone[2];
static float wanted[MOST];
static int32_t *which_zone, wanted_which[MOST];

static void *open_zone(void)
{
    const size_t bytes = MOST * sizeof(float), page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory =
        mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory + bytes, page, PROT_NONE), 0);
    return memory;
}

static int open_zones(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        zone[i] = open_zone();
    which_zone = open_zone();
    return 0;
}

/* The last n numbers of a zone. */
static float *last_of(size_t number, size_t n)
{
    assert_true(n <= MOST);
    return zone[number] + MOST - n;
}

enum numbers { EIGHTHS, ANY, SPECIAL };

static void draw(float *values, size_t n, enum numbers numbers)
{
    static const float specials[] = {0.0f, 1.0f, 1.0f, 2.0f, -1.0f, INFINITY, -INFINITY, NAN};
    if (numbers == ANY)
        mb_test_random_floats(values, n);
    else
        for (size_t i = 0; i < n; i++)
            values[i] = numbers == SPECIAL ? specials[mb_test_random_size(0, 7)]
                                           : (float)mb_test_random_size(0, 32) / 8.0f - 2.0f;
}

static const mb_kernels *lowest(void) { return mb_kernels_at(MB_CPU_BASELINE); }

typedef void check_fn(const mb_kernels *kernels, enum numbers numbers);

static void at_each_level(check_fn *check, enum numbers numbers)
{
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this(); level++)
        for (size_t round = 0; round < ROUNDS; round++)
            check(mb_kernels_at(level), numbers);
}

/* What a kernel changes, all of its zone: from the same start as `wanted`. */
static void draw_output(size_t number, enum numbers numbers)
{
    draw(zone[number], MOST, numbers);
    memcpy(wanted, zone[number], sizeof wanted);
}

static void assert_as_wanted(size_t number)
{
    assert_memory_equal(zone[number], wanted, sizeof wanted);
}

/* ---- segments ---- */

static size_t segments_in(mb_strided_view s) { return s.outer * s.inner; }

static size_t start_of(mb_strided_view s, size_t segment)
{
    return segment / s.inner * s.outer_stride + segment % s.inner * s.inner_stride;
}

/* Short and long ones, apart, side by side, and overlapping. */
static mb_strided_view draw_segments(void)
{
    const size_t length = mb_test_random_size(1, mb_test_random_size(0, 3) > 0 ? 40 : 100);
    const size_t inner = mb_test_random_size(1, 5), step = mb_test_random_size(0, 2 * length);
    return (mb_strided_view){mb_test_random_size(1, 5), mb_test_random_size(0, 3 * inner * length),
                             inner, mb_test_random_size(0, 2) == 0 ? length : step, length};
}

/* Numbers of an image that has the segments, and of all that may be touched behind it. */
static size_t image_of(mb_strided_view s)
{
    return start_of(s, segments_in(s) - 1) + s.length + MB_LANES - 1;
}

static void check_expand(const mb_kernels *kernels, enum numbers numbers)
{
    const mb_strided_view s = draw_segments();
    const size_t out = segments_in(s) * s.length, slack = MB_LANES - 1;
    float *image = last_of(0, image_of(s)), *to = last_of(1, out + slack);
    draw(image, image_of(s), numbers);
    draw_output(1, numbers);
    float *wanted_to = wanted + MOST - out - slack;
    for (size_t i = 0; i < out; i++)
        wanted_to[i] = image[start_of(s, i / s.length) + i % s.length];
    kernels->im2col(s, image, to);
    memcpy(wanted_to + out, to + out, slack * sizeof *to); /* may be anything */
    assert_as_wanted(1);
}

static void check_fold(const mb_kernels *kernels, enum numbers numbers)
{
    const mb_strided_view s = draw_segments();
    const size_t in = segments_in(s) * s.length, slack = MB_LANES - 1;
    float *from = last_of(0, in + slack), *image = last_of(1, image_of(s));
    draw(from, in + slack, numbers);
    draw_output(1, numbers);
    float *wanted_image = wanted + MOST - image_of(s);
    if (numbers == ANY)
        lowest()->col2im(s, from, wanted_image);
    for (size_t i = 0; i < in && numbers != ANY; i++)
        wanted_image[start_of(s, i / s.length) + i % s.length] += from[i];
    kernels->col2im(s, from, image);
    assert_as_wanted(1);
}

/* ---- windows ---- */

/* By planes: windows beside each other in a row, now and then tiling an image of many rows. */
static mb_pool draw_planes(void)
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

/* By pixels: channels beside each other. */
static mb_pool draw_pixels(void)
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
    return mb_test_random_size(0, 1) == 0 ? draw_planes() : draw_pixels();
}

/* Where number `number` of the window of output `out` is. */
static size_t place_in(const mb_pool *pool, size_t out, size_t number)
{
    return out / pool->length * pool->outer_stride + out % pool->length * pool->stride +
           number / pool->columns * pool->row_stride + number % pool->columns * pool->column_stride;
}

static size_t window_of(const mb_pool *pool) { return pool->rows * pool->columns; }

static size_t outputs_of(const mb_pool *pool) { return pool->outer * pool->length; }

static size_t numbers_of(const mb_pool *pool)
{
    return place_in(pool, outputs_of(pool) - 1, window_of(pool) - 1) + 1;
}

/* The first of the largest numbers, or the first NaN. */
static size_t largest_in(const mb_pool *pool, size_t out, const float *x)
{
    size_t at = 0;
    for (size_t i = 1; i < window_of(pool); i++) {
        const float most = x[place_in(pool, out, at)], number = x[place_in(pool, out, i)];
        if (!isnan(most) && (isnan(number) || number > most))
            at = i;
    }
    return at;
}

static void check_largest(const mb_kernels *kernels, enum numbers numbers)
{
    const mb_pool pool = draw_pool();
    const size_t outputs = outputs_of(&pool);
    float *x = last_of(0, numbers_of(&pool));
    int32_t *which = which_zone + MOST - outputs;
    draw(x, numbers_of(&pool), numbers);
    draw_output(1, numbers);
    for (size_t i = 0; i < MOST; i++)
        which_zone[i] = wanted_which[i] = (int32_t)i;
    for (size_t i = 0; i < outputs; i++) {
        const size_t at = largest_in(&pool, i, x);
        wanted[MOST - outputs + i] = x[place_in(&pool, i, at)];
        wanted_which[MOST - outputs + i] = (int32_t)at;
    }
    kernels->maxpool_forward(&pool, x, last_of(1, outputs), which);
    assert_as_wanted(1);
    assert_memory_equal(which_zone, wanted_which, sizeof wanted_which);
    memset(last_of(1, outputs), 0, outputs * sizeof(float));
    kernels->maxpool_forward(&pool, x, last_of(1, outputs), NULL);
    assert_as_wanted(1);
}

static bool tiles(const mb_pool *pool)
{
    return pool->stride == pool->columns && pool->row_stride == pool->length * pool->columns &&
           pool->outer_stride == pool->rows * pool->row_stride;
}

static void check_largest_back(const mb_kernels *kernels, enum numbers numbers)
{
    const mb_pool pool = draw_pool();
    const size_t outputs = outputs_of(&pool), image = numbers_of(&pool);
    float *d_out = last_of(0, outputs), *d = last_of(1, image);
    int32_t *which = which_zone + MOST - outputs;
    draw(d_out, outputs, numbers);
    draw_output(1, numbers);
    float *wanted_d = wanted + MOST - image;
    if (tiles(&pool)) {
        memset(d, 0, image * sizeof *d);
        memset(wanted_d, 0, image * sizeof *d);
    }
    for (size_t i = 0; i < outputs; i++)
        which[i] = (int32_t)mb_test_random_size(0, window_of(&pool) - 1);
    if (numbers == ANY)
        lowest()->maxpool_backward(&pool, which, d_out, wanted_d);
    for (size_t i = 0; i < outputs && numbers != ANY; i++)
        wanted_d[place_in(&pool, i, (size_t)which[i])] += d_out[i];
    kernels->maxpool_backward(&pool, which, d_out, d);
    assert_as_wanted(1);
}

static void check_mean(const mb_kernels *kernels, enum numbers numbers)
{
    const mb_pool pool = draw_pool();
    const size_t outputs = outputs_of(&pool);
    const float scale = 1.0f / (float)window_of(&pool);
    float *x = last_of(0, numbers_of(&pool));
    draw(x, numbers_of(&pool), numbers);
    draw_output(1, numbers);
    float *wanted_out = wanted + MOST - outputs;
    if (numbers == ANY)
        lowest()->avgpool_forward(&pool, scale, x, wanted_out);
    for (size_t i = 0; i < outputs && numbers != ANY; i++) {
        wanted_out[i] = 0.0f;
        for (size_t number = 0; number < window_of(&pool); number++)
            wanted_out[i] += x[place_in(&pool, i, number)];
        wanted_out[i] *= scale;
    }
    kernels->avgpool_forward(&pool, scale, x, last_of(1, outputs));
    assert_as_wanted(1);
}

static void check_mean_back(const mb_kernels *kernels, enum numbers numbers)
{
    const mb_pool pool = draw_pool();
    const size_t outputs = outputs_of(&pool), image = numbers_of(&pool);
    const float scale = numbers == ANY ? 1.0f / (float)window_of(&pool) : 0.25f;
    float *d_out = last_of(0, outputs);
    draw(d_out, outputs, numbers);
    draw_output(1, numbers);
    float *wanted_d = wanted + MOST - image;
    if (numbers == ANY)
        lowest()->avgpool_backward(&pool, scale, d_out, wanted_d);
    for (size_t i = 0; i < outputs && numbers != ANY; i++)
        for (size_t number = 0; number < window_of(&pool); number++)
            wanted_d[place_in(&pool, i, number)] += scale * d_out[i];
    kernels->avgpool_backward(&pool, scale, d_out, last_of(1, image));
    assert_as_wanted(1);
}

#define LEVELS_EQUAL(name, check, numbers)                                                         \
    TEST(name) { at_each_level(check, numbers); }

LEVELS_EQUAL(segments_are_gathered, check_expand, ANY)
LEVELS_EQUAL(segments_are_added_back, check_fold, EIGHTHS)
LEVELS_EQUAL(segments_are_added_back_alike, check_fold, ANY)
LEVELS_EQUAL(largest_numbers_are_found, check_largest, ANY)
LEVELS_EQUAL(of_equal_numbers_the_first_is_the_largest, check_largest, EIGHTHS)
LEVELS_EQUAL(the_first_nan_is_the_largest_number, check_largest, SPECIAL)
LEVELS_EQUAL(gradients_go_to_the_largest_numbers, check_largest_back, EIGHTHS)
LEVELS_EQUAL(gradients_go_to_the_largest_numbers_alike, check_largest_back, ANY)
LEVELS_EQUAL(means_are_the_twins, check_mean, EIGHTHS)
LEVELS_EQUAL(means_are_alike, check_mean, ANY)
LEVELS_EQUAL(gradients_of_means_are_the_twins, check_mean_back, EIGHTHS)
LEVELS_EQUAL(gradients_of_means_are_alike, check_mean_back, ANY)

TEST_GROUP(open_zones, NULL);
