/* Images that are equal, pixel by pixel. */
#ifndef MB_DATA_EQUAL_IMAGES_H
#define MB_DATA_EQUAL_IMAGES_H

#include "core/status.h"

#include <mnist_blas/images.h>
#include <stdint.h>

/* Numbers the images of `count` sets, all of one shape, in their order: first[i] becomes the
 * smallest number of an image of the first `remembered` sets that is equal to image i, and is
 * before it; i itself if there is none. Empty sets are fine. MB_ERROR_INVALID: 2^32 images or more;
 * MB_ERROR_MEMORY. */
mb_status mb_images_find_equal(const mb_images *sets, size_t count, size_t remembered,
                               uint32_t *first, mb_error *error);

#endif
