#include "data/drawn.h"

#include "core/rng.h"
#include "data/glyphs.h"
#include "data/hand.h"
#include "data/pen.h"

#include <string.h>

enum { SIDE = MB_DRAWN_SIDE, INNER = MB_PEN_SIDE };

/* Where to put a row (or column) of the inner square whose weights have this sum and moment, so
 * that their centre is nearest to SIDE / 2, as MNIST has it. */
static size_t offset_of(uint32_t sum, uint32_t moment)
{
    const float offset = (float)(SIDE / 2) - (float)moment / (float)sum;
    const float most = (float)(SIDE - INNER);
    return (size_t)((offset < 0.0f ? 0.0f : offset > most ? most : offset) + 0.5f);
}

/* gray (INNER, INNER) into the middle of pixels (SIDE, SIDE). */
static void centre(const uint8_t *gray, uint8_t *pixels)
{
    uint32_t sum = 1, moment_x = 0, moment_y = 0;
    for (uint32_t y = 0; y < INNER; y++)
        for (uint32_t x = 0; x < INNER; x++) {
            const uint32_t value = gray[y * INNER + x];
            sum += value;
            moment_x += value * x;
            moment_y += value * y;
        }
    const size_t left = offset_of(sum, moment_x), top = offset_of(sum, moment_y);
    memset(pixels, 0, MB_DRAWN_PIXELS);
    for (size_t y = 0; y < INNER; y++)
        memcpy(pixels + (top + y) * SIDE + left, gray + y * INNER, INNER);
}

uint8_t mb_drawn_digit(uint64_t seed, uint64_t image, uint8_t *pixels)
{
    mb_rng rng = mb_rng_at(seed, MB_FOR_DIGITS, 0, image);
    const uint32_t label = mb_rng_below(&rng, MB_DIGITS);
    mb_path path;
    float depth[INNER * INNER];
    uint8_t gray[INNER * INNER];
    mb_hand_write(label, &rng, &path);
    mb_path_fit(&path);
    mb_pen_depth(&path, depth);
    const float sharp = 0.75f + 0.25f * mb_rng_unit(&rng), ragged = 0.2f * mb_rng_unit(&rng);
    mb_pen_gray(depth, (mb_inking){sharp, ragged}, &rng, gray);
    centre(gray, pixels);
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
            mb_drawn_digit(drawing->seed, i, drawing->images + i * MB_DRAWN_PIXELS);
}

void mb_drawn_digits(mb_team *team, uint64_t seed, size_t count, uint8_t *images, uint8_t *labels)
{
    job drawing = {seed, count, images, labels};
    mb_team_run(team, draw_share, &drawing);
}
