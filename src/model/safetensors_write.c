#include "model/safetensors.h"

#include "core/arena.h"
#include "core/endian.h"
#include "core/file.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The reference implementation pads its headers to this with blanks, so that tensors are aligned
 * in a file that is mapped. */
enum { LENGTH_BYTES = 8, HEADER_UNIT = 8 };

static const struct {
    const char *name;
    size_t bytes; /* of a number */
} dtypes[] = {[MB_DTYPE_F32] = {"F32", sizeof(float)},
              [MB_DTYPE_I64] = {"I64", sizeof(int64_t)},
              [MB_DTYPE_F64] = {"F64", sizeof(double)}};

/* Adds `value`, whose reference it takes, under a name that must be new. */
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
    json_t *pairs = json_object(); /* the header's from here on */
    mb_status status = add(path, header, "__metadata__", pairs, error);
    if (status == MB_OK)
        status = add(path, pairs, "format", json_string("pt"), error);
    for (size_t i = 0; i < content->metadata_count && status == MB_OK; i++)
        status = add(path, pairs, content->metadata[i].key, json_string(content->metadata[i].value),
                     error);
    return status;
}

/* The header's entry of a tensor whose data start at *offset, and *offset moved behind them. */
static mb_status add_tensor(const char *path, const mb_named_tensor *tensor, size_t *offset,
                            json_t *header, mb_error *error)
{
    const size_t begin = *offset;
    size_t bytes = dtypes[tensor->dtype].bytes;
    bool fits = true;
    json_t *shape = json_array();
    for (size_t i = 0; i < tensor->dimensions; i++) {
        fits =
            fits && tensor->shape[i] <= INT64_MAX && mb_multiply(bytes, tensor->shape[i], &bytes);
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

/* The header's text, on the heap, and the size of the data that it describes. */
static mb_status compose_header(const char *path, const mb_safetensors_content *content,
                                char **text, size_t *data_size, mb_error *error)
{
    size_t offset = 0;
    json_t *header = json_object();
    mb_status status = add_metadata(path, content, header, error);
    for (size_t i = 0; i < content->tensor_count && status == MB_OK; i++)
        status = add_tensor(path, &content->tensors[i], &offset, header, error);
    if (status == MB_OK) {
        *text = json_dumps(header, JSON_COMPACT);
        *data_size = offset;
        if (*text == NULL)
            status = mb_fail_memory(error, path, content->tensor_count);
    }
    json_decref(header);
    return status;
}

static void put_floats(const float *values, size_t count, uint8_t *data)
{
    for (size_t i = 0; i < count; i++)
        mb_store_le_float(data + i * sizeof *values, values[i]);
}

static void put_integers(const int64_t *values, size_t count, uint8_t *data)
{
    for (size_t i = 0; i < count; i++)
        mb_store_le64(data + i * sizeof *values, (uint64_t)values[i]);
}

static void put_doubles(const double *values, size_t count, uint8_t *data)
{
    for (size_t i = 0; i < count; i++)
        mb_store_le_double(data + i * sizeof *values, values[i]);
}

/* Tensors follow each other as compose_header has numbered their bytes. */
static void fill_data(const mb_safetensors_content *content, uint8_t *data)
{
    for (size_t i = 0; i < content->tensor_count; i++) {
        const mb_named_tensor *tensor = &content->tensors[i];
        size_t elements = 1;
        for (size_t d = 0; d < tensor->dimensions; d++)
            elements *= tensor->shape[d];
        if (tensor->dtype == MB_DTYPE_I64)
            put_integers(tensor->values, elements, data);
        else if (tensor->dtype == MB_DTYPE_F64)
            put_doubles(tensor->values, elements, data);
        else
            put_floats(tensor->values, elements, data);
        data += elements * dtypes[tensor->dtype].bytes;
    }
}

mb_status mb_safetensors_serialize(const char *path, const mb_safetensors_content *content,
                                   mb_bytes *whole, mb_error *error)
{
    char *header = NULL;
    uint8_t *bytes = NULL;
    size_t data_size = 0;
    mb_status status = compose_header(path, content, &header, &data_size, error);
    if (status != MB_OK)
        goto done;
    const size_t header_length = strlen(header);
    const size_t padded = (header_length + HEADER_UNIT - 1) / HEADER_UNIT * HEADER_UNIT;
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
    memcpy(bytes + LENGTH_BYTES, header, header_length);
    memset(bytes + LENGTH_BYTES + header_length, ' ', padded - header_length);
    fill_data(content, bytes + head);
    *whole = (mb_bytes){bytes, head + data_size};
done:
    free(header);
    return status;
}

mb_status mb_safetensors_write(const char *path, const mb_safetensors_content *content,
                               mb_error *error)
{
    mb_bytes whole = {0};
    mb_status status = mb_safetensors_serialize(path, content, &whole, error);
    if (status == MB_OK)
        status = mb_file_write(path, whole.data, whole.size, error);
    free(whole.data);
    return status;
}
