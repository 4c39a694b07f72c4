#include "run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <mnist_blas/folder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *mb_join(const char *folder, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) >= 0 ? path : NULL;
}

char *mb_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

bool mb_is_same_file(const char *one, const char *other)
{
    struct stat a, b;
    return strcmp(one, other) == 0 || (stat(one, &a) == 0 && stat(other, &b) == 0 &&
                                       a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

mb_status mb_check_not_input(const char *name, const char *path, const char *what,
                             const char *input, mb_error *error)
{
    return path != NULL && input != NULL && mb_is_same_file(path, input)
               ? mb_fail(error, MB_ERROR_INVALID, "--%s: must not be %s, got %s", name, what, path)
               : MB_OK;
}

mb_status mb_set_checkpoint_aside(const char *path, bool *renamed, mb_error *error)
{
    struct stat info;
    char *old = NULL;
    *renamed = false;
    if (lstat(path, &info) == 0 ? !S_ISREG(info.st_mode) : errno == ENOENT)
        return MB_OK;
    if (asprintf(&old, "%s.old", path) < 0)
        return mb_fail_memory(error, path, strlen(path));
    mb_status status = MB_OK;
    *renamed = rename(path, old) == 0;
    if (!*renamed)
        status = mb_fail(error, MB_ERROR_IO, "%s: of another run, cannot be renamed: %s", path,
                         strerror(errno));
    free(old);
    return status;
}

static mb_status has_event_files(const char *folder, bool *found, mb_error *error)
{
    DIR *opened = opendir(folder);
    *found = false;
    if (opened == NULL && (errno == ENOENT || errno == ENOTDIR))
        return MB_OK;
    if (opened == NULL)
        return mb_fail(error, errno == ENOMEM ? MB_ERROR_MEMORY : MB_ERROR_IO,
                       "%s: cannot be opened: %s", folder, strerror(errno));
    for (struct dirent *entry; !*found && (entry = readdir(opened)) != NULL;)
        *found = strstr(entry->d_name, "tfevents") != NULL;
    closedir(opened);
    return MB_OK;
}

mb_status mb_run_folder_open(const char *folder, int *lock, mb_error *error)
{
    mb_error why;
    const mb_status status = mb_folder_prepare(folder, error);
    if (status == MB_OK && mb_folder_lock(folder, lock, &why) != MB_OK)
        return mb_fail(error, why.status, "%s; --out DIR chooses another one", why.text);
    return status;
}

mb_status mb_run_board_open(const char *given, bool resumed, char **folder, mb_tensorboard **board,
                            mb_error *error)
{
    bool used = false;
    mb_status status = MB_OK;
    *folder = strdup(given);
    for (unsigned run = 2; !resumed && *folder != NULL; run++) {
        status = has_event_files(*folder, &used, error);
        if (status != MB_OK || !used)
            break;
        free(*folder);
        if (asprintf(folder, "%s/run-%u", given, run) < 0)
            *folder = NULL;
    }
    if (*folder == NULL)
        return mb_fail_memory(error, given, strlen(given));
    if (status == MB_OK)
        status = mb_folder_prepare(*folder, error);
    return status == MB_OK ? mb_tensorboard_open(*folder, board, error) : status;
}

char *mb_path_from(const char *start, const char *path)
{
    if (*path != '/' && start != NULL && !mb_is_same_file(start, ".")) {
        char *joined = mb_join(start, path);
        if (joined == NULL || access(joined, F_OK) == 0)
            return joined;
        free(joined);
    }
    return strdup(path);
}
