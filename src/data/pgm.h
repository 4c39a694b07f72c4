/* PGM, the portable gray map (https://netpbm.sourceforge.net/doc/pgm.html): "P5" for binary or "P2"
 * for decimal samples, width, height and the largest value, then rows from the top. */
#ifndef MB_DATA_PGM_H
#define MB_DATA_PGM_H

#include "data/image.h"

/* Whether the bytes start as a PGM does. */
bool mb_is_pgm(const mb_bytes *file);

/* Reads one PGM with a largest value of 1 to 65535, which becomes 255; comments run from '#' to the
 * end of the line. *images is the caller's; `path` is what errors call the file.
 * MB_ERROR_FORMAT: truncated, a bad header, a sample above the largest value, bytes after the
 * picture, or more than MB_PICTURE_MAX_PIXELS; MB_ERROR_MEMORY. */
mb_status mb_pgm_parse(const char *path, const mb_bytes *file, mb_pictures *images,
                       mb_error *error);

#endif
