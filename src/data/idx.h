/* IDX files, the format that MNIST comes in (http://yann.lecun.com/exdb/mnist): a magic number
 * 0x0000TTDD with the type of the elements and the number of dimensions, each dimension as a
 * 32-bit big-endian number, then the elements, big-endian, too. Read here:
 * - labels: integers (types 0x08, 0x09, 0x0b, 0x0c) in 1 dimension, or in 2, of which the second is
 *   1, or 8 as in QMNIST's files: then the first of the 8 is the class;
 * - images: unsigned bytes (0x08) in 3 dimensions, (count, rows, columns), or in 4, of which the
 *   last or else the second is 1 or 3 channels. */
#ifndef MB_DATA_IDX_H
#define MB_DATA_IDX_H

#include "core/file.h"

#include <stdbool.h>

/* Expected content of a file; the value is its smallest number of dimensions. */
typedef enum mb_idx_kind { MB_IDX_LABELS = 1, MB_IDX_IMAGES = 3 } mb_idx_kind;

typedef struct mb_idx {
    mb_bytes bytes; /* owned: the whole file, unpacked */
    char *path;     /* owned: the file that was read */
    bool unpacked;  /* it was gzip */
    /* In `bytes`: (count, channels, rows, columns) pixels, which may be changed, or what
     * mb_idx_label reads. */
    const uint8_t *items;
    size_t count;                   /* at least 1 */
    size_t channels, rows, columns; /* at least 1; of labels 1, 1, and the numbers of each */
    size_t label_size;              /* bytes of a number: 1, 2 or 4 */
    bool is_signed;                 /* the numbers are */
} mb_idx;

/* Reads a file; gzip is recognized by its first bytes, not by the name. On success *idx is the
 * caller's, for mb_idx_free; on failure it is unchanged.
 * MB_ERROR_IO: missing, not a regular file, unreadable; MB_ERROR_FORMAT: not an IDX file of this
 * kind, empty, truncated, too long or too large, or damaged gzip; MB_ERROR_MEMORY. */
mb_status mb_idx_read(const char *path, mb_idx_kind kind, mb_idx *idx, mb_error *error);

/* mb_idx_read for a file in memory; `path` is its name in errors. Takes ownership of file->data, on
 * failure too, and leaves *file empty. MB_ERROR_FORMAT, MB_ERROR_MEMORY. */
mb_status mb_idx_parse(const char *path, mb_idx_kind kind, mb_bytes *file, mb_idx *idx,
                       mb_error *error);

/* Label `item`, which is below count. */
int64_t mb_idx_label(const mb_idx *idx, size_t item);

/* Frees what *idx owns and makes it empty; {0} is empty. */
void mb_idx_free(mb_idx *idx);

#endif
