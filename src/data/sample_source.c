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

static bool are_sparse(const mb_images *images)
{
    const size_t bytes = images->count * mb_images_stride(images); /* fits: it is in memory */
    return images->pixels == NULL || count_nonzeros(bytes, images->pixels) <= bytes / 2;
}

mb_status mb_sample_source_open(const mb_split *split, const mb_standardization *standardization,
                                bool allowed, mb_arena *arena, mb_sample_source *source,
                                mb_error *error)
{
    const bool standardized = standardization != NULL && standardization->std[0] > 0.0f;
    *source = (mb_sample_source){.split = *split, .pixels = mb_images_stride(&split->images)};
    for (size_t c = 0; c < MB_MAX_CHANNELS; c++) {
        source->zero[c] = standardized ? 255.0f * standardization->mean[c] : 0.0f;
        source->unit[c] = standardized ? 255.0f * standardization->std[c] : 255.0f;
    }
    if (!allowed || standardized || !are_sparse(&split->images))
        return MB_OK;
    float *byte_to_float = mb_arena_alloc(arena, LEVELS, sizeof *byte_to_float);
    for (size_t v = 0; v < LEVELS && byte_to_float != NULL; v++)
        byte_to_float[v] = (float)v / 255.0f;
    source->byte_to_float = byte_to_float;
    return mb_arena_status(arena, "images", error);
}
