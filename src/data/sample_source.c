#include "data/sample_source.h"

#include "core/util.h"

enum { LEVELS = 256 };

static size_t count_nonzeros(size_t n, const uint8_t *bytes)
{
    size_t nonzeros = 0;
#pragma omp simd reduction(+ : nonzeros)
    for (size_t i = 0; i < n; i++)
        nonzeros += bytes[i] != 0;
    return nonzeros;
}

mb_status mb_sample_source_open(const mb_split *split, mb_arena *arena, mb_sample_source *source,
                                mb_error *error)
{
    *source = (mb_sample_source){.split = *split, .pixels = mb_images_stride(&split->images)};
    const size_t bytes = split->images.count * source->pixels; /* fits: it is in memory */
    if (count_nonzeros(bytes, split->images.pixels) > bytes / 2)
        return MB_OK;
    const mb_status status = mb_sample_source_reserve(&split->images, arena, source, error);
    source->split = *split;
    return status;
}

mb_status mb_sample_source_reserve(const mb_images *shape, mb_arena *arena,
                                   mb_sample_source *source, mb_error *error)
{
    float *byte_to_float = mb_arena_alloc(arena, LEVELS, sizeof *byte_to_float);
    *source = (mb_sample_source){
        .split.images = *shape, .pixels = mb_images_stride(shape), .byte_to_float = byte_to_float};
    for (size_t v = 0; v < LEVELS && byte_to_float != NULL; v++)
        byte_to_float[v] = (float)v / 255.0f;
    return mb_arena_status(arena, "images", error);
}
