#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mb_status read_all(int fd, const char *path, mb_bytes *bytes, mb_error *error)
{
    size_t done = 0;
    while (done < bytes->size) {
        const ssize_t got = read(fd, bytes->data + done, bytes->size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return mb_fail(error, MB_ERROR_IO, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            return mb_fail(error, MB_ERROR_IO, "%s: shrank to %zu bytes while being read", path,
                           done);
        done += (size_t)got;
    }
    return MB_OK;
}

mb_status mb_file_read(const char *path, size_t limit, mb_bytes *bytes, mb_error *error)
{
    mb_status status = MB_OK;
    mb_bytes whole = {0};
    struct stat info;
    int fd;
    while ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0 && errno == EINTR)
        ; /* a pipe must not block */
    if (fd < 0)
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0) {
        status = mb_fail(error, MB_ERROR_IO, "%s: cannot be read: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        status = mb_fail(error, MB_ERROR_IO, "%s: is not a regular file", path);
        goto done;
    }
    if ((uintmax_t)info.st_size > limit) {
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: too large: %jd bytes, the limit is %zu", path,
                         (intmax_t)info.st_size, limit);
        goto done;
    }
    whole.size = (size_t)info.st_size;
    whole.data = malloc(whole.size + 1); /* not 0: malloc(0) may return NULL */
    if (whole.data == NULL) {
        status = mb_fail_memory(error, path, whole.size);
        goto done;
    }
    status = read_all(fd, path, &whole, error);
done:
    close(fd);
    if (status == MB_OK)
        *bytes = whole;
    else
        free(whole.data);
    return status;
}

/* Reads to the end. The memory doubles, from 64 KiB. */
static mb_status read_stream(int fd, const char *path, size_t limit, mb_bytes *bytes,
                             mb_error *error)
{
    size_t capacity = 0;
    for (;;) {
        if (bytes->size == capacity) {
            capacity = capacity == 0 ? 65536 : 2 * capacity;
            uint8_t *larger = realloc(bytes->data, capacity);
            if (larger == NULL)
                return mb_fail_memory(error, path, capacity);
            bytes->data = larger;
        }
        const ssize_t got = read(fd, bytes->data + bytes->size, capacity - bytes->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return mb_fail(error, MB_ERROR_IO, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            return MB_OK;
        bytes->size += (size_t)got;
        if (bytes->size > limit)
            return mb_fail(error, MB_ERROR_FORMAT, "%s: too large: the limit is %zu bytes", path,
                           limit);
    }
}

mb_status mb_file_read_stream(const char *path, size_t limit, mb_bytes *bytes, mb_error *error)
{
    struct stat info;
    const bool input = strcmp(path, "-") == 0;
    if (!input && (stat(path, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)))
        return mb_file_read(path, limit, bytes, error);
    const char *name = input ? "standard input" : path;
    mb_bytes whole = {0};
    int fd = STDIN_FILENO;
    while (!input && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (fd < 0)
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be opened: %s", name, strerror(errno));
    const mb_status status = read_stream(fd, name, limit, &whole, error);
    if (!input)
        close(fd);
    if (status == MB_OK)
        *bytes = whole;
    else
        free(whole.data);
    return status;
}

char *mb_path_join(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const char *separator = length > 0 && folder[length - 1] == '/' ? "" : "/";
    char *path = NULL;
    return asprintf(&path, "%s%s%s", folder, separator, name) < 0 ? NULL : path;
}

FILE *mb_file_open_in(const char *folder, const char *name)
{
    char *path = mb_path_join(folder, name);
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    free(path);
    return file;
}

char *mb_path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}
