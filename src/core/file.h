/* Whole files: read in one piece, written so that no half of one is ever seen. */
#ifndef MB_CORE_FILE_H
#define MB_CORE_FILE_H

#include "core/status.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes on the heap; the holder frees `data`. */
typedef struct mb_bytes {
    uint8_t *data;
    size_t size;
} mb_bytes;

/* Reads `path` whole into *bytes. A file of more than `limit` bytes is refused before it is read.
 * MB_ERROR_IO: cannot be opened or read, or is no regular file; MB_ERROR_FORMAT: above the limit;
 * MB_ERROR_MEMORY. */
mb_status mb_file_read(const char *path, size_t limit, mb_bytes *bytes, mb_error *error);

/* Puts `size` bytes under the name `path`: a temporary file in the same folder, flushed to the
 * disk, then renamed, then the folder flushed. Whatever was at `path` stays as it was until the
 * rename, and stays for good when anything before fails (MB_ERROR_IO), with no temporary file left.
 * A link is followed. MB_ERROR_IO, too, where something else than a file is there; MB_ERROR_MEMORY.
 */
mb_status mb_file_write(const char *path, const void *data, size_t size, mb_error *error);

/* mb_file_write to FOLDER/NAME. */
mb_status mb_file_write_in(const char *folder, const char *name, const mb_bytes *bytes,
                           mb_error *error);

/* Removes the temporary files (".mnist_blas.XXXXXX.tmp") that processes which were killed have left
 * in this folder, and none that is still written. What cannot be removed stays. */
void mb_file_remove_stale(const char *folder);

/* "FOLDER/NAME" on the heap, NULL when memory is out. */
char *mb_path_join(const char *folder, const char *name);

/* The folder in which `path` is, "." for a name alone, on the heap; NULL when memory is out. */
char *mb_path_dirname(const char *path);

#endif
