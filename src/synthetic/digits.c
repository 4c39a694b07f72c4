#include "synthetic/digits.h"

#include "core/rng.h"
#include "data/dataset.h"
#include "machine/machine.h"
#include "synthetic/glyphs.h"
#include "synthetic/handwriting.h"
#include "synthetic/rasterizer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = MB_SYNTHETIC_SIDE, INNER = MB_RASTER_SIDE };

/* Finds where a row (or column) of the inner square starts in the image, so that the center of its
 * gray values, of this sum and moment, is nearest to SIDE / 2, as in MNIST. False if the image has
 * no place for that: *offset is then the nearest. */
static bool find_offset(uint32_t sum, uint32_t moment, size_t *offset)
{
    const float max = (float)(SIDE - INNER);
    const float wanted = (float)(SIDE / 2) - (float)moment / (float)sum + 0.5f;
    *offset = wanted < 0.0f ? 0 : wanted > max ? (size_t)max : (size_t)wanted;
    return wanted >= 0.0f && wanted < max + 1.0f;
}

/* Puts gray (INNER, INNER) into pixels (SIDE, SIDE), centered by mass. False if there is no place
 * for that, or nothing in gray. */
static bool center(const uint8_t *gray, uint8_t *pixels)
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

/* False if the digit is too lopsided to be centered, or blank. */
static bool try_digit(uint32_t label, mb_rng *rng, uint8_t *pixels)
{
    mb_path path;
    float depth[INNER * INNER];
    uint8_t gray[INNER * INNER];
    mb_handwriting_path(label, rng, &path);
    mb_path_fit(&path);
    mb_path_depth(&path, depth);
    const float sharpness = 0.75f + 0.25f * mb_rng_uniform(rng);
    const float noise = 0.2f * mb_rng_uniform(rng);
    mb_depth_to_gray(depth, (mb_ink_edge){sharpness, noise}, rng, gray);
    return center(gray, pixels);
}

uint8_t mb_synthetic_digit(uint64_t seed, uint64_t image, uint8_t *pixels)
{
    enum { TRIES = 8 }; /* one in a thousand needs a second */
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

static void generate(const mb_worker *worker, void *context)
{
    const job *all = context;
    const size_t end = all->count * (worker->index + 1) / worker->count;
    for (size_t i = all->count * worker->index / worker->count; i < end; i++)
        all->labels[i] = mb_synthetic_digit(all->seed, i, all->images + i * MB_SYNTHETIC_PIXELS);
}

void mb_synthetic_digits(mb_team *team, uint64_t seed, size_t count, uint8_t *images,
                         uint8_t *labels)
{
    job all = {seed, count, images, labels};
    mb_team_run(team, generate, &all);
}

mb_status mb_dataset_synthesize(mb_machine *machine, uint64_t seed, mb_dataset **dataset,
                                mb_error *error)
{
    enum { TRAIN = MB_SYNTHETIC_TRAIN, TEST = MB_SYNTHETIC_TEST, COUNT = TRAIN + TEST };
    const size_t pixels = (size_t)COUNT * MB_SYNTHETIC_PIXELS, bytes = pixels + COUNT;
    if (machine == NULL || dataset == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: machine and dataset must not be NULL");
    uint8_t *images = malloc(bytes), *labels = images + pixels;
    if (images == NULL)
        return mb_fail_memory(error, "synthetic digits", bytes);
    mb_synthetic_digits(mb_machine_team(machine), seed, COUNT, images, labels);
    const mb_images all = {images, COUNT, 1, SIDE, SIDE};
    const mb_split train = {mb_images_slice(&all, 0, TRAIN), labels};
    const mb_split test = {mb_images_slice(&all, TRAIN, TEST), labels + TRAIN};
    const mb_dataset content = {.classes = MB_DIGITS, .train = train, .test = test};
    const mb_status status = mb_dataset_make(&content, images, free, dataset, error);
    if (status != MB_OK)
        free(images);
    return status;
}
