#include "synthetic/rasterizer.h"

#include <math.h>

enum { SIDE = MB_RASTER_SIDE, LANES = 4 };

/* Ink reaches this far past its edge. */
static const float margin = 1.0f;

static float min_of(float a, float b) { return a < b ? a : b; }
static float max_of(float a, float b) { return a > b ? a : b; }

void mb_path_fit(mb_path *path)
{
    float left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
    for (size_t i = 0; i < path->count; i++) {
        const mb_path_point *point = &path->points[i];
        if (point->radius < 0.0f)
            continue;
        left = min_of(left, point->x - point->radius);
        right = max_of(right, point->x + point->radius);
        top = min_of(top, point->y - point->radius);
        bottom = max_of(bottom, point->y + point->radius);
    }
    const float scale = (float)SIDE / max_of(right - left, bottom - top);
    const float x = 0.5f * ((float)SIDE - (left + right) * scale);
    const float y = 0.5f * ((float)SIDE - (top + bottom) * scale);
    for (size_t i = 0; i < path->count; i++) {
        mb_path_point *point = &path->points[i];
        point->x = point->x * scale + x;
        point->y = point->y * scale + y;
        point->radius *= scale;
    }
}

/* Range of the pixels, of 0 .. SIDE-1, whose center may be in from .. to. */
static void pixels_in(float from, float to, size_t *first, size_t *end)
{
    *first = from > 0.0f ? (size_t)from : 0;
    *end = to < 0.0f ? 0 : to < (float)(SIDE - 1) ? (size_t)to + 1 : SIDE;
}

/* Adds the ink between two points, in the pixels that it can reach. */
static void add_segment(const mb_path_point *a, const mb_path_point *b, float *depth)
{
    const float reach = max_of(a->radius, b->radius) + margin;
    size_t left, right, top, bottom;
    pixels_in(min_of(a->x, b->x) - reach, max_of(a->x, b->x) + reach, &left, &right);
    pixels_in(min_of(a->y, b->y) - reach, max_of(a->y, b->y) + reach, &top, &bottom);
    left -= left % LANES; /* whole vectors; SIDE is a multiple of LANES */
    const float dx = b->x - a->x, dy = b->y - a->y, dr = b->radius - a->radius;
    const float square = dx * dx + dy * dy;
    const float inverse = square > 1e-12f ? 1.0f / square : 0.0f;
    for (size_t y = top; y < bottom; y++) {
        const float py = (float)y + 0.5f - a->y;
        for (size_t start = left; start < right; start += LANES) {
            float *row = depth + y * SIDE + start;
#pragma omp simd
            for (int i = 0; i < LANES; i++) {
                const float px = (float)((int)start + i) + 0.5f - a->x;
                float t = (px * dx + py * dy) * inverse;
                t = t < 0.0f ? 0.0f : t;
                t = t > 1.0f ? 1.0f : t;
                const float ex = px - t * dx, ey = py - t * dy;
                const float inside = a->radius + t * dr - sqrtf(ex * ex + ey * ey);
                row[i] = inside > row[i] ? inside : row[i];
            }
        }
    }
}

void mb_path_depth(const mb_path *path, float *depth)
{
    for (size_t i = 0; i < SIDE * SIDE; i++)
        depth[i] = -margin;
    for (size_t i = 0; i < path->count; i++) {
        const mb_path_point *point = &path->points[i];
        add_segment(point->starts_stroke ? point : point - 1, point, depth);
    }
}

/* noise (SIDE * SIDE), uniform in -1 .. 1, of 16 bits each. */
static void fill_noise(mb_rng *rng, float *noise)
{
    enum { PER_DRAW = 4 };
    for (size_t start = 0; start < SIDE * SIDE; start += PER_DRAW) {
        const uint64_t bits = mb_rng_next(rng);
        for (size_t i = 0; i < PER_DRAW; i++)
            noise[start + i] = (float)(bits >> (16 * i) & 0xffff) * 0x1p-15f - 1.0f;
    }
}

void mb_depth_to_gray(const float *depth, mb_ink_edge edge, mb_rng *rng, uint8_t *gray)
{
    float noise[SIDE * SIDE], ink[SIDE * SIDE], strongest = 0.01f;
    fill_noise(rng, noise);
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        ink[i] = 0.5f + edge.sharpness * (depth[i] + edge.noise * noise[i]);
        strongest = max_of(strongest, ink[i]);
    }
    const float scale = 1.0f / min_of(strongest, 1.0f);
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        const float fraction = min_of(max_of(ink[i] * scale, 0.0f), 1.0f);
        const float full = 253.4f + 1.6f * noise[i]; /* 252 .. 255, as in MNIST */
        gray[i] = (uint8_t)(fraction * full + 0.5f);
    }
}
