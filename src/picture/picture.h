/* Picture files of any format to pixels in memory, gray or in color. */
#ifndef MB_PICTURE_PICTURE_H
#define MB_PICTURE_PICTURE_H

#include "core/file.h"
#include "data/csv.h"

#include <stdbool.h>

/* Maximum number of pixels of a picture (a photograph of 8000 x 8000), and of bytes of its file. */
#define MB_PICTURE_MAX_PIXELS ((size_t)64 * 1000 * 1000)
#define MB_PICTURE_MAX_BYTES ((size_t)1 << 30)

/* Formats that are read, for help and error texts. */
#define MB_PICTURE_FORMATS "PNG, JPEG, TIFF, BMP, WebP, PNM, IDX or CSV"

/* One picture, or all images of an IDX file or a table in CSV. {0} is empty. */
typedef struct mb_pictures {
    size_t count, channels, rows, columns; /* at least 1 each */
    /* In `memory`: (count, channels, rows, columns), 0 black to 255 white; 1 channel: gray,
     * 3: red, green and blue. */
    const uint8_t *pixels;
    bool numbered;   /* images of an IDX file or a table */
    uint8_t *memory; /* owned */
    bool is_table;
    mb_csv table; /* owned: its labels, if it has any; without pixels */
} mb_pictures;

/* Reads a picture, an IDX file of images or a table in CSV, plain or gzip, with `channels`, 1 or 3.
 * The format is found from the first bytes, not from the name, but for tables without commas. With
 * 1 channel colors become their luminance, with 3 gray becomes three equal ones. Transparent pixels
 * get a black or white background that contrasts with the drawing. On success *pictures is the
 * caller's, for mb_pictures_free; on failure it is unchanged. "-" is standard input. Any thread may
 * call it. MB_ERROR_IO: missing, a folder, unreadable; MB_ERROR_FORMAT: unknown format, truncated,
 * damaged or too large; MB_ERROR_MEMORY. */
mb_status mb_pictures_read(const char *path, size_t channels, mb_pictures *pictures,
                           mb_error *error);

/* The same with the channels of `shape`; its size is that of a table's images, if they have as many
 * pixels. */
mb_status mb_pictures_read_shape(const char *path, mb_shape shape, mb_pictures *pictures,
                                 mb_error *error);

/* mb_pictures_read for a file in memory; `path` is its name in errors. Takes ownership of
 * file->data, on failure too, and leaves *file empty. MB_ERROR_FORMAT, MB_ERROR_MEMORY. */
mb_status mb_pictures_parse(const char *path, size_t channels, mb_bytes *file,
                            mb_pictures *pictures, mb_error *error);

/* gray (pixels) = the luminance of color (3, pixels), 0.3 red + 0.5 green + 0.2 blue, as of
 * pictures that are read with 1 channel; `gray` may be `color`, or lie before it. */
void mb_color_to_gray(const uint8_t *color, size_t pixels, uint8_t *gray);

/* Frees what *pictures owns and makes it empty. */
void mb_pictures_free(mb_pictures *pictures);

/* For the readers of formats: checks that rows x columns is not 0 and at most
 * MB_PICTURE_MAX_PIXELS, and allocates one picture of zeros. MB_ERROR_FORMAT, MB_ERROR_MEMORY. */
mb_status mb_pictures_alloc(const char *path, size_t channels, size_t rows, size_t columns,
                            mb_pictures *pictures, mb_error *error);

#endif
