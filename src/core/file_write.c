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

/* Locks a new file, so that mb_file_remove_stale leaves it alone, without waiting: a lock that
 * another process holds on a new file is that of mb_file_remove_stale, which removes it. On a file
 * system without locks, nothing is removed. */
static bool lock_new_file(int fd)
{
    struct stat info;
    const bool held = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    return !held && (fstat(fd, &info) != 0 || info.st_nlink > 0);
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
        /* Held by another process twice: locks do not work here. */
        if (*fd >= 0 && (lock_new_file(*fd) || i > 0)) {
            *name = tried;
            return MB_OK;
        }
        const int why = *fd >= 0 ? EEXIST : errno;
        if (*fd >= 0) {
            close(*fd);
            unlink(tried);
        }
        free(tried);
        if (why != EEXIST && why != EINTR)
            return fail(error, path, strerror(why));
    }
    return fail(error, path, strerror(EEXIST));
}

/* Flushes a file to disk. Where that is not supported, closing a copy of the descriptor reports
 * what is still to be written, as on a network file system. */
static mb_status flush(int fd)
{
    int failed;
    while ((failed = fsync(fd)) != 0 && errno == EINTR)
        ;
    if (failed == 0)
        return MB_OK;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return MB_ERROR_IO;
    const int copy = dup(fd);
    return copy < 0 || close(copy) == 0 || errno == EINTR ? MB_OK : MB_ERROR_IO;
}

static mb_status write_all(int fd, const mb_bytes *bytes)
{
    const uint8_t *next = bytes->data;
    size_t left = bytes->size;
    while (left > 0) {
        const ssize_t put = write(fd, next, left);
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = ENOSPC;
        if (put <= 0)
            return MB_ERROR_IO;
        next += put;
        left -= (size_t)put;
    }
    return flush(fd);
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

/* A file to replace: the target of a link, or the path itself. */
typedef struct target {
    const char *said; /* in messages */
    char *path;
    bool exists;
    struct stat info; /* if it exists */
} target;

static mb_status find_target(const char *path, target *found, mb_error *error)
{
    struct stat *info = &found->info, link;
    *found = (target){.said = path};
    found->exists = stat(path, info) == 0;
    if (!found->exists && errno != ENOENT)
        return fail(error, path, strerror(errno));
    if (found->exists && !S_ISREG(info->st_mode))
        return fail(error, path,
                    S_ISDIR(info->st_mode) ? strerror(EISDIR) : "is not a regular file");
    const bool is_link = found->exists && (lstat(path, &link) != 0 || S_ISLNK(link.st_mode));
    found->path = is_link ? realpath(path, NULL) : strdup(path);
    if (found->path == NULL)
        return errno == ENOMEM ? mb_fail_memory(error, path, strlen(path))
                               : fail(error, path, strerror(errno));
    return MB_OK;
}

/* The new file takes the mode of the old one, unless it has another owner. */
static void keep_mode(int fd, const target *old)
{
    if (old->exists && fchown(fd, old->info.st_uid, old->info.st_gid) == 0)
        fchmod(fd, old->info.st_mode & 07777);
}

static bool is_refusal(int why)
{
    return why == EBUSY || why == ETXTBSY || why == EACCES || why == EPERM || why == EXDEV;
}

/* Creates FILE.new, or FILE.new2, ... if that exists; on the heap. NULL: none can be created. */
static char *create_beside(const char *path)
{
    for (int number = 1; number <= MAX_TRIES; number++) {
        char *name = NULL, digits[16] = "";
        if (number > 1)
            snprintf(digits, sizeof digits, "%d", number);
        if (asprintf(&name, "%s.new%s", path, digits) < 0)
            return NULL;
        const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        const int why = errno;
        if (fd >= 0) {
            close(fd);
            return name;
        }
        free(name);
        if (why != EEXIST)
            return NULL;
    }
    return NULL;
}

/* Where a file cannot be replaced, as one that is a mount point, it is overwritten. Until that is
 * done the new content is complete in a second file, which stays after a failure. */
static mb_status overwrite(const target *file, const char *temporary, const mb_bytes *bytes,
                           mb_error *error)
{
    char *other = create_beside(file->path);
    const char *complete = other != NULL && rename(temporary, other) == 0 ? other : temporary;
    const int fd = open(file->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    mb_status status = MB_OK;
    if (fd < 0 || ftruncate(fd, (off_t)bytes->size) != 0 || write_all(fd, bytes) != MB_OK)
        status = mb_fail(error, MB_ERROR_IO, "%s: cannot be written: %s; its new content is in %s",
                         file->said, strerror(errno), complete);
    else
        unlink(complete);
    if (fd >= 0)
        close(fd);
    free(other);
    return status;
}

/* Gives the temporary file, which it closes, its name. The lock lasts until the rename; some file
 * systems rename only files that are closed. */
static mb_status put_in_place(const target *file, const char *temporary, int fd,
                              const mb_bytes *bytes, mb_error *error)
{
    int why = rename(temporary, file->path) == 0 ? 0 : errno;
    close(fd); /* errors that it could report, flush has reported */
    if (is_refusal(why))
        why = rename(temporary, file->path) == 0 ? 0 : errno;
    if (is_refusal(why))
        return overwrite(file, temporary, bytes, error);
    if (why == 0)
        return MB_OK;
    unlink(temporary);
    return fail(error, file->said, strerror(why));
}

mb_status mb_file_replace(const char *path, const mb_bytes *bytes, void (*before)(void *context),
                          void *context, mb_error *error)
{
    target file;
    char *folder = NULL, *temporary = NULL;
    int fd = -1;
    mb_status status = find_target(path, &file, error);
    if (status != MB_OK)
        goto done;
    folder = mb_path_dirname(file.path);
    if (folder == NULL) {
        status = mb_fail_memory(error, path, strlen(path));
        goto done;
    }
    status = open_temporary(path, folder, &temporary, &fd, error);
    if (status != MB_OK)
        goto done;
    keep_mode(fd, &file);
    if (write_all(fd, bytes) == MB_OK) {
        if (before != NULL)
            before(context);
        status = put_in_place(&file, temporary, fd, bytes, error);
    } else {
        status = fail(error, path, strerror(errno));
        close(fd);
        unlink(temporary);
    }
    if (status == MB_OK)
        status = flush_folder(path, folder, error);
done:
    free(temporary);
    free(folder);
    free(file.path);
    return status;
}

mb_status mb_file_write(const char *path, const void *data, size_t size, mb_error *error)
{
    const mb_bytes bytes = {(uint8_t *)(uintptr_t)data, size}; /* only read */
    return mb_file_replace(path, &bytes, NULL, NULL, error);
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

mb_status mb_file_write_named(const char *path, const void *data, size_t size, mb_error *error)
{
    char *folder = mb_path_dirname(path);
    if (folder == NULL)
        return mb_fail_memory(error, path, strlen(path));
    mb_file_remove_stale(folder);
    free(folder);
    return mb_file_write(path, data, size, error);
}
