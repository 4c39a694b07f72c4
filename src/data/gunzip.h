/* gzip files, unpacked whole in memory. */
#ifndef MB_DATA_GUNZIP_H
#define MB_DATA_GUNZIP_H

#include "core/file.h"

#include <stdbool.h>

/* Whether the bytes start as a gzip file does, whatever the file is called. */
bool mb_is_gzip(const mb_bytes *bytes);

/* Unpacks `packed`, a whole gzip file (RFC 1952) of one or more members, into *unpacked, which is
 * then the caller's to free. NUL bytes after the last member are passed over. `name` is what
 * errors call the file. *unpacked is left alone on failure.
 * MB_ERROR_FORMAT: truncated, damaged, bad checksum, bad length, other bytes after the last member,
 * or more than `limit` unpacked bytes; MB_ERROR_MEMORY. */
mb_status mb_gunzip(const char *name, const mb_bytes *packed, size_t limit, mb_bytes *unpacked,
                    mb_error *error);

#endif
