/* Bytes that are read once, from the first to the last: of a file, or of a packed member of one. */
#ifndef MB_SOURCES_BYTE_STREAM_H
#define MB_SOURCES_BYTE_STREAM_H

#include "core/status.h"

#include <stdint.h>

/* {0} is closed. */
typedef struct mb_byte_stream {
    const char *name; /* in errors */
    uint64_t size;    /* of all, as the file says */
    void *context;
    /* Reads the next bytes: fewer than `size` at the end only. MB_ERROR_IO; MB_ERROR_FORMAT. */
    mb_status (*read)(const struct mb_byte_stream *stream, void *bytes, size_t size, size_t *got,
                      mb_error *error);
    void (*close)(void *context);
} mb_byte_stream;

/* Opens a file for reading; *file is the caller's to close. MB_ERROR_IO: cannot be opened, or is
 * not a regular file. */
mb_status mb_regular_file_open(const char *path, int *file, uint64_t *size, mb_error *error);

/* A file; `path` is the stream's name. MB_ERROR_IO as above; MB_ERROR_MEMORY. */
mb_status mb_file_stream_open(const char *path, mb_byte_stream *stream, mb_error *error);

/* Closes a stream, and makes it {0}. */
void mb_byte_stream_close(mb_byte_stream *stream);

#endif
