#include "model/safetensors.h"

#include "core/arena.h"
#include "core/endian.h"
#include "core/memory_stream.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The reference implementation pads headers with blanks to a multiple of this, so that tensors are
 * aligned in a mapped file. */
enum { LENGTH_BYTES = 8, HEADER_UNIT = 8 };

static const struct {
    const char *name;
    size_t bytes; /* per element */
} dtypes[] = {[MB_DTYPE_F32] = {"F32", sizeof(float)},
              [MB_DTYPE_I64] = {"I64", sizeof(int64_t)},
              [MB_DTYPE_F64] = {"F64", sizeof(double)}};

/* Adds `value`, whose reference it takes, under a name that must not exist yet. */
static mb_status add(const char *path, json_t *object, const char *key, json_t *value,
                     mb_error *error)
{
    if (json_object_get(object, key) != NULL) {
        json_decref(value);
        return mb_fail(error, MB_ERROR_INVALID, "%s: the name \"%.100s\" is given twice", path,
                       key);
    }
    if (json_object_set_new(object, key, value) != 0)
        return mb_fail_memory(error, path, strlen(key));
    return MB_OK;
}

static mb_status add_metadata(const char *path, const mb_safetensors_content *content,
                              json_t *header, mb_error *error)
{
    json_t *pairs = json_object(); /* owned by the header from here on */
    mb_status status = add(path, header, "__metadata__", pairs, error);
    if (status == MB_OK)
        status = add(path, pairs, "format", json_string("pt"), error);
    for (size_t i = 0; i < content->metadata_count && status == MB_OK; i++)
        status = add(path, pairs, content->metadata[i].key, json_string(content->metadata[i].value),
                     error);
    return status;
}

/* Adds the header's entry of a tensor whose data start at *offset, and moves *offset to their end.
 */
static mb_status add_tensor(const char *path, const mb_named_tensor *tensor, size_t *offset,
                            json_t *header, mb_error *error)
{
    const size_t begin = *offset;
    size_t bytes = dtypes[tensor->dtype].bytes;
    bool fits = true;
    json_t *shape = json_array();
    for (size_t i = 0; i < tensor->dimensions; i++) {
        fits = fits && tensor->shape[i] <= SIZE_MAX / 2 &&
               mb_multiply(bytes, tensor->shape[i], &bytes);
        (void)json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i]));
    }
    if (!fits || bytes > SIZE_MAX - begin) {
        json_decref(shape);
        return mb_fail(error, MB_ERROR_INVALID, "%s: tensor \"%.100s\": its shape overflows", path,
                       tensor->name);
    }
    if (json_array_size(shape) != tensor->dimensions) {
        json_decref(shape);
        return mb_fail_memory(error, path, tensor->dimensions);
    }
    *offset = begin + bytes;
    return add(path, header, tensor->name,
               json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtypes[tensor->dtype].name, "shape",
                         shape, "data_offsets", (json_int_t)begin, (json_int_t)*offset),
               error);
}

/* The header's text, on the heap, and the size of the data it describes. */
static mb_status compose_header(const char *path, const mb_safetensors_content *content,
                                mb_bytes *text, size_t *data_size, mb_error *error)
{
    size_t offset = 0;
    json_t *header = json_object();
    mb_status status = add_metadata(path, content, header, error);
    for (size_t i = 0; i < content->tensor_count && status == MB_OK; i++)
        status = add_tensor(path, &content->tensors[i], &offset, header, error);
    if (status == MB_OK) {
        FILE *out = mb_memory_stream_open(text); /* json_dumps loses keys if memory is out */
        const bool dumped = out != NULL && json_dumpf(header, out, JSON_COMPACT) == 0;
        if (!mb_memory_stream_close(out, text) || !dumped)
            status = mb_fail_memory(error, path, BUFSIZ);
        *data_size = offset;
    }
    json_decref(header);
    return status;
}

/* In the order in which compose_header has numbered their bytes. */
static void copy_tensors(const mb_safetensors_content *content, uint8_t *data)
{
    for (size_t i = 0; i < content->tensor_count; i++) {
        const mb_named_tensor *tensor = &content->tensors[i];
        size_t elements = 1;
        for (size_t d = 0; d < tensor->dimensions; d++)
            elements *= tensor->shape[d];
        mb_copy_le(data, tensor->values, elements, dtypes[tensor->dtype].bytes);
        data += elements * dtypes[tensor->dtype].bytes;
    }
}

mb_status mb_safetensors_serialize(const char *path, const mb_safetensors_content *content,
                                   mb_bytes *whole, mb_error *error)
{
    mb_bytes header = {0};
    uint8_t *bytes = NULL;
    size_t data_size = 0;
    mb_status status = compose_header(path, content, &header, &data_size, error);
    if (status != MB_OK)
        goto done;
    const size_t padded = mb_round_up(header.size, HEADER_UNIT);
    const size_t head = LENGTH_BYTES + padded;
    if (padded > MB_SAFETENSORS_HEADER_LIMIT || data_size > MB_SAFETENSORS_LIMIT - head) {
        status = mb_fail(error, MB_ERROR_IO,
                         "%s: cannot be written: too large: %zu bytes of header, %zu of tensors",
                         path, padded, data_size);
        goto done;
    }
    bytes = malloc(head + data_size);
    if (bytes == NULL) {
        status = mb_fail_memory(error, path, head + data_size);
        goto done;
    }
    mb_store_le64(bytes, padded);
    memcpy(bytes + LENGTH_BYTES, header.data, header.size);
    memset(bytes + LENGTH_BYTES + header.size, ' ', padded - header.size);
    copy_tensors(content, bytes + head);
    *whole = (mb_bytes){bytes, head + data_size};
done:
    free(header.data);
    return status;
}
