/* Pictures as PNG files, by Leptonica. */
#ifndef MB_PICTURE_ENCODE_H
#define MB_PICTURE_ENCODE_H

#include "core/file.h"

/* Encodes (channels, rows, columns) values of 1 channel, gray, or 3, in color, without loss. The
 * caller frees png->data. Any thread may call it. MB_ERROR_MEMORY. */
mb_status mb_picture_encode_png(const uint8_t *pixels, size_t channels, size_t rows, size_t columns,
                                mb_bytes *png, mb_error *error);

#endif
