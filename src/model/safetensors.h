/* The safetensors container (https://huggingface.co/docs/safetensors): named tensors in one file.
 *
 *     8 bytes       length of the header, little-endian
 *     header        JSON: tensor name -> {dtype, shape, data_offsets}; under "__metadata__" strings
 *     tensors       row-major, little-endian, without holes or overlaps to the end of the file
 *
 * Nothing of a file is trusted: all that the header says is checked before it is handed out. */
#ifndef MB_MODEL_SAFETENSORS_H
#define MB_MODEL_SAFETENSORS_H

#include "core/file.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of header (the limit of the reference implementation) and of file that are read or
 * written; more is refused. */
#define MB_SAFETENSORS_HEADER_LIMIT ((size_t)100000000)
#define MB_SAFETENSORS_LIMIT ((size_t)1 << 31)

/* The kinds of numbers that can be written: float, int64_t and double, as the format's "F32", "I64"
 * and "F64". */
typedef enum mb_dtype { MB_DTYPE_F32, MB_DTYPE_I64, MB_DTYPE_F64 } mb_dtype;

/* A tensor to write; everything is borrowed. The name is UTF-8. */
typedef struct mb_named_tensor {
    const char *name;
    size_t dimensions;
    const size_t *shape; /* (dimensions) */
    const void *values;  /* numbers of the dtype, as many as the product of the shape, row-major */
    mb_dtype dtype;
} mb_named_tensor;

/* One line of the metadata, UTF-8. */
typedef struct mb_key_value {
    const char *key, *value;
} mb_key_value;

/* What a file is to hold. The key "format" is the writer's own. */
typedef struct mb_safetensors_content {
    const mb_named_tensor *tensors; /* (tensor_count), stored in this order: F32 last, or some
                                     * loaders find them not aligned */
    size_t tensor_count;
    const mb_key_value *metadata; /* (metadata_count), stored in this order */
    size_t metadata_count;
} mb_safetensors_content;

/* A tensor of a file that was read; everything belongs to the mb_safetensors. */
typedef struct mb_stored_tensor {
    const char *name;
    const char *dtype; /* as the format names it: "F32", "BF16", ... */
    size_t dimensions;
    const size_t *shape; /* (dimensions) */
    size_t elements;     /* product of the shape, 1 for no dimensions */
    size_t begin, end;   /* bytes from the start of the tensors' part of the file */
    const uint8_t *data; /* (end - begin) bytes, not aligned */
} mb_stored_tensor;

/* A file that was read and found whole. */
typedef struct mb_safetensors mb_safetensors;

/* Writes `content` to `path` with "format": "pt", which PyTorch's loaders look for,
 * first in the metadata. Equal content gives equal bytes. The file appears whole or not at all.
 * MB_ERROR_INVALID: two tensors or two lines of metadata of one name, a tensor named
 * "__metadata__", or a shape whose product overflows; MB_ERROR_IO: above the limits, or cannot be
 * written; MB_ERROR_MEMORY. */
mb_status mb_safetensors_write(const char *path, const mb_safetensors_content *content,
                               mb_error *error);

/* The bytes of such a file in memory, for mb_file_write; *bytes is the caller's to free. `path`
 * names it in errors. */
mb_status mb_safetensors_serialize(const char *path, const mb_safetensors_content *content,
                                   mb_bytes *bytes, mb_error *error);

/* Reads and checks `path`; *file is the caller's, for mb_safetensors_close.
 * MB_ERROR_IO: missing or unreadable; MB_ERROR_FORMAT: above the limits, or not what the head of
 * this page says, the error names the tensor and the figures; MB_ERROR_MEMORY. */
mb_status mb_safetensors_open(const char *path, mb_safetensors **file, mb_error *error);

/* The same for a file that is in memory: `bytes` is borrowed until *file is closed, `label` stands
 * for the file's name in errors and is not kept. MB_ERROR_FORMAT; MB_ERROR_MEMORY. */
mb_status mb_safetensors_parse(const char *label, const void *bytes, size_t size,
                               mb_safetensors **file, mb_error *error);

/* Tensors are numbered 0 .. mb_safetensors_count()-1 in the order of their data. */
size_t mb_safetensors_count(const mb_safetensors *file);
const mb_stored_tensor *mb_safetensors_tensor(const mb_safetensors *file, size_t index);

/* Numbers in all tensors together, which the file's size bounds. */
size_t mb_safetensors_elements(const mb_safetensors *file);

/* The tensor of this name, NULL when there is none. */
const mb_stored_tensor *mb_safetensors_find(const mb_safetensors *file, const char *name);

/* The metadata under `key`, NULL when there is none. Valid until the file is closed. */
const char *mb_safetensors_metadata(const mb_safetensors *file, const char *key);

/* Copies the numbers of a tensor whose dtype is "F32" into values (elements), row-major. */
void mb_safetensors_floats(const mb_stored_tensor *tensor, float *values);

/* The same for a tensor whose dtype is "I64", and for "F64". */
void mb_safetensors_integers(const mb_stored_tensor *tensor, int64_t *values);
void mb_safetensors_doubles(const mb_stored_tensor *tensor, double *values);

/* Frees; NULL is fine. */
void mb_safetensors_close(mb_safetensors *file);

#endif
