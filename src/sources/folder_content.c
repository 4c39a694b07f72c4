#include "sources/folder_content.h"

#include "core/file_format.h"
#include "core/parse.h"
#include "sources/source.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SHOWN = 3 };

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* NULL: cannot be read, or unknown. */
static const char *format_of(const char *path)
{
    uint8_t start[MB_FILE_FORMAT_BYTES];
    const size_t size = mb_file_start(path, start);
    return size > 0 ? mb_file_format(&(mb_bytes){start, size}) : NULL;
}

static void append_entry(const char *folder, const char *name, char *text, size_t size)
{
    const mb_data_format *data = NULL;
    char entry[512];
    struct stat info;
    char *path = mb_path_join(folder, name);
    if (path == NULL || stat(path, &info) != 0) {
        free(path);
        return;
    }
    if (S_ISDIR(info.st_mode) && mb_data_probe(path, &data, NULL) == MB_OK && data != NULL) {
        snprintf(entry, sizeof entry, "%s, a folder with data", path);
    } else {
        const char *format = S_ISREG(info.st_mode) ? format_of(path) : NULL;
        format = S_ISDIR(info.st_mode) ? "a folder" : format;
        snprintf(entry, sizeof entry, "%s%s%s", name, format != NULL ? ", " : "",
                 format != NULL ? format : "");
    }
    free(path);
    mb_append(text, size, "; ", entry);
}

char *mb_folder_content(const char *folder, char *text, size_t size)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_visible, alphasort);
    *text = '\0';
    for (int i = 0; i < count; i++) {
        if (i < SHOWN)
            append_entry(folder, entries[i]->d_name, text, size);
        free(entries[i]);
    }
    if (count > SHOWN)
        mb_append(text, size, "; ", "...");
    free(entries);
    return text;
}
