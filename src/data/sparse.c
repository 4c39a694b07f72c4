#include "data/sparse.h"

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

static void compress(const mb_sample_source *source, mb_nonzero *dots, uint32_t *bound)
{
    const mb_kernels *kernels = mb_kernels_best();
    const uint8_t *bytes = source->split.images.pixels;
    size_t kept = 0;
    for (size_t i = 0; i < source->split.images.count; i++) {
        for (size_t left = source->pixels; left > 0;) {
            const size_t now = left < source->segment_pixels ? left : source->segment_pixels;
            *bound++ = (uint32_t)kept;
            kept += kernels->find_nonzero_pixels(now, bytes, dots + kept);
            bytes += now;
            left -= now;
        }
        *bound++ = (uint32_t)kept;
    }
}

static void cut_ranges(mb_sample_source *source)
{
    const size_t ranges = (source->pixels + RANGE_PIXELS - 1) / RANGE_PIXELS;
    source->segment_pixels = (source->pixels + ranges - 1) / ranges; /* as equal as can be */
    source->segments = (source->pixels + source->segment_pixels - 1) / source->segment_pixels;
}

mb_status mb_sample_source_open(const mb_split *split, mb_arena *arena, mb_sample_source *source,
                                mb_error *error)
{
    *source = (mb_sample_source){.split = *split, .pixels = mb_images_stride(&split->images)};
    const size_t bytes = split->images.count * source->pixels; /* fits: it is in memory */
    const size_t nonzero = count_nonzero(bytes, split->images.pixels);
    if (nonzero > UINT32_MAX || (double)nonzero > densest * (double)bytes)
        return MB_OK;
    cut_ranges(source);
    mb_nonzero *dots = mb_arena_alloc(arena, nonzero, sizeof *dots);
    uint32_t *bound =
        mb_arena_alloc(arena, split->images.count * (source->segments + 1), sizeof *bound);
    float *gray = mb_arena_alloc(arena, GRAYS, sizeof *gray);
    if (dots == NULL || bound == NULL || gray == NULL)
        return mb_fail_memory(error, "images", nonzero * sizeof *dots);
    for (size_t v = 0; v < GRAYS; v++)
        gray[v] = (float)v / 255.0f;
    compress(source, dots, bound);
    source->nonzeros = dots;
    source->row_start = bound;
    source->byte_to_float = gray;
    return MB_OK;
}
