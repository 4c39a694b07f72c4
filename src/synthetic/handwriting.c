#include "synthetic/handwriting.h"

#include "synthetic/glyphs.h"

#include <math.h>

/* Pieces of the curve between two points; a variant's points and one more for a hook. */
enum { PIECES = 5, MAX_POINTS = MB_MAX_GLYPH_POINTS + 1 };
_Static_assert(MAX_POINTS *PIECES + 1 <= MB_MAX_PATH_POINTS,
               "all variants fit a path, with a speck");

/* Every random number is taken in a statement of its own: C leaves the order of evaluation of
 * arguments open, and all compilers must give the same images. */

/* In the units of the glyphs, with the center at 0. */
typedef struct control_point {
    float x, y;
    char kind;
} control_point;

typedef struct skeleton {
    size_t count;
    control_point points[MAX_POINTS];
} skeleton;

/* How one digit is written. */
typedef struct style {
    float deviation;          /* standard deviation of a point from its place */
    float bend[2][5];         /* x and y move by these times u^2, uv, v^2, u^3, v^3 */
    float across[2], down[2]; /* affine map: images of the x and y axes */
    float radius;
} style;

static float uniform(mb_rng *rng, float from, float to)
{
    return from + (to - from) * mb_rng_uniform(rng);
}

/* Mean 0, standard deviation 1, within +-3.46: the sum of four uniform numbers. */
static float normal(mb_rng *rng)
{
    const uint64_t bits = mb_rng_next(rng);
    const uint32_t sum = (uint32_t)(bits & 0xffff) + (uint32_t)(bits >> 16 & 0xffff) +
                         (uint32_t)(bits >> 32 & 0xffff) + (uint32_t)(bits >> 48);
    return ((float)sum * 0x1p-16f - 2.0f) * 1.7320508f;
}

static float at_least(float min, float value) { return value < min ? min : value; }

static bool happens(mb_rng *rng, float probability) { return mb_rng_uniform(rng) < probability; }

static const mb_glyph_variant *choose_variant(const mb_glyph *glyph, mb_rng *rng)
{
    uint32_t left = mb_rng_below(rng, glyph->weight);
    const mb_glyph_variant *variant = glyph->variants;
    while (left >= variant->weight)
        left -= variant++->weight;
    return variant;
}

/* A point on the line through two examples of the variant, mostly between them. */
static void choose_shape(const mb_glyph_variant *variant, mb_rng *rng, skeleton *shape)
{
    const uint32_t one = mb_rng_below(rng, variant->examples);
    const uint32_t distance = 1 + mb_rng_below(rng, variant->examples - 1);
    const uint32_t other = (one + distance) % variant->examples;
    const mb_glyph_point *a = variant->points + one * variant->count;
    const mb_glyph_point *b = variant->points + other * variant->count;
    const float t = uniform(rng, -0.25f, 1.25f);
    shape->count = variant->count;
    for (size_t i = 0; i < variant->count; i++)
        shape->points[i] = (control_point){(float)a[i].x + t * (float)(b[i].x - a[i].x) - 50.0f,
                                           (float)a[i].y + t * (float)(b[i].y - a[i].y) - 50.0f,
                                           variant->kinds[i]};
}

static style choose_style(const mb_glyph *glyph, mb_rng *rng)
{
    style of = {.deviation = glyph->variation * uniform(rng, 2.0f, 8.0f)};
    for (size_t axis = 0; axis < 2; axis++)
        for (size_t i = 0; i < 5; i++)
            of.bend[axis][i] = glyph->variation * 6.0f * normal(rng);
    const float half = 0.5f * 0.16f * normal(rng); /* tangent of half the angle */
    const float cosine = (1.0f - half * half) / (1.0f + half * half);
    const float sine = 2.0f * half / (1.0f + half * half);
    const float wide = 0.97f + 0.2f * normal(rng), slant = glyph->slant + 0.21f * normal(rng);
    of.across[0] = wide * cosine;
    of.across[1] = wide * sine;
    of.down[0] = -sine - slant * cosine;
    of.down[1] = cosine - slant * sine;
    const float bold = at_least(0.65f, 1.0f + 0.16f * normal(rng));
    of.radius = glyph->radius * bold * bold;
    return of;
}

/* Moves each point off its place, neighbors alike; then bends and maps the whole. */
static void deform(const style *of, mb_rng *rng, skeleton *shape)
{
    float stray_x = 0.0f, stray_y = 0.0f;
    for (size_t i = 0; i < shape->count; i++) {
        control_point *point = &shape->points[i];
        stray_x = 0.6f * stray_x + of->deviation * normal(rng);
        stray_y = 0.6f * stray_y + of->deviation * normal(rng);
        const float u = point->x * 0.02f, v = point->y * 0.02f;
        const float terms[5] = {u * u, u * v, v * v, u * u * u, v * v * v};
        float x = point->x + stray_x, y = point->y + stray_y;
        for (size_t k = 0; k < 5; k++) {
            x += of->bend[0][k] * terms[k];
            y += of->bend[1][k] * terms[k];
        }
        point->x = of->across[0] * x + of->down[0] * y;
        point->y = of->across[1] * x + of->down[1] * y;
    }
}

/* The smaller principal standard deviation of the points: how broad the digit is, however it
 * leans. */
static float breadth(const skeleton *shape)
{
    const float count = (float)shape->count;
    float x = 0.0f, y = 0.0f, xx = 0.0f, xy = 0.0f, yy = 0.0f;
    for (size_t i = 0; i < shape->count; i++) {
        const control_point *point = &shape->points[i];
        x += point->x;
        y += point->y;
        xx += point->x * point->x;
        xy += point->x * point->y;
        yy += point->y * point->y;
    }
    xx = (xx - x * x / count) / count;
    xy = (xy - x * y / count) / count;
    yy = (yy - y * y / count) / count;
    const float half = 0.5f * (xx - yy);
    const float square = 0.5f * (xx + yy) - sqrtf(half * half + xy * xy);
    return sqrtf(at_least(0.0f, square)); /* rounding may leave less than 0 */
}

/* A pen that would fill the loops of a narrow digit is a thinner one: filled, it could be a 1. */
static void limit_radius(const mb_glyph *glyph, const skeleton *shape, style *of)
{
    const float max = glyph->max_radius * breadth(shape);
    if (glyph->max_radius > 0.0f && of->radius > max)
        of->radius = max;
}

static bool starts_stroke(const skeleton *shape, size_t i)
{
    return i == 0 || shape->points[i].kind == MB_POINT_STROKE;
}

static bool ends_stroke(const skeleton *shape, size_t i)
{
    return i + 1 == shape->count || shape->points[i + 1].kind == MB_POINT_STROKE;
}

/* Lengthens or shortens strokes at their ends; now and then the last one gets a small hook. */
static void overrun(mb_rng *rng, skeleton *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        const bool starts = starts_stroke(shape, i), ends = ends_stroke(shape, i);
        if (!starts && !ends)
            continue;
        control_point *end = &shape->points[i];
        const control_point *inner = starts ? end + 1 : end - 1;
        const float more = 0.25f * normal(rng);
        end->x += more * (end->x - inner->x);
        end->y += more * (end->y - inner->y);
    }
    if (!happens(rng, 0.1f))
        return;
    control_point hook = shape->points[shape->count - 1];
    hook.x += 7.0f * normal(rng);
    hook.y += 7.0f * normal(rng);
    hook.kind = MB_POINT_SMOOTH;
    shape->points[shape->count++] = hook;
}

/* Tangent of the curve where it leaves point i, or where it reaches it: half the way from the point
 * before to the point after (Catmull and Rom, "A class of local interpolating splines", 1974); at
 * the ends of a stroke and at a corner the way to the one neighbor. */
static control_point tangent(const skeleton *shape, size_t i, bool leaving)
{
    const bool corner = shape->points[i].kind == MB_POINT_CORNER;
    const bool first = starts_stroke(shape, i) || (corner && leaving);
    const bool last = ends_stroke(shape, i) || (corner && !leaving);
    const control_point *before = &shape->points[first ? i : i - 1];
    const control_point *after = &shape->points[last ? i : i + 1];
    const float factor = first || last ? 1.0f : 0.5f;
    return (control_point){factor * (after->x - before->x), factor * (after->y - before->y), 0};
}

static void append(mb_path *path, float x, float y, bool starts)
{
    path->points[path->count++] = (mb_path_point){.x = x, .y = y, .starts_stroke = starts};
}

/* The cubic Hermite curve from point i to the next, without its start. */
static void append_curve(const skeleton *shape, size_t i, mb_path *path)
{
    const control_point *a = &shape->points[i], *b = &shape->points[i + 1];
    const control_point out = tangent(shape, i, true), in = tangent(shape, i + 1, false);
    for (size_t piece = 1; piece <= PIECES; piece++) {
        const float t = (float)piece / PIECES, s = 1.0f - t;
        const float from = (1.0f + 2.0f * t) * s * s, to = t * t * (3.0f - 2.0f * t);
        const float leave = t * s * s, reach = -t * t * s;
        append(path, from * a->x + to * b->x + leave * out.x + reach * in.x,
               from * a->y + to * b->y + leave * out.y + reach * in.y, false);
    }
}

static void trace(const skeleton *shape, mb_path *path)
{
    path->count = 0;
    for (size_t i = 0; i < shape->count; i++) {
        if (starts_stroke(shape, i))
            append(path, shape->points[i].x, shape->points[i].y, true);
        if (!ends_stroke(shape, i))
            append_curve(shape, i, path);
    }
}

/* Noise along a path: random knots, linear between them. */
typedef struct noise {
    float from, to;
} noise;

enum { KNOT_INTERVAL = 6 };

static noise start_noise(mb_rng *rng) { return (noise){.to = normal(rng)}; }

static float noise_at(noise *of, size_t i, mb_rng *rng)
{
    if (i % KNOT_INTERVAL == 0) {
        of->from = of->to;
        of->to = normal(rng);
    }
    return of->from + (float)(i % KNOT_INTERVAL) / KNOT_INTERVAL * (of->to - of->from);
}

/* Pressure and tremor along the path. */
static void add_pressure(const style *of, mb_rng *rng, mb_path *path)
{
    noise pressure = start_noise(rng), right = start_noise(rng), down = start_noise(rng);
    const float uneven = uniform(rng, 0.05f, 0.35f), tremor = uniform(rng, 0.0f, 1.2f);
    for (size_t i = 0; i < path->count; i++) {
        mb_path_point *point = &path->points[i];
        const float thick = 1.0f + uneven * noise_at(&pressure, i, rng);
        point->radius = of->radius * at_least(0.3f, thick);
        point->x += tremor * noise_at(&right, i, rng);
        point->y += tremor * noise_at(&down, i, rng);
    }
}

/* Now and then the ink thins out at one place or is missing there, over at most 10 points, fewer
 * than the shortest path has. */
static void add_gap(mb_rng *rng, mb_path *path)
{
    if (!happens(rng, 0.08f))
        return;
    const float middle = uniform(rng, 0.0f, (float)path->count);
    const float half = uniform(rng, 1.0f, 5.0f), loss = uniform(rng, 0.4f, 1.4f);
    for (size_t i = 0; i < path->count; i++) {
        const float away = fabsf((float)i - middle) / half;
        if (away < 1.0f)
            path->points[i].radius *= 1.0f - loss * (1.0f - away);
    }
}

/* Now and then there is a speck of dirt beside the digit. */
static void add_speck(mb_rng *rng, mb_path *path)
{
    if (!happens(rng, 0.03f))
        return;
    const float x = uniform(rng, -40.0f, 40.0f), y = uniform(rng, -45.0f, 45.0f);
    append(path, x, y, true);
    path->points[path->count - 1].radius = uniform(rng, 0.5f, 3.0f);
}

void mb_handwriting_path(size_t digit, mb_rng *rng, mb_path *path)
{
    const mb_glyph glyph = mb_glyph_of(digit);
    skeleton shape;
    choose_shape(choose_variant(&glyph, rng), rng, &shape);
    style of = choose_style(&glyph, rng);
    deform(&of, rng, &shape);
    limit_radius(&glyph, &shape, &of);
    overrun(rng, &shape);
    trace(&shape, path);
    add_pressure(&of, rng, path);
    add_gap(rng, path);
    add_speck(rng, path);
}
