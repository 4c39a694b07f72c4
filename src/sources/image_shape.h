/* Images to other channels, orders and sizes. */
#ifndef MB_SOURCES_IMAGE_SHAPE_H
#define MB_SOURCES_IMAGE_SHAPE_H

#include "core/status.h"

#include <mnist_blas/dataset.h>

/* True if all images of three channels have equal ones. */
bool mb_images_are_gray(const mb_images *images);

/* Brings images to the options' orientation, channels and size, as mb_data_options says. The pixels
 * are changed in place where they do not grow; else *memory, the caller's, has the new ones, and is
 * NULL otherwise. `gray`: images of three channels become their luminance. `name` is that of the
 * images in errors. MB_ERROR_FORMAT: more than MB_DATA_MAX_BYTES; MB_ERROR_MEMORY. */
mb_status mb_images_reshape(const char *name, const mb_data_options *options, bool gray,
                            mb_images *images, uint8_t **memory, mb_error *error);

/* Puts the images into this order; `order` becomes 0, 1, 2, ... */
void mb_images_permute(const mb_images *images, uint32_t *order);

#endif
