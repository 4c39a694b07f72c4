/* A split as batches are gathered from it: its bytes, and a sparse form of them.
 *
 * Most of a digit is background. In the order of a shuffled epoch every image is a cache miss, and
 * the sparse form has two fifths of the bytes; a first layer that multiplies only non-zero pixels
 * does a fifth of the dense arithmetic. */
#ifndef MB_DATA_SAMPLE_SOURCE_H
#define MB_DATA_SAMPLE_SOURCE_H

#include "core/arena.h"
#include "core/status.h"
#include "kernels/kernels.h"

#include <mnist_blas/dataset.h>

/* Pixels are divided into `segments` of segment_pixels (the last may be smaller); the non-zeros of
 * segment s of image i are nonzeros[row_start[i][s]] .. nonzeros[row_start[i][s + 1] - 1].
 * nonzeros is NULL, and there is no sparse form, if images have few zeros, or more non-zeros than
 * 32 bits can index. */
typedef struct mb_sample_source {
    mb_split split;
    size_t pixels; /* of one image, over all channels */
    size_t segments, segment_pixels;
    mb_nonzero *nonzeros;
    uint32_t *row_start;        /* (count, segments + 1) */
    const float *byte_to_float; /* (256) v / 255 */
} mb_sample_source;

/* The non-zeros of segment `segment` of image `index`. */
static inline mb_sparse_row mb_sample_source_segment(const mb_sample_source *source, size_t index,
                                                     size_t segment)
{
    const uint32_t *start = source->row_start + index * (source->segments + 1) + segment;
    return (mb_sparse_row){source->nonzeros + start[0], start[1] - start[0]};
}

/* Prepares `split`, which must outlive the source. Memory is the arena's. MB_ERROR_MEMORY. */
mb_status mb_sample_source_open(const mb_split *split, mb_arena *arena, mb_sample_source *source,
                                mb_error *error);

/* A source of up to shape->count images that follow later; shape->pixels is ignored. It is sparse
 * whatever the images, unless more than 32 bits would have to index. MB_ERROR_MEMORY. */
mb_status mb_sample_source_reserve(const mb_images *shape, mb_arena *arena,
                                   mb_sample_source *source, mb_error *error);

/* Replaces the images of a reserved source, or of one that is not sparse. They are borrowed, have
 * the source's shape, no labels, and at most its count. */
void mb_sample_source_set(mb_sample_source *source, const mb_images *images);

/* Lists the non-zeros of image `index` of a sparse source, from nonzeros[first] on; returns the
 * index after the last. */
uint32_t mb_sample_source_compress(const mb_sample_source *source, const mb_kernels *kernels,
                                   size_t index, uint32_t first);

/* Prefetches one image: its non-zeros, or its bytes if there is no sparse form. */
void mb_sample_source_prefetch(const mb_sample_source *source, size_t index);

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
