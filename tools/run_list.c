#include "run_list.h"

#include "run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char summary[] = "summary.json";

/* True if FOLDER/NAME/summary.json exists; `name` may be empty. */
static bool has_summary(const char *folder, const char *name)
{
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof path, "%s/%s/%s", folder, name, summary);
    return length < PATH_MAX && access(path, F_OK) == 0;
}

/* Takes over the folder, which may be NULL, and the run. */
static mb_status append(mb_run_list *list, char *folder, mb_stored_run *stored, mb_error *error)
{
    mb_listed_run *runs = realloc(list->runs, (list->count + 1) * sizeof *runs);
    if (runs != NULL)
        list->runs = runs;
    if (runs == NULL || folder == NULL) {
        free(folder);
        mb_stored_run_close(stored);
        return mb_fail_memory(error, summary, sizeof *runs);
    }
    runs[list->count++] = (mb_listed_run){folder, NULL, stored};
    return MB_OK;
}

/* The listed run of this folder; NULL: none. */
static const mb_listed_run *find(const mb_run_list *list, const char *folder)
{
    for (size_t i = 0; i < list->count; i++)
        if (mb_is_same_file(list->runs[i].folder, folder))
            return &list->runs[i];
    return NULL;
}

static mb_status add_run(mb_run_list *list, const char *folder, mb_error *error)
{
    mb_stored_run *stored = NULL;
    const mb_listed_run *same = find(list, folder);
    if (same != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "%s: is named twice, also as %s", folder,
                       same->folder);
    const mb_status status = mb_stored_run_read(folder, &stored, error);
    return status == MB_OK ? append(list, strdup(folder), stored, error) : status;
}

static mb_status add_found_run(mb_run_list *list, const char *parent, const char *name,
                               mb_error *error)
{
    mb_error why;
    char *folder = mb_join(parent, name);
    mb_status status = MB_OK;
    if (folder == NULL)
        status = mb_fail_memory(&why, parent, strlen(name));
    else if (find(list, folder) == NULL) /* a link to a run is not another one */
        status = add_run(list, folder, &why);
    free(folder);
    if (status == MB_ERROR_IO || status == MB_ERROR_FORMAT) {
        fprintf(stderr, "mnist_blas: warning: %s; the run is left out\n", why.text);
        status = MB_OK;
    }
    if (status != MB_OK && error != NULL)
        *error = why;
    return status;
}

/* Adds the runs in the folders of `parent`. */
static mb_status add_runs(mb_run_list *list, const char *parent, mb_error *error)
{
    struct dirent **entries = NULL;
    size_t found = 0;
    mb_status status = MB_OK;
    const int count = scandir(parent, &entries, NULL, alphasort);
    if (count < 0)
        return mb_fail(error, errno == ENOMEM ? MB_ERROR_MEMORY : MB_ERROR_IO,
                       "%s: cannot be opened: %s", parent, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (status == MB_OK && name[0] != '.' && has_summary(parent, name)) {
            status = add_found_run(list, parent, name, error);
            found++;
        }
        free(entries[i]);
    }
    free(entries);
    if (status == MB_OK && found == 0)
        return mb_fail(error, MB_ERROR_IO, "%s: has no run: neither it nor a folder in it has a %s",
                       parent, summary);
    return status;
}

/* The last part of a path, printable, on the heap; NULL if memory is out. */
static char *last_part(const char *path)
{
    char shown[PATH_MAX];
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    char *part = strndup(path + start, end - start);
    if (part == NULL)
        return NULL;
    mb_printable(part, shown, sizeof shown);
    free(part);
    return strdup(shown);
}

static bool is_shared(const mb_run_list *list, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += strcmp(list->runs[i].name, name) == 0;
    return count > 1;
}

static mb_status set_names(mb_run_list *list, mb_error *error)
{
    bool shared = false;
    for (size_t i = 0; i < list->count; i++)
        if ((list->runs[i].name = last_part(list->runs[i].folder)) == NULL)
            return mb_fail_memory(error, summary, strlen(list->runs[i].folder));
    for (size_t i = 0; i < list->count; i++)
        shared |= is_shared(list, list->runs[i].name);
    for (size_t i = 0; i < list->count && shared; i++) {
        char shown[PATH_MAX];
        mb_printable(list->runs[i].folder, shown, sizeof shown);
        free(list->runs[i].name);
        if ((list->runs[i].name = strdup(shown)) == NULL)
            return mb_fail_memory(error, summary, strlen(shown));
    }
    return MB_OK;
}

mb_status mb_run_list_read(char *const *paths, mb_run_list *list, mb_error *error)
{
    mb_status status = MB_OK;
    *list = (mb_run_list){0};
    for (; *paths != NULL && status == MB_OK; paths++)
        status =
            has_summary(*paths, "") ? add_run(list, *paths, error) : add_runs(list, *paths, error);
    return status == MB_OK ? set_names(list, error) : status;
}

void mb_run_list_free(mb_run_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->runs[i].folder);
        free(list->runs[i].name);
        mb_stored_run_close(list->runs[i].stored);
    }
    free(list->runs);
    *list = (mb_run_list){0};
}
