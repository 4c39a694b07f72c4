#include "data/sample_source.h"

#include "core/util.h"

/* Above this fraction of non-zero bytes the dense form is smaller and faster. */
static const double max_density = 0.5;

/* Maximum pixels of a segment: the delta of a non-zero has 8 bits; enough segments for threads to
 * share, few enough that their overhead is small. */
enum { MAX_SEGMENT = 200, LEVELS = 256 };

static size_t count_nonzeros(size_t n, const uint8_t *bytes)
{
    size_t nonzeros = 0;
#pragma omp simd reduction(+ : nonzeros)
    for (size_t i = 0; i < n; i++)
        nonzeros += bytes[i] != 0;
    return nonzeros;
}

uint32_t mb_sample_source_compress(const mb_sample_source *source, const mb_kernels *kernels,
                                   size_t index, uint32_t first)
{
    const uint8_t *bytes = source->split.images.pixels + index * source->pixels;
    uint32_t *row_start = source->row_start + index * (source->segments + 1);
    for (size_t segment = 0; segment < source->segments; segment++) {
        const size_t begin = segment * source->segment_pixels;
        const size_t n = mb_min_size(source->segment_pixels, source->pixels - begin);
        row_start[segment] = first;
        first += (uint32_t)kernels->find_nonzero_pixels(n, bytes + begin, source->nonzeros + first);
    }
    row_start[source->segments] = first;
    return first;
}

static void compress_all(const mb_sample_source *source)
{
    const mb_kernels *kernels = mb_kernels_best();
    uint32_t first = 0;
    for (size_t i = 0; i < source->split.images.count; i++)
        first = mb_sample_source_compress(source, kernels, i, first);
}

/* Allocates the sparse form for this number of non-zeros, with segments of nearly equal size. */
static mb_status reserve(mb_sample_source *source, size_t nonzeros, mb_arena *arena,
                         mb_error *error)
{
    const size_t images = source->split.images.count;
    source->segment_pixels =
        mb_divide_up(source->pixels, mb_divide_up(source->pixels, MAX_SEGMENT));
    source->segments = mb_divide_up(source->pixels, source->segment_pixels);
    float *byte_to_float = mb_arena_alloc(arena, LEVELS, sizeof *byte_to_float);
    source->row_start =
        mb_arena_alloc(arena, images * (source->segments + 1), sizeof *source->row_start);
    source->nonzeros = mb_arena_alloc(arena, nonzeros, sizeof *source->nonzeros);
    const mb_status status = mb_arena_status(arena, "images", error);
    for (size_t v = 0; status == MB_OK && v < LEVELS; v++)
        byte_to_float[v] = (float)v / 255.0f;
    source->byte_to_float = byte_to_float;
    return status;
}

mb_status mb_sample_source_open(const mb_split *split, mb_arena *arena, mb_sample_source *source,
                                mb_error *error)
{
    *source = (mb_sample_source){.split = *split, .pixels = mb_images_stride(&split->images)};
    const size_t bytes = split->images.count * source->pixels; /* fits: it is in memory */
    const size_t nonzeros = count_nonzeros(bytes, split->images.pixels);
    if (nonzeros > UINT32_MAX || (double)nonzeros > max_density * (double)bytes)
        return MB_OK;
    const mb_status status = reserve(source, nonzeros, arena, error);
    if (status == MB_OK)
        compress_all(source);
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
        compress_all(source);
}

void mb_sample_source_prefetch(const mb_sample_source *source, size_t index)
{
    if (source->nonzeros == NULL) {
        mb_prefetch(source->split.images.pixels + index * source->pixels, source->pixels);
        return;
    }
    const uint32_t *start = source->row_start + index * (source->segments + 1);
    mb_prefetch(source->nonzeros + start[0],
                (start[source->segments] - start[0]) * sizeof *source->nonzeros);
}
