#include "core/file.h"

#include <errno.h>
#include <mnist_blas/folder.h>
#include <stdlib.h>
#include <string.h>
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
