/* PNG (https://www.w3.org/TR/png-3), read with libpng. */
#ifndef MB_DATA_PNG_H
#define MB_DATA_PNG_H

#include "data/image.h"

/* Whether the bytes start as a PNG does. */
bool mb_is_png(const mb_bytes *file);

/* Reads the picture, of whatever colour type, depth and interlacing, as gray: colours by their
 * luminance, transparent parts as a ground that ink shows on. Checksums must hold up to the end
 * chunk; what follows that is passed over, as viewers do. *images is the caller's; `path` is what
 * errors call the file. MB_ERROR_FORMAT: truncated, damaged, or more than MB_PICTURE_MAX_PIXELS;
 * MB_ERROR_MEMORY. */
mb_status mb_png_parse(const char *path, const mb_bytes *file, mb_pictures *images,
                       mb_error *error);

#endif
