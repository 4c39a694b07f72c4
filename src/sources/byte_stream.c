#include "sources/byte_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mb_status read_file(const mb_byte_stream *stream, void *bytes, size_t size, size_t *got,
                           mb_error *error)
{
    errno = 0;
    *got = fread(bytes, 1, size, stream->context);
    if (*got < size && ferror(stream->context))
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be read: %s", stream->name, strerror(errno));
    return MB_OK;
}

static void close_file(void *context) { fclose(context); }

mb_status mb_regular_file_open(const char *path, int *file, uint64_t *size, mb_error *error)
{
    struct stat info;
    const int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait */
    if (opened < 0 || fstat(opened, &info) != 0) {
        mb_fail(error, MB_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
        if (opened >= 0)
            close(opened);
        return MB_ERROR_IO;
    }
    if (!S_ISREG(info.st_mode)) {
        close(opened);
        return mb_fail(error, MB_ERROR_IO, "%s: is not a regular file", path);
    }
    *file = opened;
    *size = (uint64_t)info.st_size;
    return MB_OK;
}

mb_status mb_file_stream_open(const char *path, mb_byte_stream *stream, mb_error *error)
{
    int file = -1;
    mb_byte_stream made = {.name = path, .read = read_file, .close = close_file};
    const mb_status status = mb_regular_file_open(path, &file, &made.size, error);
    if (status != MB_OK)
        return status;
    made.context = fdopen(file, "rb");
    if (made.context == NULL) {
        close(file);
        return mb_fail(error, MB_ERROR_MEMORY, "%s: out of memory", path);
    }
    *stream = made;
    return MB_OK;
}

void mb_byte_stream_close(mb_byte_stream *stream)
{
    if (stream->close != NULL)
        stream->close(stream->context);
    *stream = (mb_byte_stream){0};
}
