/* Pictures of any make, from a file to gray values in memory. */
#ifndef MB_DATA_IMAGE_H
#define MB_DATA_IMAGE_H

#include "core/file.h"

#include <stdbool.h>

/* The most pixels that a picture may have (an 8000 x 8000 photograph), and the most bytes its file
 * may have. */
#define MB_PICTURE_MAX_PIXELS ((size_t)64 * 1000 * 1000)
#define MB_PICTURE_MAX_BYTES ((size_t)1 << 30)

/* One picture, or all images of an IDX file. {0} is none. */
typedef struct mb_pictures {
    size_t count, rows, columns; /* at least 1 each */
    const uint8_t *pixels;       /* in `memory`: (count, rows, columns) gray, 0 black, 255 white */
    bool many;                   /* from an IDX file, whose images are numbered */
    uint8_t *memory;             /* owned */
} mb_pictures;

/* Reads a PNG (data/png.h), a PGM (data/pgm.h) or an IDX file of images, plain or gzip; which one
 * is told by the first bytes, not by the name. On success *images is the caller's, for
 * mb_pictures_free; on failure it is left alone. MB_ERROR_IO: missing, no regular file, unreadable;
 * MB_ERROR_FORMAT: none of these, truncated, damaged or too large; MB_ERROR_MEMORY. */
mb_status mb_pictures_read(const char *path, mb_pictures *images, mb_error *error);

/* mb_pictures_read of bytes already in memory; errors call them `path`. Takes file->data over,
 * whether it succeeds or not, and leaves *file empty. MB_ERROR_FORMAT, MB_ERROR_MEMORY. */
mb_status mb_pictures_parse(const char *path, mb_bytes *file, mb_pictures *images, mb_error *error);

/* Frees what *images holds and makes it empty. */
void mb_pictures_free(mb_pictures *images);

/* For the formats: checks that rows x columns, the order that errors name a size in, is above 0 and
 * within MB_PICTURE_MAX_PIXELS, and takes as many zeroed bytes for `images`. MB_ERROR_FORMAT,
 * MB_ERROR_MEMORY.
 */
mb_status mb_pictures_alloc(const char *path, size_t rows, size_t columns, mb_pictures *images,
                            mb_error *error);

#endif
