#include "data/sparse.h"

#include <stdbool.h>

/* Above this share of non-zero bytes the dense form is smaller and faster. */
static const double densest = 0.5;

/* Pixels of a range, at most: enough ranges for threads to share, few enough that they are cheap to
 * begin. */
enum { RANGE_PIXELS = 200, GRAYS = 256 };

static size_t count_nonzero(size_t n, const uint8_t *bytes)
{
    size_t nonzero = 0;
#pragma omp simd reduction(+ : nonzero)
    for (size_t i = 0; i < n; i++)
        nonzero += bytes[i] != 0;
    return nonzero;
}

/* Where the compressed rows are written. */
typedef struct rows {
    size_t *start;
    uint16_t *index;
    uint8_t *value;
    uint32_t *bound;
} rows;

/* Pixels first .. end-1 of an image: every byte is stored, and only those that are not zero move
 * the place along. Returns the place after the last kept one. */
static size_t compress(const uint8_t *image, size_t first, size_t end, const rows *to, size_t kept)
{
    for (size_t p = first; p < end; p++) {
        to->index[kept] = (uint16_t)p;
        to->value[kept] = image[p];
        kept += image[p] != 0;
    }
    return kept;
}

static void compress_image(const mb_source *source, size_t i, const rows *to)
{
    const uint8_t *image = source->split.images + i * source->pixels;
    uint32_t *bound = to->bound + i * (source->ranges + 1);
    size_t kept = to->start[i];
    for (size_t r = 0; r < source->ranges; r++) {
        const size_t first = r * source->range_pixels, left = source->pixels - first;
        const size_t now = left < source->range_pixels ? left : source->range_pixels;
        bound[r] = (uint32_t)(kept - to->start[i]);
        kept = compress(image, first, first + now, to, kept);
    }
    bound[source->ranges] = (uint32_t)(kept - to->start[i]);
    to->start[i + 1] = kept;
}

mb_status mb_source_open(const mb_split *split, size_t pixels, mb_arena *arena, mb_source *source,
                         mb_error *error)
{
    *source = (mb_source){.split = *split, .pixels = pixels};
    const size_t bytes = split->count * pixels; /* fits: the images are in memory */
    const size_t nonzero = count_nonzero(bytes, split->images);
    if (pixels > UINT16_MAX + 1 || (double)nonzero > densest * (double)bytes)
        return MB_OK;
    source->ranges = (pixels + RANGE_PIXELS - 1) / RANGE_PIXELS;
    source->range_pixels = (pixels + source->ranges - 1) / source->ranges;
    source->ranges = (pixels + source->range_pixels - 1) / source->range_pixels;
    const size_t room = nonzero + 1; /* the store after the last kept byte */
    const rows to = {
        .start = mb_arena_take(arena, split->count + 1, sizeof *to.start),
        .index = mb_arena_take(arena, room, sizeof *to.index),
        .value = mb_arena_take(arena, room, sizeof *to.value),
        .bound = mb_arena_take(arena, split->count * (source->ranges + 1), sizeof *to.bound)};
    float *gray = mb_arena_take(arena, GRAYS, sizeof *gray);
    if (to.start == NULL || to.index == NULL || to.value == NULL || to.bound == NULL ||
        gray == NULL)
        return mb_fail_memory(error, "images", room * (sizeof *to.index + sizeof *to.value));
    for (size_t v = 0; v < GRAYS; v++)
        gray[v] = (float)v / 255.0f;
    for (size_t i = 0; i < split->count; i++)
        compress_image(source, i, &to);
    source->start = to.start;
    source->index = to.index;
    source->value = to.value;
    source->bound = to.bound;
    source->gray = gray;
    return MB_OK;
}
