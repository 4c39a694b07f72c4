/* Conversion of a picture to an image for the network: like MNIST's, or of its size only. */
#ifndef MB_PICTURE_NORMALIZE_H
#define MB_PICTURE_NORMALIZE_H

#include "core/status.h"

#include <mnist_blas/images.h>
#include <stddef.h>
#include <stdint.h>

/* Converts the gray picture `pixels` (rows, columns) to `image` (to_rows, to_columns), the
 * caller's, with a background of 0. The ink is what is darker or lighter than its background,
 * which may be unevenly lit; the table around a sheet of paper, specks, ruled lines and frames are
 * removed, and strokes thinner than any of MNIST's are widened. The box around the ink is scaled to
 * the part of the image that `framing`, not MB_FRAMING_NONE, has for it, 20/28 for MNIST's, keeping
 * its aspect ratio, and its strongest value becomes 255. Its center is within half a pixel of pixel
 * (to_rows / 2, to_columns / 2), unless ink would leave the image. Ink that has the size already is
 * not resampled. `name` is the picture's name in errors. MB_ERROR_FORMAT: no ink found, or several
 * digits; MB_ERROR_MEMORY. */
mb_status mb_picture_normalize(const char *name, const uint8_t *pixels, size_t rows, size_t columns,
                               mb_framing framing, uint8_t *image, size_t to_rows,
                               size_t to_columns, mb_error *error);

/* Resizes the picture (channels, rows, columns) to `image` (channels, to_rows, to_columns), the
 * caller's, and changes nothing else: to the means of areas, or by linear interpolation to a larger
 * size. The aspect ratio is kept, in the middle of an image whose rest has the median of the
 * picture's border, by channel. Any thread may call it. MB_ERROR_MEMORY. */
mb_status mb_picture_fit(const char *name, const uint8_t *pixels, size_t channels, size_t rows,
                         size_t columns, uint8_t *image, size_t to_rows, size_t to_columns,
                         mb_error *error);

#endif
