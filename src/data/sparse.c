#include "data/sparse.h"

#include <stdbool.h>

/* Above this share of non-zero bytes the dense form is smaller and faster. */
static const double densest = 0.5;

static size_t count_nonzero(size_t n, const uint8_t *bytes)
{
    size_t nonzero = 0;
#pragma omp simd reduction(+ : nonzero)
    for (size_t i = 0; i < n; i++)
        nonzero += bytes[i] != 0;
    return nonzero;
}

/* One image: every byte is stored, and only those that are not zero move the place along. */
static size_t compress(size_t pixels, const uint8_t *image, uint16_t *index, uint8_t *value,
                       uint64_t *mask)
{
    size_t kept = 0;
    for (size_t p = 0; p < pixels; p++) {
        const bool nonzero = image[p] != 0;
        index[kept] = (uint16_t)p;
        value[kept] = image[p];
        kept += nonzero;
        mask[p / 64] |= (uint64_t)nonzero << p % 64;
    }
    return kept;
}

mb_status mb_source_open(const mb_split *split, size_t pixels, mb_arena *arena, mb_source *source,
                         mb_error *error)
{
    *source = (mb_source){.split = *split, .pixels = pixels, .mask_words = (pixels + 63) / 64};
    const size_t bytes = split->count * pixels; /* fits: the images are in memory */
    const size_t nonzero = count_nonzero(bytes, split->images);
    if (pixels > UINT16_MAX + 1 || (double)nonzero > densest * (double)bytes)
        return MB_OK;
    const size_t room = nonzero + 1; /* the store after the last kept byte */
    size_t *start = mb_arena_take(arena, split->count + 1, sizeof *start);
    uint16_t *index = mb_arena_take(arena, room, sizeof *index);
    uint8_t *value = mb_arena_take(arena, room, sizeof *value);
    uint64_t *mask = mb_arena_take(arena, split->count * source->mask_words, sizeof *mask);
    if (start == NULL || index == NULL || value == NULL || mask == NULL)
        return mb_fail_memory(error, "images", room * (sizeof *index + sizeof *value));
    for (size_t i = 0; i < split->count; i++)
        start[i + 1] = start[i] + compress(pixels, split->images + i * pixels, index + start[i],
                                           value + start[i], mask + i * source->mask_words);
    source->start = start;
    source->index = index;
    source->value = value;
    source->mask = mask;
    return MB_OK;
}
