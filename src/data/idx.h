/* IDX files, the format that MNIST comes in (http://yann.lecun.com/exdb/mnist): a magic number
 * 0x0000TTDD with the type of the elements and the number of dimensions, each dimension as a
 * 32-bit big-endian number, then the elements. Read here: unsigned bytes (type 0x08) in 1
 * dimension (labels) and 3 (images). */
#ifndef MB_DATA_IDX_H
#define MB_DATA_IDX_H

#include "core/file.h"

#include <stdbool.h>

/* Expected content of a file; the value is its number of dimensions. */
typedef enum mb_idx_kind { MB_IDX_LABELS = 1, MB_IDX_IMAGES = 3 } mb_idx_kind;

typedef struct mb_idx {
    mb_bytes bytes;       /* owned: the whole file, unpacked */
    char *path;           /* owned: the file that was read, plain or .gz */
    bool unpacked;        /* it was gzip */
    const uint8_t *items; /* in `bytes`: (count, rows, columns) pixels or (count) labels */
    size_t count;         /* at least 1 */
    size_t rows, columns; /* at least 1; both 1 for labels */
} mb_idx;

/* Finds DIR/NAME, plain or with .gz, under one of the names that it has where it is downloaded:
 * train-images-idx3-ubyte, train-images.idx3-ubyte, or NAME/NAME. *found is the caller's to free,
 * NULL (with MB_OK) if there is none. MB_ERROR_MEMORY. */
mb_status mb_idx_find(const char *path, char **found, mb_error *error);

/* Reads the file that mb_idx_find finds; gzip is recognized by its first bytes, not by the name. On
 * success *idx is the caller's, for mb_idx_free; on failure it is unchanged.
 * MB_ERROR_IO: missing, not a regular file, unreadable; MB_ERROR_FORMAT: not an IDX file of this
 * kind, empty, truncated, too long or too large, or damaged gzip; MB_ERROR_MEMORY. */
mb_status mb_idx_read(const char *path, mb_idx_kind kind, mb_idx *idx, mb_error *error);

/* mb_idx_read for a file in memory; `path` is its name in errors. Takes ownership of file->data, on
 * failure too, and leaves *file empty. MB_ERROR_FORMAT, MB_ERROR_MEMORY. */
mb_status mb_idx_parse(const char *path, mb_idx_kind kind, mb_bytes *file, mb_idx *idx,
                       mb_error *error);

/* Frees what *idx owns and makes it empty; {0} is empty. */
void mb_idx_free(mb_idx *idx);

#endif
