/* gzip files, unpacked in memory as a whole. */
#ifndef MB_DATA_GUNZIP_H
#define MB_DATA_GUNZIP_H

#include "core/file.h"

#include <stdbool.h>

/* True if the bytes start like a gzip file. */
bool mb_is_gzip(const mb_bytes *bytes);

/* Unpacks `packed`, a whole gzip file (RFC 1952) of one or more members, into *unpacked, whose data
 * the caller frees. NUL bytes after the last member are ignored. `name` is the file's name in
 * errors. *unpacked is unchanged on failure. MB_ERROR_FORMAT: truncated, damaged, bad checksum, bad
 * length, other bytes after the last member, or more than `limit` unpacked bytes; MB_ERROR_MEMORY.
 */
mb_status mb_gunzip(const char *name, const mb_bytes *packed, size_t limit, mb_bytes *unpacked,
                    mb_error *error);

#endif
