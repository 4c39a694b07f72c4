/* A split as batches are gathered from it.
 *
 * Most of a digit is background: a first layer that multiplies only non-zero pixels does a fifth of
 * the dense arithmetic. */
#ifndef MB_DATA_SAMPLE_SOURCE_H
#define MB_DATA_SAMPLE_SOURCE_H

#include "core/arena.h"
#include "core/status.h"
#include "kernels/kernels.h"

#include <mnist_blas/dataset.h>

typedef struct mb_sample_source {
    mb_split split;
    size_t pixels;                                      /* of one image, over all channels */
    float zero[MB_MAX_CHANNELS], unit[MB_MAX_CHANNELS]; /* by channel: x = (v - zero) / unit */
    const float *byte_to_float; /* (256) v / 255; NULL: the input has few zeros */
} mb_sample_source;

/* True if products with the images skip zeros: batches are gathered by pixel. */
static inline bool mb_sample_source_is_sparse(const mb_sample_source *source)
{
    return source->byte_to_float != NULL;
}

/* Prepares `split`, which must outlive the source. It is sparse if that is `allowed`, images are
 * not standardized (NULL: they are not), and half of their bytes are 0, or they follow later:
 * without pixels only the shape counts. Memory is the arena's. MB_ERROR_MEMORY. */
mb_status mb_sample_source_open(const mb_split *split, const mb_standardization *standardization,
                                bool allowed, mb_arena *arena, mb_sample_source *source,
                                mb_error *error);

/* The bytes of image `index`. */
static inline const uint8_t *mb_sample_source_image(const mb_sample_source *source, size_t index)
{
    return source->split.images.pixels + index * source->pixels;
}

/* Prefetches `bytes` bytes. */
static inline void mb_prefetch(const void *from, size_t bytes)
{
    const char *line = from, *end = line + bytes;
    line -= (uintptr_t)line % MB_CACHE_LINE;
    for (; line < end; line += MB_CACHE_LINE)
        __builtin_prefetch(line, 0, 2);
    __asm__ volatile(""); /* GCC drops calls of a function that does nothing else */
}

#endif
