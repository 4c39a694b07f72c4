/* The layout of a table of images: its first line tells what the columns are. */
#ifndef MB_DATA_CSV_LAYOUT_H
#define MB_DATA_CSV_LAYOUT_H

#include "core/file.h"

#include <mnist_blas/images.h>
#include <mnist_blas/status.h>
#include <stdbool.h>

/* Columns that are no pixels: the label, and those that number the lines. */
enum { MB_CSV_MAX_OTHERS = 4 };

typedef struct mb_csv_layout {
    char delimiter;
    size_t columns;
    bool has_header;
    size_t start; /* offset of the first line with an image */
    /* (other_count) ascending. */
    size_t others[MB_CSV_MAX_OTHERS], other_count;
    size_t label;   /* its column; `columns`: there is none */
    mb_shape shape; /* of the images */
} mb_csv_layout;

/* Finds the layout of a table. `size`: the rows and columns that the user expects, which images of
 * as many pixels have; 0 x 0: none. MB_ERROR_FORMAT: empty, no table, or its columns are neither
 * the pixels of images nor these and a label; MB_ERROR_MEMORY. */
mb_status mb_csv_find_layout(const char *path, const mb_bytes *table, mb_shape size,
                             mb_csv_layout *layout, mb_error *error);

#endif
