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

/* Numbers the non-zeros of all images. */
static void compress(mb_sample_source *source)
{
    const mb_kernels *kernels = mb_kernels_best();
    const uint8_t *bytes = source->split.images.pixels;
    uint32_t *start = source->row_start;
    size_t nonzeros = 0;
    for (size_t i = 0; i < source->split.images.count; i++) {
        for (size_t left = source->pixels; left > 0;) {
            const size_t now = mb_min_size(left, source->segment_pixels);
            *start++ = (uint32_t)nonzeros;
            nonzeros += kernels->find_nonzero_pixels(now, bytes, source->nonzeros + nonzeros);
            bytes += now;
            left -= now;
        }
        *start++ = (uint32_t)nonzeros;
    }
}

/* Allocates the sparse form for this number of non-zeros, with segments of nearly equal length. */
static mb_status reserve(mb_sample_source *source, size_t nonzeros, mb_arena *arena,
                         mb_error *error)
{
    const size_t images = source->split.images.count;
    source->segment_pixels =
        mb_divide_up(source->pixels, mb_divide_up(source->pixels, RANGE_PIXELS));
    source->segments = mb_divide_up(source->pixels, source->segment_pixels);
    float *byte_to_float = mb_arena_alloc(arena, GRAYS, sizeof *byte_to_float);
    source->row_start =
        mb_arena_alloc(arena, images * (source->segments + 1), sizeof *source->row_start);
    source->nonzeros = mb_arena_alloc(arena, nonzeros, sizeof *source->nonzeros);
    const mb_status status = mb_arena_status(arena, "images", error);
    for (size_t v = 0; status == MB_OK && v < GRAYS; v++)
        byte_to_float[v] = (float)v / 255.0f;
    source->byte_to_float = byte_to_float;
    return status;
}

mb_status mb_sample_source_open(const mb_split *split, mb_arena *arena, mb_sample_source *source,
                                mb_error *error)
{
    *source = (mb_sample_source){.split = *split, .pixels = mb_images_stride(&split->images)};
    const size_t bytes = split->images.count * source->pixels; /* fits: it is in memory */
    const size_t nonzeros = count_nonzero(bytes, split->images.pixels);
    if (nonzeros > UINT32_MAX || (double)nonzeros > densest * (double)bytes)
        return MB_OK;
    const mb_status status = reserve(source, nonzeros, arena, error);
    if (status == MB_OK)
        compress(source);
    return status;
}

mb_status mb_sample_source_reserve(const mb_images *shape, mb_arena *arena,
                                   mb_sample_source *source, mb_error *error)
{
    size_t bytes;
    *source = (mb_sample_source){.split.images = *shape, .pixels = mb_images_stride(shape)};
    if (!mb_multiply(shape->count, source->pixels, &bytes) || bytes > UINT32_MAX)
        return MB_OK;
    return reserve(source, bytes, arena, error);
}

void mb_sample_source_set(mb_sample_source *source, const mb_images *images)
{
    source->split.images = *images;
    if (source->nonzeros != NULL)
        compress(source);
}
