#include "data/hand.h"

#include "data/glyphs.h"

#include <math.h>

/* Pieces that the curve between two dots is cut into; a form's dots and one more for a hook. */
enum { PIECES = 5, MOST_AIMS = MB_GLYPH_DOTS + 1 };
_Static_assert(MOST_AIMS *PIECES + 1 <= MB_PATH_DOTS, "all forms fit a path, with a speck");

/* Every draw is a statement of its own: the order in which C evaluates arguments is open, and the
 * numbers are to fall alike with every compiler. */

/* A dot of a form as this hand means it, in the units of the table, the middle at 0. */
typedef struct aim {
    float x, y;
    char turn;
} aim;

typedef struct skeleton {
    size_t count;
    aim dots[MOST_AIMS];
} skeleton;

/* What a hand does with all of a digit. */
typedef struct manner {
    float unsteady;           /* standard deviation of a dot from where it should be */
    float bend[2][5];         /* of the paper: x and y move by these times u^2, uv, v^2, u^3, v^3 */
    float across[2], down[2]; /* the affine map: where the directions of x and y go */
    float radius;
} manner;

static float between(mb_rng *rng, float from, float to)
{
    return from + (to - from) * mb_rng_uniform(rng);
}

/* Mean 0, standard deviation 1, bell-shaped within +-3.46: the sum of four uniform numbers. */
static float normal(mb_rng *rng)
{
    const uint64_t bits = mb_rng_next(rng);
    const uint32_t sum = (uint32_t)(bits & 0xffff) + (uint32_t)(bits >> 16 & 0xffff) +
                         (uint32_t)(bits >> 32 & 0xffff) + (uint32_t)(bits >> 48);
    return ((float)sum * 0x1p-16f - 2.0f) * 1.7320508f;
}

static float at_least(float floor, float value) { return value < floor ? floor : value; }

static bool happens(mb_rng *rng, float chance) { return mb_rng_uniform(rng) < chance; }

static const mb_form *choose_form(const mb_glyph *glyph, mb_rng *rng)
{
    uint32_t left = mb_rng_below(rng, glyph->weight);
    const mb_form *form = glyph->forms;
    while (left >= form->weight)
        left -= form++->weight;
    return form;
}

/* A point on the line through two examples of the form, mostly between them. */
static void choose_example(const mb_form *form, mb_rng *rng, skeleton *bones)
{
    const uint32_t one = mb_rng_below(rng, form->examples);
    const uint32_t step = 1 + mb_rng_below(rng, form->examples - 1);
    const uint32_t other = (one + step) % form->examples;
    const mb_dot *a = form->dots + one * form->count, *b = form->dots + other * form->count;
    const float t = between(rng, -0.25f, 1.25f);
    bones->count = form->count;
    for (size_t i = 0; i < form->count; i++)
        bones->dots[i] =
            (aim){(float)a[i].x + t * (float)(b[i].x - a[i].x) - 50.0f,
                  (float)a[i].y + t * (float)(b[i].y - a[i].y) - 50.0f, form->turns[i]};
}

static manner choose_manner(const mb_glyph *glyph, mb_rng *rng)
{
    manner way = {.unsteady = glyph->loose * between(rng, 2.0f, 8.0f)};
    for (size_t axis = 0; axis < 2; axis++)
        for (size_t i = 0; i < 5; i++)
            way.bend[axis][i] = glyph->loose * 6.0f * normal(rng);
    const float half = 0.5f * 0.16f * normal(rng); /* tangent of half the angle */
    const float cosine = (1.0f - half * half) / (1.0f + half * half);
    const float sine = 2.0f * half / (1.0f + half * half);
    const float wide = 0.97f + 0.2f * normal(rng), slant = glyph->slant + 0.21f * normal(rng);
    way.across[0] = wide * cosine;
    way.across[1] = wide * sine;
    way.down[0] = -sine - slant * cosine;
    way.down[1] = cosine - slant * sine;
    const float bold = at_least(0.65f, 1.0f + 0.16f * normal(rng));
    way.radius = glyph->radius * bold * bold;
    return way;
}

/* Moves each dot off its aim, neighbours alike, and the whole as paper and slant have it. */
static void disturb(const manner *way, mb_rng *rng, skeleton *bones)
{
    float stray_x = 0.0f, stray_y = 0.0f;
    for (size_t i = 0; i < bones->count; i++) {
        aim *dot = &bones->dots[i];
        stray_x = 0.6f * stray_x + way->unsteady * normal(rng);
        stray_y = 0.6f * stray_y + way->unsteady * normal(rng);
        const float u = dot->x * 0.02f, v = dot->y * 0.02f;
        const float terms[5] = {u * u, u * v, v * v, u * u * u, v * v * v};
        float x = dot->x + stray_x, y = dot->y + stray_y;
        for (size_t k = 0; k < 5; k++) {
            x += way->bend[0][k] * terms[k];
            y += way->bend[1][k] * terms[k];
        }
        dot->x = way->across[0] * x + way->down[0] * y;
        dot->y = way->across[1] * x + way->down[1] * y;
    }
}

/* The standard deviation of the dots across the direction in which they vary most: how broad the
 * digit is, however it leans. */
static float breadth(const skeleton *bones)
{
    const float count = (float)bones->count;
    float x = 0.0f, y = 0.0f, xx = 0.0f, xy = 0.0f, yy = 0.0f;
    for (size_t i = 0; i < bones->count; i++) {
        const aim *dot = &bones->dots[i];
        x += dot->x;
        y += dot->y;
        xx += dot->x * dot->x;
        xy += dot->x * dot->y;
        yy += dot->y * dot->y;
    }
    xx = (xx - x * x / count) / count;
    xy = (xy - x * y / count) / count;
    yy = (yy - y * y / count) / count;
    const float half = 0.5f * (xx - yy);
    const float square = 0.5f * (xx + yy) - sqrtf(half * half + xy * xy);
    return sqrtf(at_least(0.0f, square)); /* rounding may leave less than 0 */
}

/* A pen that would fill the bows of a narrow digit is a thinner one: filled, it could be a 1. */
static void thin_pen(const mb_glyph *glyph, const skeleton *bones, manner *way)
{
    const float most = glyph->bold * breadth(bones);
    if (glyph->bold > 0.0f && way->radius > most)
        way->radius = most;
}

static bool stroke_begins(const skeleton *bones, size_t i)
{
    return i == 0 || bones->dots[i].turn == MB_LIFTED;
}

static bool stroke_ends(const skeleton *bones, size_t i)
{
    return i + 1 == bones->count || bones->dots[i + 1].turn == MB_LIFTED;
}

/* Lets the pen touch the paper too early or leave it too late: strokes grow or shrink at their
 * ends, and now and then the last one gets a small hook. */
static void overrun(mb_rng *rng, skeleton *bones)
{
    for (size_t i = 0; i < bones->count; i++) {
        const bool begins = stroke_begins(bones, i), ends = stroke_ends(bones, i);
        if (!begins && !ends)
            continue;
        aim *end = &bones->dots[i];
        const aim *inner = begins ? end + 1 : end - 1;
        const float more = 0.25f * normal(rng);
        end->x += more * (end->x - inner->x);
        end->y += more * (end->y - inner->y);
    }
    if (!happens(rng, 0.1f))
        return;
    aim hook = bones->dots[bones->count - 1];
    hook.x += 7.0f * normal(rng);
    hook.y += 7.0f * normal(rng);
    hook.turn = MB_SMOOTH;
    bones->dots[bones->count++] = hook;
}

/* The tangent of the curve where it leaves dot i, or where it reaches it: half the way from the dot
 * before to the dot after (Catmull and Rom, "A class of local interpolating splines", 1974); at the
 * ends of a stroke and at a corner the way to the one neighbour. */
static aim direction(const skeleton *bones, size_t i, bool leaving)
{
    const bool corner = bones->dots[i].turn == MB_CORNER;
    const bool first = stroke_begins(bones, i) || (corner && leaving);
    const bool last = stroke_ends(bones, i) || (corner && !leaving);
    const aim *before = &bones->dots[first ? i : i - 1], *after = &bones->dots[last ? i : i + 1];
    const float factor = first || last ? 1.0f : 0.5f;
    return (aim){factor * (after->x - before->x), factor * (after->y - before->y), MB_SMOOTH};
}

static void append(mb_path *path, float x, float y, bool begins)
{
    path->dots[path->count++] = (mb_ink){.x = x, .y = y, .begins = begins};
}

/* The cubic curve (Hermite's form) from dot i to the next, without its beginning. */
static void append_curve(const skeleton *bones, size_t i, mb_path *path)
{
    const aim *a = &bones->dots[i], *b = &bones->dots[i + 1];
    const aim out = direction(bones, i, true), in = direction(bones, i + 1, false);
    for (size_t piece = 1; piece <= PIECES; piece++) {
        const float t = (float)piece / PIECES, s = 1.0f - t;
        const float from = (1.0f + 2.0f * t) * s * s, to = t * t * (3.0f - 2.0f * t);
        const float leave = t * s * s, reach = -t * t * s;
        append(path, from * a->x + to * b->x + leave * out.x + reach * in.x,
               from * a->y + to * b->y + leave * out.y + reach * in.y, false);
    }
}

static void follow(const skeleton *bones, mb_path *path)
{
    path->count = 0;
    for (size_t i = 0; i < bones->count; i++) {
        if (stroke_begins(bones, i))
            append(path, bones->dots[i].x, bones->dots[i].y, true);
        if (!stroke_ends(bones, i))
            append_curve(bones, i, path);
    }
}

/* A number that wanders along the path: random knots, a straight line from each to the next. */
typedef struct wander {
    float from, to;
} wander;

enum { KNOT_EVERY = 6 };

static wander wander_begin(mb_rng *rng) { return (wander){.to = normal(rng)}; }

static float wander_on(wander *w, size_t i, mb_rng *rng)
{
    if (i % KNOT_EVERY == 0) {
        w->from = w->to;
        w->to = normal(rng);
    }
    return w->from + (float)(i % KNOT_EVERY) / KNOT_EVERY * (w->to - w->from);
}

/* Pressure and tremor along the path. */
static void press(const manner *way, mb_rng *rng, mb_path *path)
{
    wander pressure = wander_begin(rng), right = wander_begin(rng), down = wander_begin(rng);
    const float uneven = between(rng, 0.05f, 0.35f), tremor = between(rng, 0.0f, 1.2f);
    for (size_t i = 0; i < path->count; i++) {
        mb_ink *dot = &path->dots[i];
        const float thick = 1.0f + uneven * wander_on(&pressure, i, rng);
        dot->radius = way->radius * at_least(0.3f, thick);
        dot->x += tremor * wander_on(&right, i, rng);
        dot->y += tremor * wander_on(&down, i, rng);
    }
}

/* Now and then the ink thins out at one place, or is missing there: at most 10 dots, fewer than the
 * shortest path has. */
static void skip(mb_rng *rng, mb_path *path)
{
    if (!happens(rng, 0.08f))
        return;
    const float middle = between(rng, 0.0f, (float)path->count);
    const float half = between(rng, 1.0f, 5.0f), loss = between(rng, 0.4f, 1.4f);
    for (size_t i = 0; i < path->count; i++) {
        const float away = fabsf((float)i - middle) / half;
        if (away < 1.0f)
            path->dots[i].radius *= 1.0f - loss * (1.0f - away);
    }
}

/* Now and then there is a speck of dirt beside the digit. */
static void drop(mb_rng *rng, mb_path *path)
{
    if (!happens(rng, 0.03f))
        return;
    const float x = between(rng, -40.0f, 40.0f), y = between(rng, -45.0f, 45.0f);
    append(path, x, y, true);
    path->dots[path->count - 1].radius = between(rng, 0.5f, 3.0f);
}

void mb_hand_write(size_t digit, mb_rng *rng, mb_path *path)
{
    const mb_glyph glyph = mb_glyph_of(digit);
    skeleton bones;
    choose_example(choose_form(&glyph, rng), rng, &bones);
    manner way = choose_manner(&glyph, rng);
    disturb(&way, rng, &bones);
    thin_pen(&glyph, &bones, &way);
    overrun(rng, &bones);
    follow(&bones, path);
    press(&way, rng, path);
    skip(rng, path);
    drop(rng, path);
}
