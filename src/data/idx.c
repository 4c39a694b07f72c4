#include "data/idx.h"

#include "core/endian.h"
#include "core/file_format.h"
#include "core/util.h"
#include "data/dataset.h"
#include "data/gunzip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { UNSIGNED_BYTE = 0x08, MAGIC_SIZE = 4, DIMENSION_SIZE = 4 };

static const char *plural(mb_idx_kind kind) { return kind == MB_IDX_IMAGES ? "images" : "labels"; }

static size_t header_size(mb_idx_kind kind) { return MAGIC_SIZE + DIMENSION_SIZE * (size_t)kind; }

/* Names of the types 0x08 to 0x0f. */
static const char *type_name(unsigned type)
{
    static const char *const names[] = {
        "unsigned bytes",  "signed bytes", NULL,      "16-bit integers",
        "32-bit integers", "floats",       "doubles", NULL};
    const char *name = type / 8 == 1 ? names[type % 8] : NULL;
    return name != NULL ? name : "unknown";
}

/* Reports what a file is that does not start as IDX. */
static mb_status fail_format(const mb_idx *idx, mb_idx_kind kind, unsigned expected,
                             mb_error *error)
{
    const char *format = mb_file_format(&idx->bytes);
    const uint32_t found = mb_load_be32(idx->bytes.data);
    if (__builtin_bswap32(found) == expected)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: little-endian: IDX has the bytes of its header in big-endian order",
                       idx->path);
    if (format != NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: not an IDX file: %s %s", idx->path,
                       idx->unpacked ? "packed in it is" : "is", format);
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: not an IDX file: starts with 0x%08x, %s start with 0x%08x", idx->path,
                   found, plural(kind), expected);
}

static mb_status check_magic(const mb_idx *idx, mb_idx_kind kind, mb_error *error)
{
    const uint8_t *magic = idx->bytes.data;
    const unsigned expected = UNSIGNED_BYTE << 8 | (unsigned)kind;
    if (idx->bytes.size == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: empty file: 0 bytes", idx->path);
    if (idx->bytes.size < MAGIC_SIZE)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: not an IDX file: %zu bytes, its header alone has %zu", idx->path,
                       idx->bytes.size, header_size(kind));
    const uint32_t found = mb_load_be32(magic);
    if (found == expected)
        return MB_OK;
    if (magic[0] != 0 || magic[1] != 0 || magic[2] == 0)
        return fail_format(idx, kind, expected, error);
    if (magic[2] != UNSIGNED_BYTE)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: elements of type 0x%02x (%s): only 0x%02x (unsigned bytes) is read",
                       idx->path, (unsigned)magic[2], type_name(magic[2]), UNSIGNED_BYTE);
    if (magic[3] == MB_IDX_LABELS || magic[3] == MB_IDX_IMAGES)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: holds %s, not %s: starts with 0x%08x, not 0x%08x", idx->path,
                       plural(magic[3]), plural(kind), found, expected);
    return mb_fail(error, MB_ERROR_FORMAT, "%s: has %u dimensions: %s have %u", idx->path,
                   (unsigned)magic[3], plural(kind), (unsigned)kind);
}

static mb_status check_dimensions(const mb_idx *idx, mb_idx_kind kind, size_t *payload,
                                  mb_error *error)
{
    size_t pixels;
    if (idx->count == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: empty: header promises 0 %s", idx->path,
                       plural(kind));
    if (idx->rows == 0 || idx->columns == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: images without pixels: header says %zu x %zu",
                       idx->path, idx->rows, idx->columns);
    if (!mb_multiply(idx->rows, idx->columns, &pixels) || pixels > MB_IMAGE_MAX_PIXELS)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images too large: header says %zu x %zu, at most %d pixels are read",
                       idx->path, idx->rows, idx->columns, MB_IMAGE_MAX_PIXELS);
    if (!mb_multiply(pixels, idx->count, payload) ||
        *payload > MB_DATA_MAX_BYTES - header_size(kind))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: too large: header promises %zu %s of %zu bytes, at most %zu bytes are "
                       "read",
                       idx->path, idx->count, plural(kind), pixels, MB_DATA_MAX_BYTES);
    return MB_OK;
}

/* Reads the header of idx->bytes and fills in the rest of *idx. */
static mb_status parse_header(mb_idx *idx, mb_idx_kind kind, mb_error *error)
{
    mb_status status = check_magic(idx, kind, error);
    if (status != MB_OK)
        return status;
    const size_t header = header_size(kind);
    const uint8_t *dimensions = idx->bytes.data + MAGIC_SIZE;
    if (idx->bytes.size < header)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: truncated: %zu bytes, the header of %s has %zu",
                       idx->path, idx->bytes.size, plural(kind), header);
    idx->items = idx->bytes.data + header;
    idx->count = mb_load_be32(dimensions);
    idx->rows = kind == MB_IDX_IMAGES ? mb_load_be32(dimensions + DIMENSION_SIZE) : 1;
    idx->columns = kind == MB_IDX_IMAGES ? mb_load_be32(dimensions + 2 * DIMENSION_SIZE) : 1;
    size_t promised = 0;
    status = check_dimensions(idx, kind, &promised, error);
    if (status != MB_OK)
        return status;
    const size_t there = idx->bytes.size - header;
    if (there < promised)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: truncated: header promises %zu %s, %zu are there", idx->path,
                       idx->count, plural(kind), there / (promised / idx->count));
    if (there > promised)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: trailing garbage: header promises %zu %s, %zu bytes follow them",
                       idx->path, idx->count, plural(kind), there - promised);
    return MB_OK;
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

/* A name that exists but may not be accessed counts as existing: opening it says why. */
static bool exists(const char *path, bool *folder)
{
    struct stat info;
    const bool there = stat(path, &info) == 0;
    *folder = there && S_ISDIR(info.st_mode);
    return there || (errno != ENOENT && errno != ENOTDIR);
}

/* Name `i` of `path`: itself, with a dot instead of the last '-', and in a folder of its own name,
 * as some archives unpack; plain and packed. On the heap. */
static char *make_name(const char *path, size_t i)
{
    const char *base = strrchr(path, '/');
    const char *suffix = i % 2 == 0 ? "" : ".gz";
    char *name = NULL;
    base = base != NULL ? base + 1 : path;
    const int size = i < 4 ? asprintf(&name, "%s%s", path, suffix)
                           : asprintf(&name, "%s/%s%s", path, base, suffix);
    if (size < 0)
        return NULL;
    char *type = i / 2 == 1 ? strstr(name + (base - path), "-idx") : NULL;
    if (type != NULL)
        *type = '.';
    return name;
}

mb_status mb_idx_find(const char *path, char **found, mb_error *error)
{
    enum { NAMES = 6 };
    bool folder = true; /* taken only if there is nothing else: opening it says what it is */
    *found = NULL;
    for (size_t i = 0; i < NAMES && folder; i++) {
        bool is_folder = false;
        char *name = make_name(path, i);
        if (name == NULL)
            return mb_fail_memory(error, path, 2 * strlen(path) + sizeof "/.gz");
        if (exists(name, &is_folder) && (*found == NULL || !is_folder)) {
            free(*found);
            *found = name;
            folder = is_folder;
        } else {
            free(name);
        }
    }
    return MB_OK;
}

/* An interrupted gunzip leaves a part of the file beside the whole .gz. */
static mb_status fail_beside(const char *path, mb_status status, mb_error *error)
{
    bool folder;
    char *packed = NULL;
    if (status == MB_ERROR_FORMAT && error != NULL && asprintf(&packed, "%s.gz", path) >= 0 &&
        exists(packed, &folder)) {
        const mb_error why = *error;
        mb_fail(error, status, "%s; remove it to read %s", why.text, packed);
    }
    free(packed);
    return status;
}

mb_status mb_idx_read(const char *path, mb_idx_kind kind, mb_idx *idx, mb_error *error)
{
    char *found = NULL;
    mb_bytes file = {0};
    mb_status status = mb_idx_find(path, &found, error);
    if (status != MB_OK)
        goto done;
    if (found == NULL) {
        status = mb_fail(error, MB_ERROR_IO, "%s: missing, and so is %s.gz", path, path);
        goto done;
    }
    status = mb_file_read(found, MB_DATA_MAX_BYTES, &file, error);
    if (status == MB_OK)
        status = mb_idx_parse(found, kind, &file, idx, error);
    if (status != MB_OK)
        status = fail_beside(found, status, error);
done:
    free(found);
    return status;
}

void mb_idx_free(mb_idx *idx)
{
    free(idx->bytes.data);
    free(idx->path);
    *idx = (mb_idx){0};
}
