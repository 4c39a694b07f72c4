#include "core/memory_stream.h"

#include <stdlib.h>
#include <string.h>

static ssize_t append(void *cookie, const char *data, size_t size)
{
    mb_bytes *bytes = cookie;
    size_t capacity = BUFSIZ;
    while (capacity <= bytes->size + size)
        capacity *= 2;
    uint8_t *larger = realloc(bytes->data, capacity);
    if (larger == NULL)
        return 0;
    memcpy(larger + bytes->size, data, size);
    bytes->data = larger;
    bytes->size += size;
    larger[bytes->size] = '\0';
    return (ssize_t)size;
}

FILE *mb_memory_stream_open(mb_bytes *bytes)
{
    *bytes = (mb_bytes){.data = calloc(1, BUFSIZ)}; /* a text even if nothing is written */
    if (bytes->data == NULL)
        return NULL;
    FILE *stream = fopencookie(bytes, "w", (cookie_io_functions_t){.write = append});
    if (stream == NULL)
        mb_memory_stream_close(NULL, bytes);
    return stream;
}

bool mb_memory_stream_close(FILE *stream, mb_bytes *bytes)
{
    bool failed = stream == NULL || fflush(stream) != 0 || ferror(stream);
    if (stream != NULL)
        failed |= fclose(stream) != 0;
    if (!failed)
        return true;
    free(bytes->data);
    *bytes = (mb_bytes){0};
    return false;
}
