/* Training images varied: an affine map, displacements that change smoothly from pixel to pixel,
 * both drawn anew for each image in each epoch.
 *
 * What an image becomes depends on options, seed, epoch and its number alone. */
#ifndef MB_DATA_AUGMENT_H
#define MB_DATA_AUGMENT_H

#include "data/batch.h"

#include <mnist_blas/augmentation.h>

typedef struct mb_augmenter {
    const mb_sample_source *source;
    mb_augmentation options;
    uint64_t seed;
    size_t rows, columns;
    const float *x, *y;    /* (pixels) from the image's centre */
    const uint32_t *place; /* (pixels) of each in the framed image */
    const float *weights;  /* (2 radius + 1) of the smoothing; NULL: not elastic */
    size_t radius;
    size_t scratch;    /* bytes that making an image needs */
    size_t plain_from; /* images stay as they are from this epoch on; mb_augmenter_open: never */
} mb_augmenter;

/* Prepares to vary the images of `source`, of one channel, which must outlive the augmenter; what
 * is made belongs to the arena. MB_ERROR_MEMORY. */
mb_status mb_augmenter_open(const mb_augmentation *options, uint64_t seed,
                            const mb_sample_source *source, mb_arena *arena,
                            mb_augmenter *augmenter, mb_error *error);

/* Image `number` of the source as epoch `epoch`, from 0, sees it: `image` (rows, columns), not
 * touched by other threads meanwhile; neither is `scratch`, augmenter->scratch bytes on a cache
 * line. Any kernels give the same bytes. */
void mb_augment_image(const mb_augmenter *augmenter, const mb_kernels *kernels, size_t number,
                      size_t epoch, void *scratch, uint8_t *image);

/* Rows that hold the samples of one step after the other: a source of its own, in the form of the
 * original. Each has its fixed room, so that threads can make them apart. */
typedef struct mb_augmented_batch {
    const mb_augmenter *augmenter;
    mb_sample_source source; /* (max_rows) */
    uint8_t *images, *labels;
    mb_nonzero *dots; /* NULL: as dense as the original */
    uint32_t *bound;
    const uint32_t *index; /* (max_rows) 0, 1, 2, ...: what a step that uses all rows gathers */
} mb_augmented_batch;

/* Room for max_rows samples, from the arena; the augmenter must outlive it. MB_ERROR_MEMORY. */
mb_status mb_augmented_batch_open(const mb_augmenter *augmenter, size_t max_rows, mb_arena *arena,
                                  mb_augmented_batch *augmented, mb_error *error);

/* Makes the rows first .. end-1 (cut down to those there are) of a step's samples. */
void mb_augmented_batch_fill(const mb_augmented_batch *augmented, const mb_kernels *kernels,
                             mb_sample_indices samples, size_t first, size_t end, size_t epoch,
                             void *scratch);

/* Asks the memory for what making them will read. */
void mb_augmented_batch_prefetch(const mb_augmented_batch *augmented, mb_sample_indices samples,
                                 size_t first, size_t end);

#endif
