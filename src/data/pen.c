#include "data/pen.h"

#include <math.h>

enum { SIDE = MB_PEN_SIDE, LANES = 4 };

/* Ink reaches this far past its edge. */
static const float margin = 1.0f;

static float least(float a, float b) { return a < b ? a : b; }
static float most(float a, float b) { return a > b ? a : b; }

void mb_path_fit(mb_path *path)
{
    float left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
    for (size_t i = 0; i < path->count; i++) {
        const mb_ink *dot = &path->dots[i];
        if (dot->radius < 0.0f)
            continue;
        left = least(left, dot->x - dot->radius);
        right = most(right, dot->x + dot->radius);
        top = least(top, dot->y - dot->radius);
        bottom = most(bottom, dot->y + dot->radius);
    }
    const float scale = (float)SIDE / most(right - left, bottom - top);
    const float x = 0.5f * ((float)SIDE - (left + right) * scale);
    const float y = 0.5f * ((float)SIDE - (top + bottom) * scale);
    for (size_t i = 0; i < path->count; i++) {
        mb_ink *dot = &path->dots[i];
        dot->x = dot->x * scale + x;
        dot->y = dot->y * scale + y;
        dot->radius *= scale;
    }
}

/* The whole pixels whose middle may be in from..to, of 0 .. SIDE-1. */
static void pixels_in(float from, float to, size_t *first, size_t *end)
{
    *first = from > 0.0f ? (size_t)from : 0;
    *end = to < 0.0f ? 0 : to < (float)(SIDE - 1) ? (size_t)to + 1 : SIDE;
}

/* What the ink between two dots adds, in the pixels that it can reach. */
static void add_segment(const mb_ink *a, const mb_ink *b, float *depth)
{
    const float reach = most(a->radius, b->radius) + margin;
    size_t left, right, top, bottom;
    pixels_in(least(a->x, b->x) - reach, most(a->x, b->x) + reach, &left, &right);
    pixels_in(least(a->y, b->y) - reach, most(a->y, b->y) + reach, &top, &bottom);
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
                const float here = a->radius + t * dr - sqrtf(ex * ex + ey * ey);
                row[i] = here > row[i] ? here : row[i];
            }
        }
    }
}

void mb_pen_depth(const mb_path *path, float *depth)
{
    for (size_t i = 0; i < SIDE * SIDE; i++)
        depth[i] = -margin;
    for (size_t i = 0; i < path->count; i++) {
        const mb_ink *dot = &path->dots[i];
        add_segment(dot->begins ? dot : dot - 1, dot, depth);
    }
}

/* noise (SIDE * SIDE), uniform in -1..1: 16 bits each. */
static void draw_noise(mb_rng *rng, float *noise)
{
    enum { PER_DRAW = 4 };
    for (size_t start = 0; start < SIDE * SIDE; start += PER_DRAW) {
        const uint64_t bits = mb_rng_next(rng);
        for (size_t i = 0; i < PER_DRAW; i++)
            noise[start + i] = (float)(bits >> (16 * i) & 0xffff) * 0x1p-15f - 1.0f;
    }
}

void mb_pen_gray(const float *depth, mb_inking inking, mb_rng *rng, uint8_t *gray)
{
    float noise[SIDE * SIDE], ink[SIDE * SIDE], darkest = 0.01f;
    draw_noise(rng, noise);
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        ink[i] = 0.5f + inking.sharp * (depth[i] + inking.ragged * noise[i]);
        darkest = most(darkest, ink[i]);
    }
    const float stretch = 1.0f / least(darkest, 1.0f);
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        const float share = least(most(ink[i] * stretch, 0.0f), 1.0f);
        const float full = 253.4f + 1.6f * noise[i]; /* 252 .. 255, as in MNIST */
        gray[i] = (uint8_t)(share * full + 0.5f);
    }
}
