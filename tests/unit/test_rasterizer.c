#include "random.h"
#include "synthetic/rasterizer.h"
#include "test.h"

#include <math.h>

enum { SIDE = MB_RASTER_SIDE, PIXELS = SIDE * SIDE };

static float uniform(float from, float to)
{
    return from + (to - from) * mb_rng_uniform(mb_test_rng());
}

/* A random walk in and around the square, with several strokes and gaps. */
static void random_path(mb_path *path)
{
    path->count = mb_test_random_size(1, MB_MAX_PATH_POINTS);
    float x = uniform(0.0f, SIDE), y = uniform(0.0f, SIDE);
    for (size_t i = 0; i < path->count; i++) {
        x += uniform(-3.0f, 3.0f);
        y += uniform(-3.0f, 3.0f);
        path->points[i] =
            (mb_path_point){.x = x,
                            .y = y,
                            .radius = uniform(i == 0 ? 0.1f : -0.5f, 2.0f),
                            .starts_stroke = i == 0 || mb_test_random_size(0, 9) == 0};
    }
}

/* Depth of a pixel in one segment: the nearest of many points on it, in double. */
static double segment_depth(const mb_path_point *a, const mb_path_point *b, double x, double y)
{
    enum { PLACES = 1000 };
    double nearest = INFINITY, radius = 0.0;
    for (size_t i = 0; i <= PLACES; i++) {
        const double t = (double)i / PLACES;
        const double dx = a->x + t * (b->x - a->x) - x, dy = a->y + t * (b->y - a->y) - y;
        const double distance = dx * dx + dy * dy;
        if (distance < nearest) {
            nearest = distance;
            radius = a->radius + t * (b->radius - a->radius);
        }
    }
    return radius - sqrt(nearest);
}

static double reference_depth(const mb_path *path, size_t pixel)
{
    const double x = (double)(pixel % SIDE) + 0.5, y = (double)(pixel / SIDE) + 0.5;
    double max = -1.0;
    for (size_t i = 0; i < path->count; i++) {
        const mb_path_point *point = &path->points[i];
        max = fmax(max, segment_depth(point->starts_stroke ? point : point - 1, point, x, y));
    }
    return max;
}

/* Radii change by at most 2.5 between points: at the nearest of 1000 positions the error of the
 * radius is at most 0.00125, and so is that of the distance, as positions are 4.3 / 1000 apart. */
TEST(depth_equals_reference)
{
    for (size_t round = 0; round < 4; round++) {
        mb_path path;
        float depth[PIXELS];
        random_path(&path);
        mb_path_depth(&path, depth);
        for (size_t p = 0; p < PIXELS; p++)
            assert_float_equal(depth[p], reference_depth(&path, p), 4e-3);
    }
}

TEST(a_point_is_a_disc)
{
    const mb_path path = {1, {{.x = 10.0f, .y = 7.5f, .radius = 3.0f, .starts_stroke = true}}};
    float depth[PIXELS];
    mb_path_depth(&path, depth);
    assert_float_equal(depth[7 * SIDE + 10], 2.5f, 1e-6);
    assert_float_equal(depth[7 * SIDE + 12], 0.5f, 1e-6);
    assert_float_equal(depth[7 * SIDE + 5], -1.0f, 1e-6);
    assert_float_equal(depth[4 * SIDE + 9], 3.0f - sqrtf(9.25f), 1e-6);
}

/* The bounding box: its longer side is that of the square, and so is its centre. */
TEST(a_fitted_path_fills_the_square)
{
    for (size_t round = 0; round < 200; round++) {
        mb_path path;
        random_path(&path);
        mb_path_fit(&path);
        float min[2] = {INFINITY, INFINITY}, max[2] = {-INFINITY, -INFINITY};
        for (size_t i = 0; i < path.count; i++) {
            const mb_path_point *point = &path.points[i];
            const float at[2] = {point->x, point->y};
            for (size_t axis = 0; axis < 2 && point->radius >= 0.0f; axis++) {
                min[axis] = fminf(min[axis], at[axis] - point->radius);
                max[axis] = fmaxf(max[axis], at[axis] + point->radius);
            }
        }
        assert_float_equal(fmaxf(max[0] - min[0], max[1] - min[1]), SIDE, 1e-3);
        for (size_t axis = 0; axis < 2; axis++)
            assert_float_equal(min[axis] + max[axis], SIDE, 1e-3);
    }
}

/* The shape is preserved: lengths and radii are scaled alike. */
TEST(fitting_keeps_the_shape)
{
    for (size_t round = 0; round < 50; round++) {
        mb_path before, after;
        random_path(&before);
        after = before;
        mb_path_fit(&after);
        const double scale = after.points[0].radius / before.points[0].radius;
        for (size_t i = 1; i < before.count; i++) {
            const mb_path_point *b = &before.points[i], *a = &after.points[i];
            assert_float_equal(a->radius, scale * b->radius, 1e-3);
            assert_float_equal(a->x - a[-1].x, scale * (b->x - b[-1].x), 1e-3);
            assert_float_equal(a->y - a[-1].y, scale * (b->y - b[-1].y), 1e-3);
        }
    }
}

TEST(a_thin_line_is_stretched_to_full)
{
    float depth[PIXELS];
    uint8_t gray[PIXELS];
    for (size_t p = 0; p < PIXELS; p++)
        depth[p] = p == 42 ? -0.1f : p == 43 ? -0.3f : -1.0f;
    mb_depth_to_gray(depth, (mb_ink_edge){1.0f, 0.0f}, mb_test_rng(), gray);
    for (size_t p = 0; p < PIXELS; p++)
        if (p == 42)
            assert_in_range(gray[p], 252, 255);
        else if (p == 43)
            assert_in_range(gray[p], 126, 128); /* (0.5 - 0.3) / (0.5 - 0.1) of that */
        else
            assert_int_equal(gray[p], 0);
}

/* Full gray is 252 to 255, half of it at the edge; noise moves the edge by at most `noise`. */
TEST(gray_follows_depth)
{
    float depth[PIXELS];
    uint8_t gray[PIXELS];
    for (size_t round = 0; round < 50; round++) {
        const mb_ink_edge edge = {uniform(0.5f, 1.5f), round < 25 ? 0.0f : uniform(0.0f, 0.4f)};
        for (size_t p = 0; p < PIXELS; p++)
            depth[p] = p == 0 ? 3.0f : uniform(-1.0f, 2.0f); /* one is full: no contrast stretch */
        mb_depth_to_gray(depth, edge, mb_test_rng(), gray);
        for (size_t p = 0; p < PIXELS; p++) {
            const double low = 0.5 + edge.sharpness * (depth[p] - edge.noise - 1e-6);
            const double high = 0.5 + edge.sharpness * (depth[p] + edge.noise + 1e-6);
            assert_true(gray[p] >= 251.5 * fmin(fmax(low, 0.0), 1.0) - 0.5);
            assert_true(gray[p] <= 255.0 * fmin(fmax(high, 0.0), 1.0) + 0.5);
        }
    }
}
