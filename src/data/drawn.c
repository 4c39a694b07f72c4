#include "data/drawn.h"

#include "core/rng.h"
#include "data/glyphs.h"
#include "data/hand.h"
#include "data/pen.h"

#include <stdbool.h>
#include <string.h>

enum { SIDE = MB_SYNTHETIC_SIDE, INNER = MB_PEN_SIDE };

/* Where to put a row (or column) of the inner square whose weights have this sum and moment:
 * *offset, which brings their centre nearest to SIDE / 2, as MNIST has it. False when the image has
 * no room for that; the offset is then the nearest there is. */
static bool find_offset(uint32_t sum, uint32_t moment, size_t *offset)
{
    const float most = (float)(SIDE - INNER);
    const float wanted = (float)(SIDE / 2) - (float)moment / (float)sum + 0.5f;
    *offset = wanted < 0.0f ? 0 : wanted > most ? (size_t)most : (size_t)wanted;
    return wanted >= 0.0f && wanted < most + 1.0f;
}

/* gray (INNER, INNER) into the middle of pixels (SIDE, SIDE); false when there is no room for
 * that, or nothing in gray. */
static bool centre(const uint8_t *gray, uint8_t *pixels)
{
    memset(pixels, 0, MB_SYNTHETIC_PIXELS);
    uint32_t sum = 0, moment_x = 0, moment_y = 0;
    for (uint32_t y = 0; y < INNER; y++)
        for (uint32_t x = 0; x < INNER; x++) {
            const uint32_t value = gray[y * INNER + x];
            sum += value;
            moment_x += value * x;
            moment_y += value * y;
        }
    if (sum == 0)
        return false;
    size_t left, top;
    const bool in_x = find_offset(sum, moment_x, &left), in_y = find_offset(sum, moment_y, &top);
    for (size_t y = 0; y < INNER; y++)
        memcpy(pixels + (top + y) * SIDE + left, gray + y * INNER, INNER);
    return in_x && in_y;
}

/* One try at a digit; false when it is too lopsided to be centred, or blank. */
static bool try_digit(uint32_t label, mb_rng *rng, uint8_t *pixels)
{
    mb_path path;
    float depth[INNER * INNER];
    uint8_t gray[INNER * INNER];
    mb_hand_write(label, rng, &path);
    mb_path_fit(&path);
    mb_pen_depth(&path, depth);
    const float sharp = 0.75f + 0.25f * mb_rng_uniform(rng), ragged = 0.2f * mb_rng_uniform(rng);
    mb_pen_gray(depth, (mb_inking){sharp, ragged}, rng, gray);
    return centre(gray, pixels);
}

uint8_t mb_synthetic_digit(uint64_t seed, uint64_t image, uint8_t *pixels)
{
    enum { TRIES = 8 }; /* one of a thousand needs a second */
    mb_rng rng = mb_rng_at(seed, MB_RNG_DIGITS, 0, image);
    const uint32_t label = mb_rng_below(&rng, MB_DIGITS);
    for (size_t tries = 0; tries < TRIES && !try_digit(label, &rng, pixels); tries++)
        ;
    return (uint8_t)label;
}

typedef struct job {
    uint64_t seed;
    size_t count;
    uint8_t *images, *labels;
} job;

static void draw_share(const mb_worker *worker, void *context)
{
    const job *drawing = context;
    const size_t end = drawing->count * (worker->index + 1) / worker->count;
    for (size_t i = drawing->count * worker->index / worker->count; i < end; i++)
        drawing->labels[i] =
            mb_synthetic_digit(drawing->seed, i, drawing->images + i * MB_SYNTHETIC_PIXELS);
}

void mb_synthetic_digits(mb_team *team, uint64_t seed, size_t count, uint8_t *images,
                         uint8_t *labels)
{
    job drawing = {seed, count, images, labels};
    mb_team_run(team, draw_share, &drawing);
}
