#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
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
            return mb_fail(error, MB_IO, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            return mb_fail(error, MB_IO, "%s: shrank to %zu bytes while it was read", path, done);
        done += (size_t)got;
    }
    return MB_OK;
}

mb_status mb_file_read(const char *path, size_t limit, mb_bytes *bytes, mb_error *error)
{
    mb_status status = MB_OK;
    mb_bytes whole = {0};
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe: no wait */
    if (fd < 0)
        return mb_fail(error, MB_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0) {
        status = mb_fail(error, MB_IO, "%s: cannot be read: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        status = mb_fail(error, MB_IO, "%s: is not a regular file", path);
        goto done;
    }
    if ((uintmax_t)info.st_size > limit) {
        status = mb_fail(error, MB_FORMAT, "%s: too large: %jd bytes, at most %zu are read", path,
                         (intmax_t)info.st_size, limit);
        goto done;
    }
    whole.size = (size_t)info.st_size;
    whole.data = malloc(whole.size + 1); /* never 0 bytes: NULL means out of memory */
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

static mb_status write_all(int fd, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        const ssize_t put = write(fd, next, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return MB_IO;
        next += put;
        size -= (size_t)put;
    }
    return fsync(fd) == 0 ? MB_OK : MB_IO;
}

/* The rename is on the disk only once the folder that holds the name is. */
static void flush_folder(const char *path)
{
    char *folder = strdup(path);
    if (folder == NULL)
        return;
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = '\0';
    const int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems cannot; the file itself is flushed already */
        close(fd);
    }
    free(folder);
}

mb_status mb_file_write(const char *path, const void *data, size_t size, mb_error *error)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return mb_fail_memory(error, path, strlen(path) + 8);
    mb_status status = MB_OK;
    const int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        status = mb_fail(error, MB_IO, "%s: cannot be written: %s", path, strerror(errno));
        goto done;
    }
    const mode_t mask = umask(0); /* mkostemp makes 0600; give what open() would have given */
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0 || write_all(fd, data, size) != MB_OK)
        status = mb_fail(error, MB_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (close(fd) != 0 && status == MB_OK)
        status = mb_fail(error, MB_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (status == MB_OK && rename(temporary, path) != 0)
        status = mb_fail(error, MB_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (status != MB_OK)
        unlink(temporary);
    else
        flush_folder(path);
done:
    free(temporary);
    return status;
}

char *mb_path_join(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const char *separator = length > 0 && folder[length - 1] == '/' ? "" : "/";
    char *path = NULL;
    return asprintf(&path, "%s%s%s", folder, separator, name) < 0 ? NULL : path;
}
