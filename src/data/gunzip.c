#include "data/gunzip.h"

#include "core/endian.h"
#include "core/util.h"

#include <libdeflate.h>
#include <stdlib.h>

/* A deflate match is at most 258 bytes and at least 2 bits: no stream expands further than this.
 * Real images expand a few times; memory for more is allocated only as it is needed. */
enum { MAX_EXPANSION = 1032, USUAL_EXPANSION = 32, SLACK = 64 << 10 };

/* A gzip header is 10 bytes and optional fields, the trailer a checksum and a length. */
enum { FIXED_HEADER = 10, TRAILER = 8, DEFLATE = 8 };
enum { HEADER_CHECKSUM = 0x02, EXTRA = 0x04, NAME = 0x08, COMMENT = 0x10, RESERVED = 0xe0 };

typedef struct unpacking {
    struct libdeflate_decompressor *inflater;
    const char *name;
    mb_bytes packed; /* the file from the current member on; not owned */
    size_t at;       /* its offset in the file */
    mb_bytes made;
    size_t capacity, max_capacity; /* bytes allocated for `made` */
} unpacking;

bool mb_is_gzip(const mb_bytes *bytes)
{
    return bytes->size >= 2 && bytes->data[0] == 0x1f && bytes->data[1] == 0x8b;
}

static mb_status reserve(unpacking *work, size_t capacity, mb_error *error)
{
    uint8_t *data =
        realloc(work->made.data, capacity + 1); /* never 0 bytes: NULL means no memory */
    if (data == NULL)
        return mb_fail_memory(error, work->name, capacity);
    work->made.data = data;
    work->capacity = capacity;
    return MB_OK;
}

/* The last four bytes are the unpacked size of the last member, modulo 2^32: right for nearly every
 * file, except for a truncated one. */
static mb_status reserve_first(unpacking *work, size_t limit, mb_error *error)
{
    const size_t size = work->packed.size;
    size_t usual;
    if (!mb_multiply(size, MAX_EXPANSION, &work->max_capacity) || work->max_capacity > limit)
        work->max_capacity = limit;
    if (!mb_multiply(size, USUAL_EXPANSION, &usual) || usual > SIZE_MAX - SLACK)
        usual = work->max_capacity;
    else
        usual = mb_min_size(usual + SLACK, work->max_capacity);
    const size_t claim = size >= 4 ? mb_load_le32(work->packed.data + size - 4) : 0;
    return reserve(work, mb_min_size(claim, usual), error);
}

static mb_status grow(unpacking *work, mb_error *error)
{
    if (work->capacity >= work->max_capacity)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: too large: unpacks to more than %zu bytes",
                       work->name, work->max_capacity);
    const size_t half = work->max_capacity / 2;
    const size_t capacity =
        work->capacity >= half ? work->max_capacity : 2 * work->capacity + SLACK;
    return reserve(work, mb_min_size(capacity, work->max_capacity), error);
}

/* Length of the current member's header, or 0 if the file ends within it. */
static size_t header_size(const mb_bytes *member)
{
    size_t at = FIXED_HEADER;
    if (member->size < FIXED_HEADER)
        return 0;
    const unsigned flags = member->data[3];
    if (flags & EXTRA) {
        if (member->size - at < 2)
            return 0;
        at += 2 + (size_t)member->data[at] + 256 * (size_t)member->data[at + 1];
    }
    for (unsigned text = NAME; text <= COMMENT; text *= 2) {
        if (!(flags & text))
            continue;
        while (at < member->size && member->data[at] != 0)
            at++;
        at++;
    }
    if (flags & HEADER_CHECKSUM)
        at += 2;
    return at < member->size ? at : 0;
}

static bool overflows(const unpacking *work, mb_bytes stream, size_t space)
{
    size_t used, made;
    return libdeflate_deflate_decompress_ex(work->inflater, stream.data, stream.size,
                                            work->made.data + work->made.size, space, &used,
                                            &made) == LIBDEFLATE_INSUFFICIENT_SPACE;
}

/* Reports why a deflate stream fails. libdeflate says only that it does; but if it gets less space
 * than the stream can fill, it reports that first, and bisection finds how far the stream can be
 * unpacked. If it gets as far without its last bytes, the fault is before them; else the stream
 * ends too early, or is damaged so close to its end that it looks so. The last bytes are more than
 * a table of codes takes, which unpacks to nothing. */
static mb_status report_stream(const unpacking *work, mb_bytes stream, mb_error *error)
{
    enum { LAST_BYTES = 512 };
    size_t low = 0, reach = work->capacity - work->made.size;
    while (low < reach) {
        const size_t middle = low + (reach - low) / 2;
        if (overflows(work, stream, middle))
            low = middle + 1;
        else
            reach = middle;
    }
    const mb_bytes shorter = {stream.data, stream.size - mb_min_size(LAST_BYTES, stream.size / 2)};
    const bool damaged = reach > 0 ? overflows(work, shorter, reach - 1) : stream.size > LAST_BYTES;
    if (damaged)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: damaged: cannot be unpacked past its first %zu bytes", work->name,
                       work->made.size + reach);
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: truncated: the gzip data continues after all %zu bytes", work->name,
                   work->at + work->packed.size);
}

/* Reports why the current member fails. */
static mb_status report_member(const unpacking *work, mb_error *error)
{
    const mb_bytes *member = &work->packed;
    if (member->size >= 4 && (member->data[2] != DEFLATE || (member->data[3] & RESERVED)))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: damaged: the gzip header at byte %zu has method %u and flags 0x%02x",
                       work->name, work->at, (unsigned)member->data[2], (unsigned)member->data[3]);
    const size_t header = header_size(member);
    const mb_bytes stream = {member->data + header, member->size - header};
    uint8_t *const content = work->made.data + work->made.size;
    size_t used = 0, made = 0;
    if (header > 0 && libdeflate_deflate_decompress_ex(work->inflater, stream.data, stream.size,
                                                       content, work->capacity - work->made.size,
                                                       &used, &made) != LIBDEFLATE_SUCCESS)
        return report_stream(work, stream, error);
    if (header == 0 || stream.size - used < TRAILER)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: truncated: the gzip data continues after all %zu bytes", work->name,
                       work->at + member->size);
    const uint32_t promised = mb_load_le32(stream.data + used);
    const uint32_t checksum = libdeflate_crc32(0, content, made);
    if (checksum != promised)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: bad checksum: 0x%08x is promised, %zu unpacked bytes have 0x%08x",
                       work->name, promised, made, checksum);
    return mb_fail(error, MB_ERROR_FORMAT, "%s: bad length: %u bytes are promised, %zu are there",
                   work->name, mb_load_le32(stream.data + used + 4), made);
}

static mb_status unpack_member(unpacking *work, mb_error *error)
{
    for (;;) {
        size_t used, made;
        const enum libdeflate_result result = libdeflate_gzip_decompress_ex(
            work->inflater, work->packed.data, work->packed.size, work->made.data + work->made.size,
            work->capacity - work->made.size, &used, &made);
        if (result == LIBDEFLATE_SUCCESS) {
            work->made.size += made;
            work->packed.data += used;
            work->packed.size -= used;
            work->at += used;
            return MB_OK;
        }
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return report_member(work, error);
        const mb_status status = grow(work, error);
        if (status != MB_OK)
            return status;
    }
}

static mb_status check_rest(const unpacking *work, mb_error *error)
{
    for (size_t i = 0; i < work->packed.size; i++)
        if (work->packed.data[i] != 0)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: trailing garbage: %zu bytes follow the gzip data at byte %zu",
                           work->name, work->packed.size, work->at);
    return MB_OK;
}

mb_status mb_gunzip(const char *name, const mb_bytes *packed, size_t limit, mb_bytes *unpacked,
                    mb_error *error)
{
    if (!mb_is_gzip(packed))
        return mb_fail(error, MB_ERROR_FORMAT, "%s: not a gzip file: %zu bytes", name,
                       packed->size);
    unpacking work = {.name = name, .packed = *packed};
    mb_status status = MB_OK;
    work.inflater = libdeflate_alloc_decompressor();
    if (work.inflater == NULL) {
        status = mb_fail_memory(error, name, SLACK);
        goto done;
    }
    status = reserve_first(&work, limit, error);
    while (status == MB_OK && mb_is_gzip(&work.packed))
        status = unpack_member(&work, error);
    if (status == MB_OK)
        status = check_rest(&work, error);
    if (status == MB_OK && work.made.size < work.capacity)
        status = reserve(&work, work.made.size, error);
    if (status == MB_OK) {
        *unpacked = work.made;
        work.made.data = NULL;
    }
done:
    free(work.made.data);
    if (work.inflater != NULL)
        libdeflate_free_decompressor(work.inflater);
    return status;
}
