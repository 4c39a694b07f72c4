/* Formats of files, recognized by their first bytes: to say what a file is that cannot be used. */
#ifndef MB_CORE_FILE_FORMAT_H
#define MB_CORE_FILE_FORMAT_H

#include "core/file.h"

/* Bytes of a file's start that are enough for mb_file_format. */
enum { MB_FILE_FORMAT_BYTES = 512 };

/* The first bytes of a file. Returns their number, 0 if it cannot be read. */
size_t mb_file_start(const char *path, uint8_t start[MB_FILE_FORMAT_BYTES]);

/* The format of the file that starts with these bytes, as a noun with its article, and the way out
 * where there is one: "a GIF picture", "a web page (of an error?)". NULL: unknown. */
const char *mb_file_format(const mb_bytes *start);

#endif
