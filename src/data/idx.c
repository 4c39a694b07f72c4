#include "data/idx.h"

#include "core/endian.h"
#include "core/file_format.h"
#include "core/util.h"
#include "data/dataset.h"
#include "data/gunzip.h"

#include <stdlib.h>
#include <string.h>

enum { UNSIGNED_BYTE = 0x08, MAGIC_SIZE = 4, DIMENSION_SIZE = 4, MAX_DIMENSIONS = 4 };
enum { GRAY = 1, COLORS = 3, QMNIST_COLUMNS = 8 };

/* Types of elements 0x08 to 0x0f; integers have a size. */
static const struct {
    const char *name;
    size_t size;
} types[] = {{"unsigned bytes", 1},  {"signed bytes", 1}, {"unknown", 0}, {"16-bit integers", 2},
             {"32-bit integers", 4}, {"floats", 0},       {"doubles", 0}, {"unknown", 0}};

static bool is_known(unsigned type) { return type / 8 == 1; }

static const char *plural(mb_idx_kind kind) { return kind == MB_IDX_IMAGES ? "images" : "labels"; }

static size_t header_size(size_t dimensions) { return MAGIC_SIZE + DIMENSION_SIZE * dimensions; }

/* The dimensions that files of the kind have. */
static bool has_dimensions(mb_idx_kind kind, unsigned dimensions)
{
    return dimensions == (unsigned)kind || dimensions == (unsigned)kind + 1;
}

/* Reports what a file is that does not start as IDX. */
static mb_status fail_format(const mb_idx *idx, mb_idx_kind kind, mb_error *error)
{
    const uint8_t *magic = idx->bytes.data;
    const char *format = mb_file_format(&idx->bytes);
    if (magic[2] == 0 && magic[3] == 0 && is_known(magic[1]) && has_dimensions(kind, magic[0]))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: little-endian: IDX has the bytes of its header in big-endian order",
                       idx->path);
    if (format != NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: not an IDX file: %s %s", idx->path,
                       idx->unpacked ? "packed in it is" : "is", format);
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: not an IDX file: starts with 0x%08x, %s start with 0x%08x", idx->path,
                   mb_load_be32(magic), plural(kind), UNSIGNED_BYTE << 8 | (unsigned)kind);
}

/* Images are unsigned bytes, labels are integers of any type. */
static mb_status check_type(const mb_idx *idx, mb_idx_kind kind, mb_error *error)
{
    const unsigned type = idx->bytes.data[2];
    const char *name = is_known(type) ? types[type % 8].name : "unknown";
    if (kind == MB_IDX_IMAGES && type != UNSIGNED_BYTE)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: elements of type 0x%02x (%s): only 0x%02x (unsigned bytes) is read",
                       idx->path, type, name, UNSIGNED_BYTE);
    if (!is_known(type) || types[type % 8].size == 0)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: elements of type 0x%02x (%s): labels are integers, 0x08, 0x09, 0x0b or "
                       "0x0c",
                       idx->path, type, name);
    return MB_OK;
}

static mb_status check_magic(const mb_idx *idx, mb_idx_kind kind, mb_error *error)
{
    const uint8_t *magic = idx->bytes.data;
    const mb_idx_kind other = kind == MB_IDX_IMAGES ? MB_IDX_LABELS : MB_IDX_IMAGES;
    if (idx->bytes.size == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: empty file: 0 bytes", idx->path);
    if (idx->bytes.size < MAGIC_SIZE)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: not an IDX file: %zu bytes, its header alone has %zu", idx->path,
                       idx->bytes.size, header_size((size_t)kind));
    if (magic[0] != 0 || magic[1] != 0 || magic[2] == 0)
        return fail_format(idx, kind, error);
    const mb_status status = check_type(idx, kind, error);
    if (status != MB_OK || has_dimensions(kind, magic[3]))
        return status;
    if (magic[3] == (unsigned)other)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: holds %s, not %s: starts with 0x%08x, not 0x%08x", idx->path,
                       plural(other), plural(kind), mb_load_be32(magic),
                       UNSIGNED_BYTE << 8 | (unsigned)kind);
    return mb_fail(error, MB_ERROR_FORMAT, "%s: has %u dimensions: %s have %u or %u", idx->path,
                   (unsigned)magic[3], plural(kind), (unsigned)kind, (unsigned)kind + 1);
}

/* The values of a label: one, or QMNIST's, the first of which is the class. */
static mb_status set_label_shape(mb_idx *idx, const size_t *sizes, size_t dimensions,
                                 mb_error *error)
{
    idx->channels = idx->rows = 1;
    idx->columns = dimensions == 1 ? 1 : sizes[1];
    if (dimensions > 1 && sizes[1] != 1 && sizes[1] != QMNIST_COLUMNS)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: labels of %zu numbers: must have 1, or %d as QMNIST's, of which the "
                       "first is the class",
                       idx->path, sizes[1], QMNIST_COLUMNS);
    return MB_OK;
}

/* Channels are the last dimension if that can be, else the first of an image. */
static mb_status set_image_shape(mb_idx *idx, const size_t *sizes, size_t dimensions,
                                 bool *channels_last, mb_error *error)
{
    const bool last = dimensions == 4 && (sizes[3] == COLORS || sizes[3] == GRAY);
    const bool first = dimensions == 4 && !last && (sizes[1] == COLORS || sizes[1] == GRAY);
    if (dimensions == 4 && !last && !first)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images of %zu x %zu x %zu: the first or the last, their channels, must "
                       "be 1 or 3",
                       idx->path, sizes[1], sizes[2], sizes[3]);
    idx->channels = last ? sizes[3] : first ? sizes[1] : 1;
    idx->rows = sizes[first ? 2 : 1];
    idx->columns = sizes[first ? 3 : 2];
    *channels_last = last && sizes[3] == COLORS;
    return MB_OK;
}

/* Checks the sizes; *item becomes the bytes of an image or a label. */
static mb_status check_sizes(const mb_idx *idx, mb_idx_kind kind, size_t header, size_t *item,
                             mb_error *error)
{
    size_t payload, pixels;
    if (idx->count == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: empty: header promises 0 %s", idx->path,
                       plural(kind));
    if (idx->rows == 0 || idx->columns == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: images without pixels: header says %zu x %zu",
                       idx->path, idx->rows, idx->columns);
    if (!mb_multiply(idx->rows, idx->columns, &pixels) ||
        pixels > MB_IMAGE_MAX_PIXELS / idx->channels)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images too large: header says %zu x %zu%s, at most %d pixels are read",
                       idx->path, idx->rows, idx->columns, idx->channels > 1 ? " x 3" : "",
                       MB_IMAGE_MAX_PIXELS);
    *item = pixels * idx->channels * idx->label_size;
    if (!mb_multiply(*item, idx->count, &payload) || payload > MB_DATA_MAX_BYTES - header)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: too large: header promises %zu %s of %zu bytes, at most %zu bytes are "
                       "read",
                       idx->path, idx->count, plural(kind), *item, MB_DATA_MAX_BYTES);
    return MB_OK;
}

/* Colors of a pixel side by side to one plane for each. */
static mb_status separate_channels(const mb_idx *idx, mb_error *error)
{
    const size_t plane = idx->rows * idx->columns;
    uint8_t *image = idx->bytes.data + (idx->items - idx->bytes.data);
    uint8_t *copy = malloc(COLORS * plane);
    if (copy == NULL)
        return mb_fail_memory(error, idx->path, COLORS * plane);
    for (size_t i = 0; i < idx->count; i++, image += COLORS * plane) {
        memcpy(copy, image, COLORS * plane);
        for (size_t p = 0; p < plane; p++)
            for (size_t c = 0; c < COLORS; c++)
                image[c * plane + p] = copy[COLORS * p + c];
    }
    free(copy);
    return MB_OK;
}

/* Reads the header of idx->bytes and fills in the rest of *idx. */
static mb_status parse_header(mb_idx *idx, mb_idx_kind kind, mb_error *error)
{
    mb_status status = check_magic(idx, kind, error);
    if (status != MB_OK)
        return status;
    size_t sizes[MAX_DIMENSIONS] = {0}, item = 1;
    bool channels_last = false;
    const size_t dimensions = idx->bytes.data[3], header = header_size(dimensions);
    if (idx->bytes.size < header)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: truncated: %zu bytes, the header of %s has %zu",
                       idx->path, idx->bytes.size, plural(kind), header);
    for (size_t i = 0; i < dimensions; i++)
        sizes[i] = mb_load_be32(idx->bytes.data + header_size(i));
    idx->items = idx->bytes.data + header;
    idx->count = sizes[0];
    idx->is_signed = idx->bytes.data[2] != UNSIGNED_BYTE;
    idx->label_size = types[idx->bytes.data[2] % 8].size;
    status = kind == MB_IDX_LABELS ? set_label_shape(idx, sizes, dimensions, error)
                                   : set_image_shape(idx, sizes, dimensions, &channels_last, error);
    if (status == MB_OK)
        status = check_sizes(idx, kind, header, &item, error);
    if (status != MB_OK)
        return status;
    const size_t promised = idx->count * item, there = idx->bytes.size - header;
    if (there < promised)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: truncated: header promises %zu %s, %zu are there", idx->path,
                       idx->count, plural(kind), there / item);
    if (there > promised)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: trailing garbage: header promises %zu %s, %zu bytes follow them",
                       idx->path, idx->count, plural(kind), there - promised);
    return channels_last ? separate_channels(idx, error) : MB_OK;
}

int64_t mb_idx_label(const mb_idx *idx, size_t item)
{
    const uint8_t *at = idx->items + item * idx->columns * idx->label_size;
    int64_t value = idx->is_signed ? (int8_t)at[0] : at[0];
    for (size_t byte = 1; byte < idx->label_size; byte++)
        value = value * 256 + at[byte];
    return value;
}

mb_status mb_idx_parse(const char *path, mb_idx_kind kind, mb_bytes *file, mb_idx *idx,
                       mb_error *error)
{
    mb_status status = MB_OK;
    mb_bytes packed = {0};
    mb_idx whole = {.bytes = *file, .path = strdup(path)};
    *file = (mb_bytes){0};
    if (whole.path == NULL) {
        status = mb_fail_memory(error, path, strlen(path) + 1);
        goto done;
    }
    if (mb_is_gzip(&whole.bytes)) {
        packed = whole.bytes;
        whole.bytes = (mb_bytes){0};
        whole.unpacked = true;
        status = mb_gunzip(path, &packed, MB_DATA_MAX_BYTES, &whole.bytes, error);
    }
    if (status == MB_OK)
        status = parse_header(&whole, kind, error);
    if (status == MB_OK) {
        *idx = whole;
        whole = (mb_idx){0};
    }
done:
    free(packed.data);
    mb_idx_free(&whole);
    return status;
}

mb_status mb_idx_read(const char *path, mb_idx_kind kind, mb_idx *idx, mb_error *error)
{
    mb_bytes file = {0};
    const mb_status status = mb_file_read(path, MB_DATA_MAX_BYTES, &file, error);
    return status == MB_OK ? mb_idx_parse(path, kind, &file, idx, error) : status;
}

void mb_idx_free(mb_idx *idx)
{
    free(idx->bytes.data);
    free(idx->path);
    *idx = (mb_idx){0};
}
