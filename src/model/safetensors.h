/* The safetensors container (https://huggingface.co/docs/safetensors): named tensors in one file.
 *
 *     8 bytes       length of the header, little-endian
 *     header        JSON: tensor name -> {dtype, shape, data_offsets}; under "__metadata__" strings
 *     tensors       row-major, little-endian, without holes or overlaps to the end of the file
 *
 * Files are not trusted: everything in the header is checked before it is used. */
#ifndef MB_MODEL_SAFETENSORS_H
#define MB_MODEL_SAFETENSORS_H

#include "core/file.h"

#include <stddef.h>
#include <stdint.h>

/* Limits of the header and of the file, in bytes, for reading and writing. A checkpoint of the
 * largest number of layers has 10,000 tensors, of about 100 bytes of header each; parsed, a header
 * takes up to 50 times its bytes of memory. */
#define MB_SAFETENSORS_HEADER_LIMIT ((size_t)4 << 20)
#define MB_SAFETENSORS_LIMIT ((size_t)1 << 31)

/* Element types that can be written: float, int64_t and double, "F32", "I64" and "F64" in the file.
 */
typedef enum mb_dtype { MB_DTYPE_F32, MB_DTYPE_I64, MB_DTYPE_F64 } mb_dtype;

/* A tensor to write; the caller owns everything. The name is UTF-8. */
typedef struct mb_named_tensor {
    const char *name;
    size_t dimensions;
    const size_t *shape; /* (dimensions) */
    const void *values;  /* (product of the shape), row-major */
    mb_dtype dtype;
} mb_named_tensor;

/* One entry of the metadata, UTF-8. */
typedef struct mb_key_value {
    const char *key, *value;
} mb_key_value;

/* Contents of a file to write, in this order. Wider elements come first, because some loaders need
 * aligned tensors. The metadata key "format" is reserved. */
typedef struct mb_safetensors_content {
    const mb_named_tensor *tensors; /* (tensor_count) */
    size_t tensor_count;
    const mb_key_value *metadata; /* (metadata_count) */
    size_t metadata_count;
} mb_safetensors_content;

/* A tensor of a file; the mb_safetensors owns everything. */
typedef struct mb_stored_tensor {
    const char *name;
    const char *dtype; /* "F32", "BF16", ... */
    size_t dimensions;
    const size_t *shape; /* (dimensions) */
    size_t elements;     /* product of the shape; 1 for a scalar */
    size_t begin, end;   /* byte offsets in the tensors' part of the file */
    const uint8_t *data; /* (end - begin) bytes, not aligned */
} mb_stored_tensor;

/* A file that was read and checked. */
typedef struct mb_safetensors mb_safetensors;

/* The bytes of a file, for mb_file_write to `path`; the caller frees *bytes. The first metadata is
 * "format": "pt", which PyTorch's loaders require. Equal content gives equal bytes.
 * MB_ERROR_INVALID: two tensors or metadata entries of one name, a tensor named "__metadata__", or
 * a shape whose product overflows; MB_ERROR_IO: above the limits; MB_ERROR_MEMORY. */
mb_status mb_safetensors_serialize(const char *path, const mb_safetensors_content *content,
                                   mb_bytes *bytes, mb_error *error);

/* Reads and checks a file; the caller closes *file.
 * MB_ERROR_IO: missing or unreadable; MB_ERROR_FORMAT: above the limits or not a valid file (the
 * error names the tensor and the figures); MB_ERROR_MEMORY. */
mb_status mb_safetensors_open(const char *path, mb_safetensors **file, mb_error *error);

/* Checks a file in memory: the caller owns `bytes`, which must outlive *file. `label` stands for
 * the path in errors. MB_ERROR_FORMAT; MB_ERROR_MEMORY. */
mb_status mb_safetensors_parse(const char *label, const void *bytes, size_t size,
                               mb_safetensors **file, mb_error *error);

/* Tensors 0 .. mb_safetensors_count()-1, in the order of their data. */
size_t mb_safetensors_count(const mb_safetensors *file);
const mb_stored_tensor *mb_safetensors_tensor(const mb_safetensors *file, size_t index);

/* Elements of all tensors; the file's size bounds them. */
size_t mb_safetensors_elements(const mb_safetensors *file);

/* The tensor of this name, NULL when there is none. */
const mb_stored_tensor *mb_safetensors_find(const mb_safetensors *file, const char *name);

/* The metadata under `key`, NULL when there is none. Valid until the file is closed. */
const char *mb_safetensors_metadata(const mb_safetensors *file, const char *key);

/* Copies a tensor of dtype "F32", "I64" or "F64" into values (elements) of float, int64_t or
 * double, row-major. */
void mb_safetensors_values(const mb_stored_tensor *tensor, void *values);

/* Frees; NULL is fine. */
void mb_safetensors_close(mb_safetensors *file);

#endif
