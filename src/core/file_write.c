#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static const char prefix[] = ".mnist_blas.", suffix[] = ".tmp";
static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
enum { RANDOM_LETTERS = 6, MAX_TRIES = 100 };

static mb_status fail(mb_error *error, const char *path, const char *why)
{
    return mb_fail(error, MB_ERROR_IO, "%s: cannot be written: %s", path, why);
}

/* A random name in the folder; NULL if memory is out. */
static char *random_name(const char *folder)
{
    uint8_t random[RANDOM_LETTERS] = {0};
    char text[RANDOM_LETTERS + 1] = {0}, *name = NULL;
    if (getrandom(random, sizeof random, 0) < 0)
        memset(random, 0, sizeof random); /* a fixed name may still be free */
    for (int i = 0; i < RANDOM_LETTERS; i++)
        text[i] = letters[random[i] % (sizeof letters - 1)];
    return asprintf(&name, "%s/%s%s%s", folder, prefix, text, suffix) < 0 ? NULL : name;
}

/* Locks a new file, so that mb_file_remove_stale leaves it alone; false if that was faster and has
 * removed it. On a file system without locks, nothing is removed. */
static bool lock_new_file(int fd)
{
    struct stat info;
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
        ;
    return fstat(fd, &info) != 0 || info.st_nlink > 0;
}

/* Creates and opens a temporary file; its name is on the heap. */
static mb_status open_temporary(const char *path, const char *folder, char **name, int *fd,
                                mb_error *error)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        char *tried = random_name(folder);
        if (tried == NULL)
            return mb_fail_memory(error, path, strlen(path));
        *fd = open(tried, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0 && lock_new_file(*fd)) {
            *name = tried;
            return MB_OK;
        }
        const int why = *fd >= 0 ? EEXIST : errno;
        if (*fd >= 0)
            close(*fd);
        free(tried);
        if (why != EEXIST && why != EINTR)
            return fail(error, path, strerror(why));
    }
    return fail(error, path, strerror(EEXIST));
}

static mb_status write_all(int fd, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        const ssize_t put = write(fd, next, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = ENOSPC;
        if (put <= 0)
            return MB_ERROR_IO;
        next += put;
        size -= (size_t)put;
    }
    return fsync(fd) == 0 ? MB_OK : MB_ERROR_IO;
}

/* Flushes the rename to disk. Some file systems cannot flush a folder, and a folder without read
 * permission cannot be opened; both are ignored. */
static mb_status flush_folder(const char *path, const char *folder, mb_error *error)
{
    mb_status status = MB_OK;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return MB_OK;
    if (fsync(fd) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
        status = mb_fail(error, MB_ERROR_IO, "%s: written, but its folder cannot be flushed: %s",
                         path, strerror(errno));
    close(fd);
    return status;
}

/* The file to replace, on the heap: the target of a link, or the path itself. */
static mb_status find_target(const char *path, char **target, mb_error *error)
{
    struct stat info;
    const bool there = stat(path, &info) == 0;
    if (there && !S_ISREG(info.st_mode))
        return fail(error, path,
                    S_ISDIR(info.st_mode) ? strerror(EISDIR) : "is not a regular file");
    const bool is_link = there && lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
    *target = is_link ? realpath(path, NULL) : strdup(path);
    if (*target == NULL)
        return errno == ENOMEM ? mb_fail_memory(error, path, strlen(path))
                               : fail(error, path, strerror(errno));
    return MB_OK;
}

mb_status mb_file_write(const char *path, const void *data, size_t size, mb_error *error)
{
    char *target = NULL, *folder = NULL, *temporary = NULL;
    int fd = -1;
    mb_status status = find_target(path, &target, error);
    if (status != MB_OK)
        goto done;
    folder = mb_path_dirname(target);
    if (folder == NULL) {
        status = mb_fail_memory(error, path, strlen(path));
        goto done;
    }
    status = open_temporary(path, folder, &temporary, &fd, error);
    if (status != MB_OK)
        goto done;
    /* The lock lasts until the rename; errors that close could report, fsync has reported. */
    if (write_all(fd, data, size) != MB_OK || rename(temporary, target) != 0) {
        status = fail(error, path, strerror(errno));
        unlink(temporary);
    }
    close(fd);
    if (status == MB_OK)
        status = flush_folder(path, folder, error);
done:
    free(temporary);
    free(folder);
    free(target);
    return status;
}

mb_status mb_file_write_in(const char *folder, const char *name, const mb_bytes *bytes,
                           mb_error *error)
{
    char *path = mb_path_join(folder, name);
    const mb_status status = path != NULL ? mb_file_write(path, bytes->data, bytes->size, error)
                                          : mb_fail_memory(error, name, strlen(folder));
    free(path);
    return status;
}

static bool is_temporary(const char *name)
{
    const size_t begin = sizeof prefix - 1, end = sizeof suffix - 1;
    return strlen(name) == begin + RANDOM_LETTERS + end && strncmp(name, prefix, begin) == 0 &&
           strspn(name + begin, letters) == RANDOM_LETTERS &&
           strcmp(name + begin + RANDOM_LETTERS, suffix) == 0;
}

void mb_file_remove_stale(const char *folder)
{
    DIR *opened = opendir(folder);
    if (opened == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(opened)) != NULL;) {
        if (!is_temporary(entry->d_name))
            continue;
        struct stat info;
        const int fd =
            openat(dirfd(opened), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(opened), entry->d_name, 0);
        close(fd);
    }
    closedir(opened);
}
