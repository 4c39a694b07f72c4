/* What other folders of the library need of datasets. */
#ifndef MB_DATA_DATASET_H
#define MB_DATA_DATASET_H

#include "core/digest.h"

#include <mnist_blas/dataset.h>
#include <stdbool.h>

/* Maximum elements of an image over all channels (their indices fit in 16 bits), and bytes of a
 * file or of the pixels of a split: 22 times MNIST. */
enum { MB_IMAGE_MAX_PIXELS = 1 << 16 };
#define MB_DATA_MAX_BYTES ((size_t)1 << 30)

/* Makes a dataset of `content`, whose storage is ignored; a split without images gets the shape of
 * the other. mb_dataset_close calls release(owner), to which all that `content` points to belongs,
 * and whose pixels may be changed; owner NULL: the arrays are borrowed. The owner stays the
 * caller's on failure. MB_ERROR_MEMORY. */
mb_status mb_dataset_make(const mb_dataset *content, void *owner, void (*release)(void *owner),
                          mb_dataset **dataset, mb_error *error);

/* SHA-256 by which a resumed run knows its data: of count, rows, columns and, if it is not 1,
 * channels (64 bits each, little-endian), then pixels, then labels. */
mb_digest mb_split_fingerprint(const mb_split *split);

/* True if the pixels of `images`, as they are in memory, show this background: black or nearly so,
 * or white. Photographs have neither. */
bool mb_images_have_ground(const mb_images *images, mb_ground ground);

/* Where a framing puts the ink: the larger side of its box is box/28 of the image's, and the center
 * of mass, or of the box, is the image's center. MB_FRAMING_NONE has a box of 0. */
typedef struct mb_frame {
    double box;
    bool by_mass;
} mb_frame;
mb_frame mb_frame_of(mb_framing framing);

#endif
