#include "sources/source.h"

#include "core/status.h"
#include "core/util.h"

#include <mnist_blas/options.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MB_DATA_FORMAT(name, content) &mb_data_format_##name,
const mb_data_format *const mb_data_formats[] = {
#include "sources/formats.inc"
    NULL};
#undef MB_DATA_FORMAT

#define MB_DATA_FORMAT(name, content) {#name, content},
static const mb_enum_value names[] = {
    {"auto", "the first that finds data"},
#include "sources/formats.inc"
};
#undef MB_DATA_FORMAT
const mb_enum mb_data_format_names = {names, MB_COUNT_OF(names)};

const char *mb_data_format_name(const mb_data_format *format)
{
    unsigned number = 0;
    while (mb_data_formats[number] != format)
        number++;
    return names[1 + number].name;
}

mb_status mb_data_probe(const char *path, const mb_data_format **format, mb_error *error)
{
    struct stat info;
    const bool is_there = stat(path, &info) == 0;
    *format = NULL;
    if (!is_there && errno == EACCES)
        return MB_OK;
    if (!is_there && errno != ENOENT && errno != ENOTDIR)
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    for (size_t i = 0; mb_data_formats[i] != NULL; i++) {
        if (!is_there && !mb_data_formats[i]->takes_prefix)
            continue;
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

mb_status mb_data_path_check(const char *origin, const char *path, bool folder, mb_error *error)
{
    struct stat info;
    const char *shown = *path != '\0' ? path : "''";
    const char *separator = origin != NULL ? ": " : "";
    origin = origin != NULL ? origin : "";
    if (stat(path, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return mb_fail(error, MB_ERROR_IO, "%s%s%s: no such folder%s", origin, separator, shown,
                           folder ? "" : " or file");
        return mb_fail(error, MB_ERROR_IO, "%s%s%s: cannot be opened: %s", origin, separator, shown,
                       strerror(errno));
    }
    if (folder && !S_ISDIR(info.st_mode))
        return mb_fail(error, MB_ERROR_IO, "%s%s%s: is not a folder", origin, separator, shown);
    return MB_OK;
}
