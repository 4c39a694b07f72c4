#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <mnist_blas/folder.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Creates the parent folders of `path`, which is restored; the caller detects failures. */
static void create_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
}

mb_status mb_folder_prepare(const char *folder, mb_error *error)
{
    if (*folder == '\0')
        return mb_fail(error, MB_ERROR_INVALID, "folder: must have a name");
    char *path = strdup(folder);
    if (path == NULL)
        return mb_fail_memory(error, folder, strlen(folder));
    mb_status status = MB_OK;
    struct stat info;
    create_parents(path);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        status = mb_fail(error, MB_ERROR_IO, "%s: cannot be created: %s", folder, strerror(errno));
    if (status == MB_OK && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)))
        status = mb_fail(error, MB_ERROR_IO, "%s: is not a folder", folder);
    if (status == MB_OK && access(path, W_OK | X_OK) != 0)
        status = mb_fail(error, MB_ERROR_IO, "%s: cannot be written: %s", folder, strerror(errno));
    if (status == MB_OK)
        mb_file_remove_stale(path);
    free(path);
    return status;
}

/* True if a file that no other process can have open can be locked in this folder. */
static bool locks_work(const char *folder)
{
    const int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return true;
    const bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return locked;
}

mb_status mb_folder_lock(const char *folder, int *lock, mb_error *error)
{
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK ||
        !locks_work(folder))
        return MB_OK;
    mb_folder_unlock(*lock);
    *lock = -1;
    return mb_fail(error, MB_ERROR_IO, "%s: another run is writing into this folder", folder);
}

void mb_folder_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
