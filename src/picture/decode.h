/* Pictures that Leptonica decodes: PNG, JPEG, TIFF, BMP, WebP, PNM. */
#ifndef MB_PICTURE_DECODE_H
#define MB_PICTURE_DECODE_H

#include "picture/picture.h"

/* Decodes the picture to gray, or with 3 `channels` in color. *pictures is the caller's; the bytes
 * of `file` may be changed; `path` is the file's name in errors. MB_ERROR_FORMAT: another format,
 * truncated, damaged, or more than MB_PICTURE_MAX_PIXELS (checked before decoding);
 * MB_ERROR_MEMORY. */
mb_status mb_picture_decode(const char *path, size_t channels, mb_bytes *file,
                            mb_pictures *pictures, mb_error *error);

#endif
