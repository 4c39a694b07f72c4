/* Pictures of handwriting in the form that MNIST's images have.
 *
 * LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
 * 1998, section III.A, and http://yann.lecun.com/exdb/mnist: white ink on black, size-normalised to
 * fit a box of 20 x 20 pixels with its aspect ratio kept, gray levels where that smooths the edges,
 * and in an image of 28 x 28 so that the centre of its mass is the image's. In their files it lies
 * within half a pixel of pixel (14, 14), counted from 0. */
#ifndef MB_DATA_NORMALISE_H
#define MB_DATA_NORMALISE_H

#include "core/status.h"

#include <stddef.h>
#include <stdint.h>

/* Brings the gray picture `pixels` (rows, columns) into `image` (to_rows, to_columns), the
 * caller's, 0 background: finds what is ink (data/ground.h), drops specks (data/spots.h), crops to
 * the ink, fits that into the middle 20/28 of the image with its aspect ratio kept, and stretches
 * it so that the strongest ink is 255. The centre of mass comes within half a pixel of pixel
 * (to_rows / 2, to_columns / 2), unless ink would leave the image. A picture whose ink has the size
 * already is not resampled, so that one in this form stays as it is. `name` is what errors call the
 * picture. MB_ERROR_FORMAT: nothing stands out from its ground; MB_ERROR_MEMORY. */
mb_status mb_picture_normalize(const char *name, const uint8_t *pixels, size_t rows, size_t columns,
                               uint8_t *image, size_t to_rows, size_t to_columns, mb_error *error);

#endif
