/* By which a run knows that its data are those that it began with. */
#ifndef MB_DATA_FINGERPRINT_H
#define MB_DATA_FINGERPRINT_H

#include "core/digest.h"

#include <mnist_blas/dataset.h>

/* SHA-256 of count, rows and columns (64 bits each, little-endian), then images, then labels. */
mb_digest mb_split_fingerprint(const mb_split *split);

#endif
