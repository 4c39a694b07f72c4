/* Members of zip archives, as streams of bytes; by libzip. */
#ifndef MB_SOURCES_ZIP_H
#define MB_SOURCES_ZIP_H

#include "sources/byte_stream.h"

typedef struct mb_zip mb_zip;

/* *zip is for mb_zip_close. MB_ERROR_IO: cannot be opened, or is not a regular file;
 * MB_ERROR_FORMAT: not a zip archive, or a damaged one; MB_ERROR_UNAVAILABLE: built without libzip;
 * MB_ERROR_MEMORY. */
mb_status mb_zip_open(const char *path, mb_zip **zip, mb_error *error);

size_t mb_zip_count(const mb_zip *zip);

/* The name of a member, the archive's. */
const char *mb_zip_name(const mb_zip *zip, size_t member);

/* *stream reads the member, and fails after its last byte if its checksum or size is another than
 * the archive says. `name` is the member's in errors, and must outlive the stream, as must the
 * archive. MB_ERROR_FORMAT: encrypted, of an unknown compression, or damaged; MB_ERROR_MEMORY. */
mb_status mb_zip_read(mb_zip *zip, size_t member, const char *name, mb_byte_stream *stream,
                      mb_error *error);

/* NULL: no effect. */
void mb_zip_close(mb_zip *zip);

#endif
