/* Images as the bytes that are not zero: what a batch is gathered from.
 *
 * Most of a digit is background. In the order of a shuffled epoch every image is a cache miss, and
 * this form has a third of the bytes; and a first layer that multiplies only these does a fifth of
 * the dense arithmetic. */
#ifndef MB_DATA_SPARSE_H
#define MB_DATA_SPARSE_H

#include "core/arena.h"
#include "core/status.h"
#include "kernels/kernels.h"

#include <mnist_blas/dataset.h>

/* A split with, where it pays, its compressed rows: image i has the bytes value[k] at the pixels
 * index[k], k = start[i] .. start[i+1]-1, ascending. Pixels are cut into `ranges` ranges of
 * range_pixels (the last may be smaller), and those of range r begin at k = start[i] + bound[r] of
 * the image's own bounds; bound[ranges] is their number. Images with few zeros (or more pixels
 * than an index can name) have no such form: start is NULL. */
typedef struct mb_source {
    mb_split split;
    size_t pixels; /* in an image */
    size_t ranges, range_pixels;
    const size_t *start;
    const uint16_t *index;
    const uint8_t *value;
    const uint32_t *bound; /* (count, ranges + 1) */
    const float *gray;     /* (256) v / 255 */
} mb_source;

/* What is not zero in range `range` of image `number`. */
static inline mb_pixels mb_source_pixels(const mb_source *source, size_t number, size_t range)
{
    const uint32_t *bound = source->bound + number * (source->ranges + 1) + range;
    const size_t first = source->start[number] + bound[0];
    return (mb_pixels){source->index + first, source->value + first, bound[1] - bound[0]};
}

/* Prepares `split`, whose images have `pixels` pixels; what is made belongs to the arena, and the
 * split must outlive it. MB_MEMORY. */
mb_status mb_source_open(const mb_split *split, size_t pixels, mb_arena *arena, mb_source *source,
                         mb_error *error);

#endif
