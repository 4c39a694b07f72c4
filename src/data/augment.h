/* Augmentation of training images: a random shift, or a random affine map and elastic
 * displacements, then a flip and a cutout, different for each image in each epoch.
 *
 * The result depends on options, seed, epoch and the image's index only. */
#ifndef MB_DATA_AUGMENT_H
#define MB_DATA_AUGMENT_H

#include "data/batch.h"

#include <mnist_blas/augmentation.h>

typedef struct mb_augmenter {
    const mb_sample_source *source;
    mb_augmentation options;
    uint64_t seed;
    size_t rows, columns;
    const uint8_t *fill;  /* (channels) the constant for padding and cutout */
    bool reflect;         /* pixels from beyond the border; else they are `fill` */
    const float *x, *y;   /* (rows, columns) coordinates from the center of the image; NULL: no warp
                           */
    const float *weights; /* (2 radius + 1) of the smoothing; NULL: not elastic */
    size_t radius;
    size_t scratch;    /* bytes of scratch for one image */
    size_t plain_from; /* first epoch without augmentation; after mb_augmenter_open: none */
    const struct mb_distortion *distortion; /* instead of the options (distort.h); NULL: none */
} mb_augmenter;

/* Scale about the center of an image, shear, rotation, then shift. */
typedef struct mb_affine {
    double angle;       /* radians, clockwise */
    double wide, high;  /* factors */
    double shear;       /* horizontal, as a fraction of the height */
    double right, down; /* pixels */
} mb_affine;

/* Prepares to augment the images of `source`; it must outlive the augmenter. Memory is the
 * arena's. MB_ERROR_MEMORY. */
mb_status mb_augmenter_open(const mb_augmentation *options, uint64_t seed,
                            const mb_sample_source *source, mb_arena *arena,
                            mb_augmenter *augmenter, mb_error *error);

/* Augments image `index` of the source for epoch `epoch`, from 0, into `image`
 * (channels, rows, columns), all channels alike. `scratch` has augmenter->scratch bytes and is
 * aligned to a cache line; both belong to the calling thread. All kernel sets give the same
 * bytes. */
void mb_augment_image(const mb_augmenter *augmenter, const mb_kernels *kernels, size_t index,
                      size_t epoch, void *scratch, uint8_t *image);

/* Maps all channels of an image, `original`, into `image`, both (channels, rows, columns). The
 * augmenter's kind is MB_AUGMENT_AFFINE, and the rest is as above. */
void mb_map_image(const mb_augmenter *augmenter, const mb_kernels *kernels, const mb_affine *map,
                  const uint8_t *original, void *scratch, uint8_t *image);

/* The augmented images of one step, as a sample source like the original: row r is image r. Each
 * row has its own memory, so that threads can fill rows in parallel. */
typedef struct mb_augmented_batch {
    const mb_augmenter *augmenter;
    mb_sample_source source; /* (max_rows); sparse if the original is */
    uint8_t *images, *labels;
    const uint32_t *index; /* (max_rows) 0, 1, 2, ...: the samples of a batch of all rows */
} mb_augmented_batch;

/* Allocates max_rows rows from the arena; the augmenter must outlive them. MB_ERROR_MEMORY. */
mb_status mb_augmented_batch_open(const mb_augmenter *augmenter, size_t max_rows, mb_arena *arena,
                                  mb_augmented_batch *augmented, mb_error *error);

/* Fills the rows first .. end-1, as far as there are samples, from a step's samples. */
void mb_augmented_batch_fill(const mb_augmented_batch *augmented, const mb_kernels *kernels,
                             mb_sample_indices samples, size_t first, size_t end, size_t epoch,
                             void *scratch);

/* Prefetches the data that filling them reads. */
void mb_augmented_batch_prefetch(const mb_augmented_batch *augmented, mb_sample_indices samples,
                                 size_t first, size_t end);

#endif
