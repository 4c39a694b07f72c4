/* PGM, the portable gray map (https://netpbm.sourceforge.net/doc/pgm.html): "P5" for binary or "P2"
 * for decimal samples, width, height and maximum value, then rows from the top.
 *
 * Leptonica reads PGM only with a maximum of 2^n - 1 and without comments between the numbers. */
#ifndef MB_PICTURE_PGM_H
#define MB_PICTURE_PGM_H

#include "picture/picture.h"

/* True if the bytes start like a PGM file. */
bool mb_is_pgm(const mb_bytes *file);

/* Reads one PGM of any maximum value from 1 to 65535, scaled to 255. *pictures is the caller's;
 * `path` is the file's name in errors. MB_ERROR_FORMAT: truncated, a bad header, a sample above the
 * maximum, bytes after the picture, or more than MB_PICTURE_MAX_PIXELS; MB_ERROR_MEMORY. */
mb_status mb_pgm_parse(const char *path, const mb_bytes *file, mb_pictures *pictures,
                       mb_error *error);

#endif
