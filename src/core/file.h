/* Whole files: read at once, written atomically. */
#ifndef MB_CORE_FILE_H
#define MB_CORE_FILE_H

#include "core/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes on the heap; the owner frees `data`. */
typedef struct mb_bytes {
    uint8_t *data;
    size_t size;
} mb_bytes;

/* Reads a whole file; the caller frees bytes->data. A file of more than `limit` bytes is refused
 * before it is read. MB_ERROR_IO: cannot be opened or read, or is not a regular file;
 * MB_ERROR_FORMAT: above the limit; MB_ERROR_MEMORY. */
mb_status mb_file_read(const char *path, size_t limit, mb_bytes *bytes, mb_error *error);

/* mb_file_read of a regular file, or of all that comes from a pipe, a terminal or, if `path` is
 * "-", from standard input. */
mb_status mb_file_read_stream(const char *path, size_t limit, mb_bytes *bytes, mb_error *error);

/* Writes a file atomically: a temporary file in the same folder is flushed to disk and renamed,
 * then the folder is flushed. Until the rename the old file at `path` is untouched; after a failure
 * it stays, and no temporary file is left. The new file has the mode and owner of the old one, if
 * that is permitted. Symbolic links are followed. A file that cannot be replaced (a mount point) is
 * overwritten instead; if that fails, the message names the file that has the new content.
 * MB_ERROR_IO: cannot be written, or `path` exists and is not a regular file; MB_ERROR_MEMORY. */
mb_status mb_file_write(const char *path, const void *data, size_t size, mb_error *error);

/* The same; calls `before` when the content is on disk, right before the file takes its name. */
mb_status mb_file_replace(const char *path, const mb_bytes *bytes, void (*before)(void *context),
                          void *context, mb_error *error);

/* mb_file_write to FOLDER/NAME. */
mb_status mb_file_write_in(const char *folder, const char *name, const mb_bytes *bytes,
                           mb_error *error);

/* mb_file_write of a file that the user has named, in whose folder no run removes what killed
 * processes have left: it does (mb_file_remove_stale). */
mb_status mb_file_write_named(const char *path, const void *data, size_t size, mb_error *error);

/* Removes temporary files (".mnist_blas.XXXXXX.tmp") of killed processes from a folder, except
 * those that are being written. Failures are ignored. */
void mb_file_remove_stale(const char *folder);

/* "FOLDER/NAME" on the heap; NULL if memory is out. */
char *mb_path_join(const char *folder, const char *name);

/* Opens FOLDER/NAME for reading; the folder "" is the root. NULL: it cannot be opened. */
FILE *mb_file_open_in(const char *folder, const char *name);

/* The folder of `path`, "." for a bare name, on the heap; NULL if memory is out. */
char *mb_path_dirname(const char *path);

#endif
