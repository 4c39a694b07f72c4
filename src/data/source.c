#include "data/source.h"

#include "core/status.h"
#include "data/idx_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

const mb_data_format *const mb_data_formats[] = {&mb_idx_folder_format, NULL};

mb_status mb_data_probe(const char *path, const mb_data_format **format, mb_error *error)
{
    struct stat info;
    *format = NULL;
    if (stat(path, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
            return MB_OK;
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    for (size_t i = 0; mb_data_formats[i] != NULL; i++) {
        bool found = false;
        const mb_status status = mb_data_formats[i]->probe(path, &found, error);
        if (status != MB_OK)
            return status;
        if (found) {
            *format = mb_data_formats[i];
            break;
        }
    }
    return MB_OK;
}

mb_status mb_data_folder_check(const char *origin, const char *path, mb_error *error)
{
    struct stat info;
    const char *shown = *path != '\0' ? path : "''";
    const char *separator = origin != NULL ? ": " : "";
    origin = origin != NULL ? origin : "";
    if (stat(path, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return mb_fail(error, MB_ERROR_IO, "%s%s%s: no such folder", origin, separator, shown);
        return mb_fail(error, MB_ERROR_IO, "%s%s%s: cannot be opened: %s", origin, separator, shown,
                       strerror(errno));
    }
    if (!S_ISDIR(info.st_mode))
        return mb_fail(error, MB_ERROR_IO, "%s%s%s: is not a folder", origin, separator, shown);
    return MB_OK;
}
