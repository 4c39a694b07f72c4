#include "data/sparse.h"

#include <stdbool.h>

/* Above this share of non-zero bytes the dense form is smaller and faster. */
static const double densest = 0.5;

/* Pixels of a range, at most: a dot's step has 8 bits; enough ranges for threads to share, few
 * enough that they are cheap to begin. */
enum { RANGE_PIXELS = 200, GRAYS = 256 };

static size_t count_nonzero(size_t n, const uint8_t *bytes)
{
    size_t nonzero = 0;
#pragma omp simd reduction(+ : nonzero)
    for (size_t i = 0; i < n; i++)
        nonzero += bytes[i] != 0;
    return nonzero;
}

/* The dots of one range, to `dots`: every byte is stored, and only those that are not zero move the
 * place along. Returns how many were kept. */
static size_t keep_dots(size_t pixels, const uint8_t *bytes, mb_dot *dots)
{
    size_t kept = 0, last = 0;
    for (size_t p = 0; p < pixels; p++) {
        const bool nonzero = bytes[p] != 0;
        dots[kept] = (mb_dot){(uint8_t)(p - last), bytes[p]};
        kept += nonzero;
        last = nonzero ? p : last;
    }
    return kept;
}

static void compress(const mb_source *source, mb_dot *dots, uint32_t *bound)
{
    const uint8_t *bytes = source->split.images;
    size_t kept = 0;
    for (size_t i = 0; i < source->split.count; i++) {
        for (size_t left = source->pixels; left > 0;) {
            const size_t now = left < source->range_pixels ? left : source->range_pixels;
            *bound++ = (uint32_t)kept;
            kept += keep_dots(now, bytes, dots + kept);
            bytes += now;
            left -= now;
        }
        *bound++ = (uint32_t)kept;
    }
}

static void cut_ranges(mb_source *source)
{
    const size_t ranges = (source->pixels + RANGE_PIXELS - 1) / RANGE_PIXELS;
    source->range_pixels = (source->pixels + ranges - 1) / ranges; /* as equal as can be */
    source->ranges = (source->pixels + source->range_pixels - 1) / source->range_pixels;
}

mb_status mb_source_open(const mb_split *split, size_t pixels, mb_arena *arena, mb_source *source,
                         mb_error *error)
{
    *source = (mb_source){.split = *split, .pixels = pixels};
    const size_t bytes = split->count * pixels; /* fits: the images are in memory */
    const size_t nonzero = count_nonzero(bytes, split->images);
    if (nonzero > UINT32_MAX || (double)nonzero > densest * (double)bytes)
        return MB_OK;
    cut_ranges(source);
    /* One more, for the store after the last kept byte. */
    mb_dot *dots = mb_arena_take(arena, nonzero + 1, sizeof *dots);
    uint32_t *bound = mb_arena_take(arena, split->count * (source->ranges + 1), sizeof *bound);
    float *gray = mb_arena_take(arena, GRAYS, sizeof *gray);
    if (dots == NULL || bound == NULL || gray == NULL)
        return mb_fail_memory(error, "images", (nonzero + 1) * sizeof *dots);
    for (size_t v = 0; v < GRAYS; v++)
        gray[v] = (float)v / 255.0f;
    compress(source, dots, bound);
    source->dots = dots;
    source->bound = bound;
    source->gray = gray;
    return MB_OK;
}
