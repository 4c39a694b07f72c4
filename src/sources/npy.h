/* NPY files, NumPy's format of one array
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): "\x93NUMPY", a version,
 * the length of a header, the header, a Python dictionary of type, order and shape, and then the
 * elements. Read are bool, integers and floats in either byte order; what they mean as pixels is
 * said here, too. */
#ifndef MB_SOURCES_NPY_H
#define MB_SOURCES_NPY_H

#include "sources/byte_stream.h"

#include <stdbool.h>
#include <stddef.h>

enum { MB_NPY_MAX_DIMENSIONS = 32 };

typedef enum mb_npy_kind { MB_NPY_BOOL, MB_NPY_SIGNED, MB_NPY_UNSIGNED, MB_NPY_FLOAT } mb_npy_kind;

typedef struct mb_npy {
    mb_byte_stream stream; /* owned; at the element number `done` */
    mb_npy_kind kind;
    size_t size; /* bytes of an element: 1, 2, 4 or 8 */
    bool big_endian;
    bool fortran_order; /* the first index changes fastest, else the last */
    size_t dimensions, shape[MB_NPY_MAX_DIMENSIONS];
    size_t elements; /* at least 1; with `size` at most MB_DATA_MAX_BYTES */
    size_t done;
} mb_npy;

/* Reads the header. Takes the stream, on failure too; *npy is for mb_npy_close.
 * MB_ERROR_FORMAT: not NPY, other elements, too large, or not as many bytes as the header says;
 * MB_ERROR_IO. */
mb_status mb_npy_open(mb_byte_stream *stream, mb_npy *npy, mb_error *error);

/* "(60000, 28, 28)", as Python writes it; cut off at `size`. Returns `text`. */
char *mb_npy_shape(const mb_npy *npy, char *text, size_t size);

/* Reads all elements as pixels: element (i, j, ...) becomes pixels[i * strides[0] + j * strides[1]
 * + ...], which is each of pixels[0 .. elements-1] once and zero before. If no value is above 1,
 * they are multiplied by 255 and rounded; else they must be whole, 0 to 255. MB_ERROR_FORMAT: other
 * values, or a damaged file; MB_ERROR_IO. */
mb_status mb_npy_read_pixels(mb_npy *npy, const size_t *strides, uint8_t *pixels, mb_error *error);

/* The next *count elements, at most `max`, in the order of the file; 0 after the last, whose
 * checksum then is right. MB_ERROR_FORMAT: not whole numbers of 64 bits, or a damaged file;
 * MB_ERROR_IO. */
mb_status mb_npy_read_integers(mb_npy *npy, size_t max, int64_t *values, size_t *count,
                               mb_error *error);

void mb_npy_close(mb_npy *npy);

#endif
