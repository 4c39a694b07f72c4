/* Images as the bytes that are not zero: what a batch is gathered from.
 *
 * Most of a digit is background. In the order of a shuffled epoch every image is a cache miss, and
 * this form has two fifths of the bytes; and a first layer that multiplies only these does a fifth
 * of the dense arithmetic. */
#ifndef MB_DATA_SPARSE_H
#define MB_DATA_SPARSE_H

#include "core/arena.h"
#include "core/status.h"
#include "kernels/kernels.h"

#include <mnist_blas/dataset.h>

/* A split with, where it pays, the dots of its images. Pixels are cut into `ranges` ranges of
 * range_pixels (the last may be smaller), and range r of image i has the dots bound[i][r] ..
 * bound[i][r+1]-1. Images with few zeros (or too many dots to number) have no such form: dots is
 * NULL. */
typedef struct mb_sample_source {
    mb_split split;
    size_t pixels; /* in an image */
    size_t segments, segment_pixels;
    mb_nonzero *nonzeros;
    uint32_t *row_start;        /* (count, ranges + 1) */
    const float *byte_to_float; /* (256) v / 255 */
} mb_sample_source;

/* What is not zero in range `range` of image `number`. */
static inline mb_sparse_row mb_sample_source_segment(const mb_sample_source *source, size_t number,
                                                     size_t range)
{
    const uint32_t *bound = source->row_start + number * (source->segments + 1) + range;
    return (mb_sparse_row){source->nonzeros + bound[0], bound[1] - bound[0]};
}

/* Prepares `split`; what is made belongs to the arena, and the
 * split must outlive it. MB_ERROR_MEMORY. */
mb_status mb_sample_source_open(const mb_split *split, mb_arena *arena, mb_sample_source *source,
                                mb_error *error);

/* A source of up to shape->count images that are not there yet; its pixels are ignored. Its form is
 * sparse, whatever the images (unless that needs more than UINT32_MAX non-zeros).
 * MB_ERROR_MEMORY. */
mb_status mb_sample_source_reserve(const mb_images *shape, mb_arena *arena,
                                   mb_sample_source *source, mb_error *error);

/* Replaces the images of a reserved source, or of one that is not sparse; they are borrowed, of the
 * source's shape and at most as many as it was made for. They have no labels. */
void mb_sample_source_set(mb_sample_source *source, const mb_images *images);

#endif
