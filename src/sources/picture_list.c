#include "sources/picture_list.h"

#include "core/file.h"
#include "core/util.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_ENTRIES = 1 << 22 };

/* ---- names ---- */

/* Compares the numbers that both names continue with, and skips them. */
static int compare_values(const char **a, const char **b)
{
    static const char digits[] = "0123456789";
    *a += strspn(*a, "0");
    *b += strspn(*b, "0");
    const size_t length = strspn(*a, digits), other = strspn(*b, digits);
    const int order = length != other ? (length > other) - (length < other) : memcmp(*a, *b, other);
    *a += length;
    *b += other;
    return order;
}

int mb_compare_names(const char *a, const char *b)
{
    const char *x = a, *y = b;
    while (*x != '\0' && *y != '\0') {
        if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
            const int order = compare_values(&x, &y);
            if (order != 0)
                return order;
        } else if (*x != *y) {
            break;
        } else {
            x++;
            y++;
        }
    }
    return *x != *y ? (int)(unsigned char)*x - (int)(unsigned char)*y : strcmp(a, b);
}

/* True for names that are no picture's and no class's. */
static bool is_ignored(const char *name)
{
    static const char *const names[] = {"Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir"};
    static const char *const suffixes[] = {".txt", ".csv", ".json", ".xml", ".md"};
    const char *suffix = strrchr(name, '.');
    bool is = name[0] == '.';
    for (size_t i = 0; i < MB_COUNT_OF(names) && !is; i++)
        is = strcasecmp(name, names[i]) == 0;
    for (size_t i = 0; i < MB_COUNT_OF(suffixes) && !is && suffix != NULL; i++)
        is = strcasecmp(suffix, suffixes[i]) == 0;
    return is;
}

/* ---- folders ---- */

static mb_status fail_unreadable(const char *path, mb_error *error)
{
    return mb_fail(error, errno == ENOMEM ? MB_ERROR_MEMORY : MB_ERROR_IO, "%s: cannot be read: %s",
                   path, strerror(errno));
}

/* Finds whether an entry is a folder, without its stat where the file system knows. A link to
 * nowhere is none. */
static mb_status find_kind(const struct dirent *found, mb_folder_entry *entry, mb_error *error)
{
    struct stat info;
    entry->is_folder = found->d_type == DT_DIR;
    if (found->d_type != DT_UNKNOWN && found->d_type != DT_LNK)
        return MB_OK;
    if (stat(entry->path, &info) == 0)
        entry->is_folder = S_ISDIR(info.st_mode);
    else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        return fail_unreadable(entry->path, error);
    return MB_OK;
}

mb_status mb_folder_each(const char *folder,
                         mb_status (*use)(const mb_folder_entry *entry, void *context,
                                          mb_error *error),
                         void *context, mb_error *error)
{
    mb_status status = MB_OK;
    DIR *open = opendir(folder);
    if (open == NULL)
        return fail_unreadable(folder, error);
    while (status == MB_OK) {
        errno = 0;
        const struct dirent *found = readdir(open);
        if (found == NULL && errno != 0)
            status = fail_unreadable(folder, error);
        if (found == NULL)
            break;
        if (is_ignored(found->d_name))
            continue;
        char *path = mb_path_join(folder, found->d_name);
        mb_folder_entry entry = {found->d_name, path, false};
        if (path == NULL)
            status = mb_fail_memory(error, folder, strlen(folder) + strlen(found->d_name) + 2);
        else
            status = find_kind(found, &entry, error);
        if (status == MB_OK)
            status = use(&entry, context, error);
        free(path);
    }
    closedir(open);
    return status;
}

/* ---- classes ---- */

/* Names to be added to. */
typedef struct adding {
    mb_class_folders *classes;
    const char *folder;
} adding;

static mb_status add_class(const mb_folder_entry *entry, void *context, mb_error *error)
{
    const adding *to = context;
    mb_class_folders *classes = to->classes;
    bool is_new = entry->is_folder;
    for (size_t i = 0; i < classes->count && is_new; i++)
        is_new = strcmp(classes->names[i], entry->name) != 0;
    if (!is_new)
        return MB_OK;
    if (classes->count == MB_MAX_CLASSES)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: more than %d folders: each is a class, and there must be 2 to %d",
                       to->folder, MB_MAX_CLASSES, MB_MAX_CLASSES);
    char *copy = strdup(entry->name);
    if (copy == NULL)
        return mb_fail_memory(error, to->folder, strlen(entry->name) + 1);
    classes->names[classes->count++] = copy;
    return MB_OK;
}

mb_status mb_class_folders_add(mb_class_folders *classes, const char *folder, mb_error *error)
{
    adding to = {classes, folder};
    return mb_folder_each(folder, add_class, &to, error);
}

static int by_number(const void *a, const void *b)
{
    return mb_compare_names(*(char *const *)a, *(char *const *)b);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void mb_class_folders_sort(mb_class_folders *classes)
{
    bool are_decimal = true;
    for (size_t i = 0; i < classes->count && are_decimal; i++)
        are_decimal = classes->names[i][strspn(classes->names[i], "0123456789")] == '\0';
    qsort(classes->names, classes->count, sizeof *classes->names,
          are_decimal ? by_number : by_bytes);
}

void mb_class_folders_free(mb_class_folders *classes)
{
    for (size_t i = 0; i < classes->count; i++)
        free(classes->names[i]);
    *classes = (mb_class_folders){0};
}

/* ---- pictures ---- */

/* A folder of pictures that is being listed, and those above it. */
typedef struct listing {
    mb_picture_list *list;
    const char *folder; /* of the classes */
    size_t class;
    const char *prefix; /* of the names: the folder's own in that of the class */
    const struct listing *above;
    dev_t device;
    ino_t inode;
} listing;

static mb_status add_file(const listing *to, char *name, mb_error *error)
{
    mb_picture_list *list = to->list;
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 1024 : 2 * list->capacity;
        mb_listed_picture *larger = reallocarray(list->pictures, capacity, sizeof *list->pictures);
        if (larger == NULL) {
            free(name);
            return mb_fail_memory(error, to->folder, capacity * sizeof *list->pictures);
        }
        list->pictures = larger;
        list->capacity = capacity;
    }
    list->pictures[list->count++] = (mb_listed_picture){to->folder, name, to->class};
    return MB_OK;
}

static mb_status list_folder(const char *path, listing *now, mb_error *error);

static mb_status list_entry(const mb_folder_entry *entry, void *context, mb_error *error)
{
    const listing *to = context;
    if (to->list->entries++ == MAX_ENTRIES)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: more than %d files and folders", to->folder,
                       MAX_ENTRIES);
    char *name = to->prefix != NULL ? mb_path_join(to->prefix, entry->name) : strdup(entry->name);
    if (name == NULL)
        return mb_fail_memory(error, entry->path, strlen(entry->path));
    if (!entry->is_folder)
        return add_file(to, name, error);
    listing inner = *to;
    inner.prefix = name;
    inner.above = to;
    const mb_status status = list_folder(entry->path, &inner, error);
    free(name);
    return status;
}

static mb_status list_folder(const char *path, listing *now, mb_error *error)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return fail_unreadable(path, error);
    now->device = info.st_dev;
    now->inode = info.st_ino;
    for (const listing *above = now->above; above != NULL; above = above->above)
        if (above->device == now->device && above->inode == now->inode)
            return mb_fail(error, MB_ERROR_IO, "%s: is a link to a folder above it", path);
    return mb_folder_each(path, list_entry, now, error);
}

static int by_name(const void *a, const void *b)
{
    const mb_listed_picture *one = a, *other = b;
    const int order = mb_compare_names(one->name, other->name);
    return order != 0 ? order : (one->class > other->class) - (one->class < other->class);
}

mb_status mb_picture_list_add(mb_picture_list *list, const char *folder,
                              const mb_class_folders *classes, mb_error *error)
{
    const size_t first = list->count;
    mb_status status = MB_OK;
    for (size_t c = 0; c < classes->count && status == MB_OK; c++) {
        struct stat info;
        listing class = {.list = list, .folder = folder, .class = c};
        char *path = mb_path_join(folder, classes->names[c]);
        if (path == NULL)
            status = mb_fail_memory(error, folder, strlen(folder) + strlen(classes->names[c]) + 2);
        else if (stat(path, &info) == 0 ? S_ISDIR(info.st_mode) : errno != ENOENT)
            status = list_folder(path, &class, error);
        free(path);
    }
    if (list->count > first)
        qsort(list->pictures + first, list->count - first, sizeof *list->pictures, by_name);
    return status;
}

char *mb_picture_path(const mb_listed_picture *picture, const mb_class_folders *classes)
{
    char *path = NULL;
    const int length =
        asprintf(&path, "%s/%s/%s", picture->folder, classes->names[picture->class], picture->name);
    return length >= 0 ? path : NULL;
}

void mb_picture_list_free(mb_picture_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->pictures[i].name);
    free(list->pictures);
    *list = (mb_picture_list){0};
}
