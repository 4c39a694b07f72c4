#include "model/safetensors.h"

#include "core/arena.h"
#include "core/endian.h"
#include "core/file_format.h"
#include "core/json_error.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };

static const char metadata_name[] = "__metadata__";

struct mb_safetensors {
    mb_bytes bytes; /* of the file; empty if the caller owns them */
    json_t *header; /* owns names, dtypes and metadata */
    mb_arena arena; /* owns tensors and shapes */
    mb_stored_tensor *tensors;
    size_t count;
};

/* A file being checked. */
typedef struct reader {
    const char *label;
    const uint8_t *data; /* of the tensors */
    size_t size;         /* of data */
    mb_error *error;
} reader;

#define FAIL(in, format, ...)                                                                      \
    mb_fail((in)->error, MB_ERROR_FORMAT, "%s: " format, (in)->label, __VA_ARGS__)

/* Names come from the file; they are truncated, so that the values after them fit into the message.
 */
#define FAIL_TENSOR(in, name, format, ...)                                                         \
    mb_fail((in)->error, MB_ERROR_FORMAT, "%s: tensor \"%.100s\": " format, (in)->label, name,     \
            __VA_ARGS__)

static const struct dtype {
    const char *name;
    size_t bits;
} dtypes[] = {
    {"F32", 32},    {"BOOL", 8},    {"U8", 8},   {"I8", 8},      {"U16", 16},
    {"I16", 16},    {"U32", 32},    {"I32", 32}, {"U64", 64},    {"I64", 64},
    {"F16", 16},    {"BF16", 16},   {"F64", 64}, {"C64", 64},    {"F8_E5M2", 8},
    {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6},
};

/* Bits per element; 0 for an unknown dtype. */
static size_t dtype_bits(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return dtypes[i].bits;
    return 0;
}

static bool get_size(const json_t *value, size_t *size)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uintmax_t)json_integer_value(value) > SIZE_MAX)
        return false;
    *size = (size_t)json_integer_value(value);
    return true;
}

/* The header's length, checked before the header is parsed. */
static mb_status read_length(const reader *in, const uint8_t *bytes, size_t size, size_t *length)
{
    const bool foreign = size > LENGTH_BYTES && bytes[LENGTH_BYTES] != '{';
    const mb_bytes start = {(uint8_t *)(uintptr_t)bytes, size}; /* not modified */
    const char *format = foreign ? mb_file_format(&start) : NULL;
    if (format != NULL)
        return FAIL(in, "is %s, not a safetensors file", format);
    if (size < LENGTH_BYTES)
        return FAIL(in, "truncated: %zu bytes, a header's length takes %d", size, LENGTH_BYTES);
    const uint64_t promised = mb_load_le64(bytes);
    if (promised > MB_SAFETENSORS_HEADER_LIMIT)
        return FAIL(in, "header too long: %" PRIu64 " bytes promised, at most %zu are read",
                    promised, MB_SAFETENSORS_HEADER_LIMIT);
    if (promised > size - LENGTH_BYTES)
        return FAIL(in, "truncated: %" PRIu64 " bytes of header promised, %zu are there", promised,
                    size - LENGTH_BYTES);
    *length = (size_t)promised;
    return MB_OK;
}

static mb_status parse_header(const reader *in, const char *text, size_t length, json_t **header)
{
    /* The format allows blanks after the object, not before it. */
    if (length == 0 || text[0] != '{')
        return FAIL(in, "header is not a JSON object: its %zu bytes start without {", length);
    json_error_t why;
    *header = mb_json_load(text, length, JSON_REJECT_DUPLICATES, &why);
    if (*header != NULL)
        return MB_OK;
    if (mb_json_out_of_memory(&why))
        return mb_fail_memory(in->error, in->label, length);
    return FAIL(in, "header is not JSON: %s: at byte %d of %zu", why.text, why.position, length);
}

static mb_status check_metadata(const reader *in, json_t *metadata)
{
    if (!json_is_object(metadata))
        return FAIL(in, "%s is not a JSON object", metadata_name);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return FAIL(in, "%s: \"%.100s\" is not a string", metadata_name, key);
    }
    return MB_OK;
}

static mb_status read_shape(const reader *in, const json_t *shape, mb_arena *arena,
                            mb_stored_tensor *tensor)
{
    if (!json_is_array(shape))
        return FAIL_TENSOR(in, tensor->name, "%s", "without a shape");
    tensor->dimensions = json_array_size(shape);
    size_t *extents = mb_arena_alloc(arena, tensor->dimensions, sizeof *extents);
    if (extents == NULL)
        return mb_arena_status(arena, in->label, in->error);
    tensor->elements = 1;
    for (size_t i = 0; i < tensor->dimensions; i++) {
        if (!get_size(json_array_get(shape, i), &extents[i]))
            return FAIL_TENSOR(in, tensor->name, "dimension %zu is not a size", i);
        if (!mb_multiply(tensor->elements, extents[i], &tensor->elements))
            return FAIL_TENSOR(in, tensor->name, "shape overflows at dimension %zu: %zu", i,
                               extents[i]);
    }
    tensor->shape = extents;
    return MB_OK;
}

static mb_status read_offsets(const reader *in, const json_t *offsets, mb_stored_tensor *tensor)
{
    if (json_array_size(offsets) != 2 || !get_size(json_array_get(offsets, 0), &tensor->begin) ||
        !get_size(json_array_get(offsets, 1), &tensor->end))
        return FAIL_TENSOR(in, tensor->name, "%s", "data_offsets are not two sizes");
    if (tensor->begin > tensor->end)
        return FAIL_TENSOR(in, tensor->name, "data_offsets go backwards: %zu to %zu", tensor->begin,
                           tensor->end);
    if (tensor->end > in->size)
        return FAIL_TENSOR(in, tensor->name, "truncated: ends at byte %zu, %zu are there",
                           tensor->end, in->size);
    tensor->data = in->data + tensor->begin;
    return MB_OK;
}

static mb_status read_tensor(const reader *in, const char *name, const json_t *entry,
                             mb_arena *arena, mb_stored_tensor *tensor)
{
    tensor->name = name;
    tensor->dtype = json_string_value(json_object_get(entry, "dtype"));
    if (tensor->dtype == NULL)
        return FAIL_TENSOR(in, name, "%s", "without a dtype");
    const size_t bits = dtype_bits(tensor->dtype);
    if (bits == 0)
        return FAIL_TENSOR(in, name, "unknown dtype \"%.100s\"", tensor->dtype);
    mb_status status = read_shape(in, json_object_get(entry, "shape"), arena, tensor);
    if (status == MB_OK)
        status = read_offsets(in, json_object_get(entry, "data_offsets"), tensor);
    if (status != MB_OK)
        return status;
    size_t total;
    if (!mb_multiply(tensor->elements, bits, &total))
        return FAIL_TENSOR(in, name, "shape overflows: %zu elements of %s", tensor->elements,
                           tensor->dtype);
    if (total % 8 != 0 || total / 8 != tensor->end - tensor->begin)
        return FAIL_TENSOR(in, name, "%zu elements of %s do not take its %zu bytes",
                           tensor->elements, tensor->dtype, tensor->end - tensor->begin);
    return MB_OK;
}

static mb_status read_tensors(const reader *in, mb_safetensors *file)
{
    file->tensors =
        mb_arena_alloc(&file->arena, json_object_size(file->header), sizeof *file->tensors);
    mb_status status = mb_arena_status(&file->arena, in->label, in->error);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry)
    {
        if (status != MB_OK)
            break;
        if (strcmp(name, metadata_name) == 0)
            status = check_metadata(in, entry);
        else
            status = read_tensor(in, name, entry, &file->arena, &file->tensors[file->count++]);
    }
    return status;
}

/* By offset; at equal offsets empty tensors first, then by name. */
static int compare_offsets(const void *left, const void *right)
{
    const mb_stored_tensor *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* Sorts the tensors; they must cover the data without holes and overlaps. */
static mb_status check_cover(const reader *in, mb_safetensors *file)
{
    const char *before = "the header";
    size_t at = 0;
    if (file->count > 0)
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_offsets);
    for (size_t i = 0; i < file->count; i++) {
        const mb_stored_tensor *tensor = &file->tensors[i];
        if (tensor->begin != at)
            return FAIL_TENSOR(in, tensor->name,
                               "%s: starts at byte %zu, \"%.100s\" before it ends at %zu",
                               tensor->begin < at ? "overlap" : "hole", tensor->begin, before, at);
        at = tensor->end;
        before = tensor->name;
    }
    if (at != in->size)
        return FAIL(in, "trailing bytes: the tensors end at byte %zu, %zu are there", at, in->size);
    return MB_OK;
}

mb_status mb_safetensors_parse(const char *label, const void *bytes, size_t size,
                               mb_safetensors **file, mb_error *error)
{
    reader in = {.label = label, .error = error};
    size_t length = 0;
    mb_status status = read_length(&in, bytes, size, &length);
    if (status != MB_OK)
        return status;
    const char *header = (const char *)bytes + LENGTH_BYTES;
    in.data = (const uint8_t *)bytes + LENGTH_BYTES + length;
    in.size = size - LENGTH_BYTES - length;
    mb_safetensors *whole = calloc(1, sizeof *whole);
    if (whole == NULL)
        return mb_fail_memory(error, label, sizeof *whole);
    status = parse_header(&in, header, length, &whole->header);
    if (status == MB_OK)
        status = read_tensors(&in, whole);
    if (status == MB_OK)
        status = check_cover(&in, whole);
    if (status == MB_OK)
        *file = whole;
    else
        mb_safetensors_close(whole);
    return status;
}

mb_status mb_safetensors_open(const char *path, mb_safetensors **file, mb_error *error)
{
    mb_bytes bytes = {0};
    mb_status status = mb_file_read(path, MB_SAFETENSORS_LIMIT, &bytes, error);
    if (status == MB_OK)
        status = mb_safetensors_parse(path, bytes.data, bytes.size, file, error);
    if (status == MB_OK)
        (*file)->bytes = bytes;
    else
        free(bytes.data);
    return status;
}

size_t mb_safetensors_count(const mb_safetensors *file) { return file->count; }

const mb_stored_tensor *mb_safetensors_tensor(const mb_safetensors *file, size_t index)
{
    return &file->tensors[index];
}

size_t mb_safetensors_elements(const mb_safetensors *file)
{
    size_t elements = 0;
    for (size_t i = 0; i < file->count; i++)
        elements += file->tensors[i].elements;
    return elements;
}

const mb_stored_tensor *mb_safetensors_find(const mb_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

const char *mb_safetensors_metadata(const mb_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, metadata_name), key));
}

void mb_safetensors_values(const mb_stored_tensor *tensor, void *values)
{
    const size_t bytes = tensor->end - tensor->begin;
    mb_copy_le(values, tensor->data, tensor->elements, bytes / mb_max_size(tensor->elements, 1));
}

void mb_safetensors_close(mb_safetensors *file)
{
    if (file == NULL)
        return;
    mb_arena_free(&file->arena);
    json_decref(file->header);
    free(file->bytes.data);
    free(file);
}
