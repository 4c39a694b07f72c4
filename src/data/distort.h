/* Distortions of an exact strength, which measure how robust a network is.
 *
 * The result depends on kind, strength, seed and the image's index only. */
#ifndef MB_DATA_DISTORT_H
#define MB_DATA_DISTORT_H

#include "data/augment.h"

#include <mnist_blas/augmentation.h>

typedef struct mb_distortion {
    mb_distortion_kind kind;
    double strength;
    uint64_t seed;
} mb_distortion;

/* Prepares to distort the images of `source`: mb_augment_image does then what `distortion` says at
 * the time of the call, in each epoch alike. Both must outlive the augmenter. Memory is the
 * arena's. MB_ERROR_MEMORY. */
mb_status mb_distorter_open(const mb_distortion *distortion, const mb_sample_source *source,
                            mb_arena *arena, mb_augmenter *augmenter, mb_error *error);

/* As mb_augment_image, of an augmenter with a distortion. */
void mb_distort_image(const mb_augmenter *augmenter, const mb_kernels *kernels, size_t index,
                      void *scratch, uint8_t *image);

#endif
