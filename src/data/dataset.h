/* What other folders of the library need of datasets. */
#ifndef MB_DATA_DATASET_H
#define MB_DATA_DATASET_H

#include "core/digest.h"

#include <mnist_blas/dataset.h>
#include <stdbool.h>

/* Makes mb_dataset_close free `memory`, which holds the images and labels of a dataset that
 * mb_dataset_from_arrays made; once a dataset. */
void mb_dataset_own(mb_dataset *dataset, void *memory);

/* SHA-256 by which a resumed run knows its data: of count, rows and columns (64 bits each,
 * little-endian), then pixels, then labels. */
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
