/* What a folder holds that has no data of a known format, for errors. */
#ifndef MB_SOURCES_FOLDER_CONTENT_H
#define MB_SOURCES_FOLDER_CONTENT_H

#include <stddef.h>

/* The first entries of a folder with their formats, "train.csv, a CSV table; d/raw, a folder with
 * data"; "" if it has none, or cannot be read. Cut off at `size`. Returns `text`. */
char *mb_folder_content(const char *folder, char *text, size_t size);

#endif
