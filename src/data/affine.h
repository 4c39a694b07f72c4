/* Affine maps drawn at random. */
#ifndef MB_DATA_AFFINE_H
#define MB_DATA_AFFINE_H

#include "core/rng.h"
#include "kernels/kernels.h"

#include <mnist_blas/augmentation.h>

/* Draws one map within the strengths of `options`, for images of rows x columns: what is stretched
 * about the image's centre, slanted, turned and then moved. The warp leads back, from the pixels of
 * the new image to where they come from. Takes as many numbers of the stream whatever the options
 * are. */
mb_warp mb_random_affine(const mb_augmentation *options, size_t rows, size_t columns, mb_rng *rng);

#endif
