#include "sources/idx_folder.h"

#include "core/file.h"
#include "core/status.h"
#include "core/util.h"
#include "data/idx.h"
#include "sources/folder_content.h"
#include "sources/source.h"

#include <stdlib.h>
#include <string.h>

const char *const mb_idx_folder_files[MB_IDX_FOLDER_FILES] = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte"};

typedef struct idx_folder {
    const char *path;
    mb_idx files[MB_IDX_FOLDER_FILES];        /* those not read are empty */
    int64_t *labels[MB_IDX_FOLDER_FILES / 2]; /* of each split */
} idx_folder;

/* Finds FOLDER/NAME, plain or with .gz: *path is the caller's, NULL if there is neither. */
static mb_status find_file(const char *folder, const char *name, char **path, mb_error *error)
{
    char *plain = mb_path_join(folder, name);
    if (plain == NULL)
        return mb_fail_memory(error, folder, strlen(folder) + strlen(name) + 2);
    const mb_status status = mb_idx_find(plain, path, error);
    free(plain);
    return status;
}

/* One file is enough: an empty data/mnist has no data, and what is missing is an error later. */
static mb_status probe(const char *path, bool *found, mb_error *error)
{
    *found = false;
    for (size_t i = 0; i < MB_IDX_FOLDER_FILES && !*found; i++) {
        char *file = NULL;
        const mb_status status = find_file(path, mb_idx_folder_files[i], &file, error);
        if (status != MB_OK)
            return status;
        *found = file != NULL;
        free(file);
    }
    return MB_OK;
}

static mb_status open_folder(const char *path, const mb_data_options *options, void **state,
                             mb_error *error)
{
    (void)options;
    const mb_status status = mb_data_path_check(NULL, path, true, error);
    if (status != MB_OK)
        return status;
    idx_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return mb_fail_memory(error, path, sizeof *folder);
    folder->path = path;
    *state = folder;
    return MB_OK;
}

/* Names what there is instead, if none of the four files is there. */
static mb_status fail_missing(const idx_folder *folder, const char *name, mb_error *error)
{
    bool found = false;
    char content[512] = "";
    if (probe(folder->path, &found, NULL) == MB_OK && !found)
        mb_folder_content(folder->path, content, sizeof content);
    return mb_fail(error, MB_ERROR_IO, "%s: missing %s (or .gz)%s%s", folder->path, name,
                   *content != '\0' ? ": it holds " : "", content);
}

static mb_status read_file(idx_folder *folder, size_t file, mb_idx_kind kind, mb_error *error)
{
    char *path = NULL;
    mb_status status = find_file(folder->path, mb_idx_folder_files[file], &path, error);
    if (status == MB_OK && path == NULL)
        status = fail_missing(folder, mb_idx_folder_files[file], error);
    if (status == MB_OK)
        status = mb_idx_read(path, kind, &folder->files[file], error);
    free(path);
    return status;
}

static mb_status read_split(void *state, unsigned split, mb_data_part *part, mb_error *error)
{
    idx_folder *folder = state;
    const size_t first = split == MB_SPLIT_TRAIN ? 0 : 2;
    const mb_idx *images = &folder->files[first], *labels = &folder->files[first + 1];
    mb_status status = read_file(folder, first, MB_IDX_IMAGES, error);
    if (status == MB_OK)
        status = read_file(folder, first + 1, MB_IDX_LABELS, error);
    if (status != MB_OK)
        return status;
    if (images->count != labels->count)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %zu labels, but %s has %zu images",
                       labels->path, labels->count, images->path, images->count);
    int64_t *values = malloc(labels->count * sizeof *values);
    if (values == NULL)
        return mb_fail_memory(error, labels->path, labels->count * sizeof *values);
    for (size_t i = 0; i < labels->count; i++)
        values[i] = labels->items[i];
    folder->labels[first / 2] = values;
    *part =
        (mb_data_part){.images = {images->items, images->count, 1, images->rows, images->columns},
                       .labels = values,
                       .images_path = images->path,
                       .labels_path = labels->path};
    return MB_OK;
}

static void close_folder(void *state)
{
    idx_folder *folder = state;
    for (size_t i = 0; i < MB_IDX_FOLDER_FILES; i++)
        mb_idx_free(&folder->files[i]);
    for (size_t i = 0; i < MB_COUNT_OF(folder->labels); i++)
        free(folder->labels[i]);
    free(folder);
}

const mb_data_format mb_data_format_idx = {
    .probe = probe, .open = open_folder, .read = read_split, .close = close_folder};
