/* A stream to memory whose error flag is set when memory is out; open_memstream's stays clear. */
#ifndef MB_CORE_MEMORY_STREAM_H
#define MB_CORE_MEMORY_STREAM_H

#include "core/file.h"

#include <stdbool.h>
#include <stdio.h>

/* What is written goes to *bytes, which are followed by '\0'. NULL: memory is out. */
FILE *mb_memory_stream_open(mb_bytes *bytes);

/* Closes the stream, which may be NULL; the caller frees bytes->data. False: memory was out, and
 * the bytes are freed. */
bool mb_memory_stream_close(FILE *stream, mb_bytes *bytes);

#endif
