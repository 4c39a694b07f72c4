/* Pictures in folders: PATH/train/CLASS and PATH/test/CLASS, or PATH/CLASS. */
#include "core/file.h"
#include "core/file_format.h"
#include "core/status.h"
#include "core/util.h"
#include "sources/picture_loader.h"
#include "sources/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRAIN, TEST, VALIDATION, PARTS };

static const char *const part_names[PARTS][4] = {
    {"train", "training"}, {"test", "testing"}, {"val", "valid", "validation"}};

/* Where the class folders are. {0}: nowhere. */
typedef struct layout {
    char *parts[PARTS]; /* owned; NULL: there is no such folder */
    bool whole;         /* the images of TRAIN are to be split */
} layout;

typedef struct picture_folder {
    const mb_data_options *options;
    char *root; /* owned */
    layout layout;
    mb_class_folders classes;
    mb_picture_list lists[2]; /* of the training and the test split */
    mb_loaded_pictures loaded[2];
    int64_t *labels[2];
} picture_folder;

/* ---- the layout ---- */

/* Counts the folders in a folder, and has the path of one. */
typedef struct inner_folders {
    size_t count;
    char *path; /* owned */
} inner_folders;

static mb_status count_folder(const mb_folder_entry *entry, void *context, mb_error *error)
{
    inner_folders *found = context;
    if (!entry->is_folder || found->count++ > 0)
        return MB_OK;
    found->path = strdup(entry->path);
    return found->path != NULL ? MB_OK : mb_fail_memory(error, entry->path, strlen(entry->path));
}

/* The number of folders in `path`; *first, one of them, is the caller's, if it is not NULL. */
static mb_status count_folders(const char *path, size_t *count, char **first, mb_error *error)
{
    inner_folders found = {0};
    const mb_status status = mb_folder_each(path, count_folder, &found, error);
    *count = found.count;
    if (first != NULL)
        *first = found.path;
    else
        free(found.path);
    return status;
}

/* The part with this name; PARTS: none. */
static size_t part_of(const char *name)
{
    for (size_t part = 0; part < PARTS; part++)
        for (size_t i = 0; part_names[part][i] != NULL; i++)
            if (strcasecmp(name, part_names[part][i]) == 0)
                return part;
    return PARTS;
}

/* A folder with the name of a part is one if it has folders; else it is a class. */
static mb_status find_part(const mb_folder_entry *entry, void *context, mb_error *error)
{
    layout *found = context;
    const size_t part = part_of(entry->name);
    size_t folders = 0;
    if (part == PARTS || !entry->is_folder)
        return MB_OK;
    const mb_status status = count_folders(entry->path, &folders, NULL, error);
    if (status != MB_OK || folders == 0)
        return status;
    if (found->parts[part] != NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: is the same part as %s: remove one",
                       entry->path, found->parts[part]);
    found->parts[part] = strdup(entry->path);
    return found->parts[part] != NULL ? MB_OK
                                      : mb_fail_memory(error, entry->path, strlen(entry->path));
}

static void free_layout(layout *of)
{
    for (size_t i = 0; i < PARTS; i++)
        free(of->parts[i]);
    *of = (layout){0};
}

/* A validation part is the test split where there is no other; without either, the training part
 * is split. */
static mb_status find_layout(const char *root, layout *found, mb_error *error)
{
    char **parts = found->parts;
    const mb_status status = mb_folder_each(root, find_part, found, error);
    if (status != MB_OK)
        return status;
    if (parts[TRAIN] == NULL && parts[TEST] == NULL) {
        free_layout(found);
        parts[TRAIN] = strdup(root);
        found->whole = true;
        return parts[TRAIN] != NULL ? MB_OK : mb_fail_memory(error, root, strlen(root) + 1);
    }
    if (parts[TEST] == NULL) {
        parts[TEST] = parts[VALIDATION];
        parts[VALIDATION] = NULL;
    }
    found->whole = parts[TEST] == NULL;
    return MB_OK;
}

/* True if the whole folder is one part. */
static bool is_one_part(const layout *of, const char *root)
{
    return of->whole && strcmp(of->parts[TRAIN], root) == 0;
}

/* *root is the folder with the data: `path`, or the only one in it, as archives have it. */
static mb_status find_root(const char *path, char **root, layout *found, mb_error *error)
{
    enum { MAX_DEPTH = 2 };
    mb_status status = MB_OK;
    *root = strdup(path);
    if (*root == NULL)
        return mb_fail_memory(error, path, strlen(path) + 1);
    for (size_t length = strlen(*root); length > 1 && (*root)[length - 1] == '/';)
        (*root)[--length] = '\0';
    status = find_layout(*root, found, error);
    for (size_t depth = 0; status == MB_OK && depth < MAX_DEPTH; depth++) {
        char *only = NULL;
        size_t folders = 0, inner = 0;
        if (is_one_part(found, *root))
            status = count_folders(*root, &folders, &only, error);
        if (status == MB_OK && folders == 1)
            status = count_folders(only, &inner, NULL, error);
        if (status != MB_OK || inner == 0) {
            free(only);
            break;
        }
        free(*root);
        *root = only;
        free_layout(found);
        status = find_layout(*root, found, error);
    }
    return status;
}

/* ---- probing ---- */

static bool is_picture(const char *path)
{
    uint8_t start[MB_FILE_FORMAT_BYTES];
    struct stat info;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ssize_t size = file >= 0 && fstat(file, &info) == 0 && S_ISREG(info.st_mode)
                             ? read(file, start, sizeof start)
                             : -1;
    if (file >= 0)
        close(file);
    const char *format = size > 0 ? mb_file_format(&(mb_bytes){start, (size_t)size}) : NULL;
    const char *word = format != NULL ? strstr(format, " picture") : NULL;
    return word != NULL && word[strlen(" picture")] == '\0';
}

/* Looks for a picture, in class folders and those in them, among at most `left` entries. */
typedef struct search {
    size_t depth, left;
    bool found;
} search;

static mb_status look_at(const mb_folder_entry *entry, void *context, mb_error *error)
{
    enum { MAX_DEPTH = 5 };
    search *all = context;
    if (all->found || all->left == 0)
        return MB_ERROR_UNAVAILABLE; /* enough */
    all->left--;
    (void)error;
    if (!entry->is_folder) {
        all->found = all->depth > 0 && is_picture(entry->path);
    } else if (all->depth < MAX_DEPTH) {
        all->depth++;
        mb_folder_each(entry->path, look_at, all, NULL);
        all->depth--;
    }
    return MB_OK;
}

static mb_status probe(const char *path, bool *found, mb_error *error)
{
    search all = {.left = 2000};
    (void)error;
    mb_folder_each(path, look_at, &all, NULL);
    *found = all.found;
    return MB_OK;
}

/* ---- reading ---- */

static void close_folder(void *state)
{
    picture_folder *folder = state;
    for (size_t i = 0; i < 2; i++) {
        mb_picture_list_free(&folder->lists[i]);
        mb_loaded_pictures_free(&folder->loaded[i]);
        free(folder->labels[i]);
    }
    mb_class_folders_free(&folder->classes);
    free_layout(&folder->layout);
    free(folder->root);
    free(folder);
}

static mb_status open_folder(const char *path, const mb_data_options *options, void **state,
                             mb_error *error)
{
    mb_status status = mb_data_path_check(NULL, path, true, error);
    if (status != MB_OK)
        return status;
    picture_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return mb_fail_memory(error, path, sizeof *folder);
    folder->options = options;
    status = find_root(path, &folder->root, &folder->layout, error);
    for (size_t i = 0; i < PARTS && status == MB_OK; i++)
        if (folder->layout.parts[i] != NULL)
            status = mb_class_folders_add(&folder->classes, folder->layout.parts[i], error);
    if (status != MB_OK) {
        close_folder(folder);
        return status;
    }
    mb_class_folders_sort(&folder->classes);
    *state = folder;
    return MB_OK;
}

/* Lists the pictures of a split; those of the validation part come last. */
static mb_status list_pictures(picture_folder *folder, size_t which, size_t *validation,
                               mb_error *error)
{
    mb_picture_list *list = &folder->lists[which];
    const char *validation_folder = which == TRAIN ? folder->layout.parts[VALIDATION] : NULL;
    mb_status status =
        mb_picture_list_add(list, folder->layout.parts[which], &folder->classes, error);
    const size_t before = list->count;
    if (status == MB_OK && validation_folder != NULL)
        status = mb_picture_list_add(list, validation_folder, &folder->classes, error);
    *validation = list->count - before;
    return status;
}

/* The labels of the pictures that were loaded; takes those that were not from *validation. */
static mb_status label_pictures(picture_folder *folder, size_t which, size_t *validation,
                                mb_error *error)
{
    const mb_picture_list *list = &folder->lists[which];
    const mb_loaded_pictures *loaded = &folder->loaded[which];
    const size_t first = list->count - *validation;
    int64_t *labels = malloc(loaded->images.count * sizeof *labels);
    size_t count = 0;
    if (labels == NULL)
        return mb_fail_memory(error, folder->root, loaded->images.count * sizeof *labels);
    for (size_t i = 0; i < list->count; i++)
        if (!loaded->skipped[i])
            labels[count++] = (int64_t)list->pictures[i].class;
        else
            *validation -= i >= first;
    folder->labels[which] = labels;
    return MB_OK;
}

static mb_status read_split(void *state, unsigned split, mb_data_part *part, mb_error *error)
{
    picture_folder *folder = state;
    const size_t which = split == MB_SPLIT_TRAIN ? TRAIN : TEST;
    const char *path = folder->layout.parts[which];
    size_t validation = 0;
    if (path == NULL && folder->layout.whole)
        return MB_OK;
    if (path == NULL)
        return mb_fail(error, MB_ERROR_IO, "%s: missing the folder %s", folder->root,
                       part_names[which][0]);
    mb_loaded_pictures *loaded = &folder->loaded[which];
    mb_status status = list_pictures(folder, which, &validation, error);
    if (status == MB_OK)
        status = mb_pictures_load(path, &folder->lists[which], &folder->classes, folder->options,
                                  loaded, error);
    if (status == MB_OK)
        status = label_pictures(folder, which, &validation, error);
    mb_picture_list_free(&folder->lists[which]);
    if (status == MB_OK)
        *part = (mb_data_part){.images = loaded->images,
                               .labels = folder->labels[which],
                               .whole = folder->layout.whole,
                               .validation = validation,
                               .warning = loaded->warning,
                               .images_path = path,
                               .labels_path = path};
    return status;
}

static const char *const *class_names(const void *state, size_t *count)
{
    const picture_folder *folder = state;
    *count = folder->classes.count;
    return (const char *const *)folder->classes.names;
}

const mb_data_format mb_data_format_folder = {.probe = probe,
                                              .open = open_folder,
                                              .read = read_split,
                                              .class_names = class_names,
                                              .close = close_folder};
