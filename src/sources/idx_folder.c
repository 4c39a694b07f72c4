/* MNIST's format: images and labels in IDX files, each plain or with .gz, found by their names. */
#include "core/file.h"
#include "core/parse.h"
#include "core/status.h"
#include "core/util.h"
#include "data/idx.h"
#include "sources/emnist.h"
#include "sources/folder_content.h"
#include "sources/source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct idx_folder {
    const char *path;
    mb_idx_sets sets;                  /* one, or none: then what is missing is an error */
    mb_idx files[MB_IDX_FILES];        /* those not read are empty */
    int64_t *labels[MB_IDX_FILES / 2]; /* of each split */
    int64_t min, max;                  /* label */
    mb_emnist_classes classes;         /* EMNIST's */
} idx_folder;

/* One file is enough: an empty data/mnist has no data, and what is missing is an error later. So is
 * a folder that cannot be read. */
static mb_status probe(const char *path, bool *found, mb_error *error)
{
    mb_idx_sets sets;
    const mb_status status = mb_idx_sets_find(path, &sets, error);
    *found = sets.count > 0 || status == MB_ERROR_IO;
    mb_idx_sets_free(&sets);
    return status == MB_ERROR_IO ? MB_OK : status;
}

/* "emnist-letters" of "gzip/emnist-letters", which is in the folder "gzip". */
static const char *name_in(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const char *inner = strncmp(name, folder, length) == 0 ? name + length : name;
    return inner + strspn(inner, "/");
}

static mb_status fail_several(const char *path, const mb_idx_sets *sets, mb_error *error)
{
    enum { SHOWN = 8 };
    char names[640] = "";
    for (size_t i = 0; i < sets->count && i < SHOWN; i++)
        mb_append(names, sizeof names, ", ", name_in(path, sets->sets[i].name));
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: holds several data sets, %s%s: give one of them, such as %s", path, names,
                   sets->count > SHOWN ? ", ..." : "", sets->sets[0].name);
}

static mb_status open_folder(const char *path, const mb_data_options *options, void **state,
                             mb_error *error)
{
    (void)options;
    idx_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return mb_fail_memory(error, path, sizeof *folder);
    folder->path = path;
    folder->min = INT64_MAX;
    folder->max = INT64_MIN;
    mb_status status = mb_idx_sets_find(path, &folder->sets, error);
    if (status == MB_OK && folder->sets.count == 0)
        status = mb_data_path_check(NULL, path, true, error);
    if (status == MB_OK && folder->sets.count > 1)
        status = fail_several(path, &folder->sets, error);
    if (status == MB_OK) {
        *state = folder;
        return MB_OK;
    }
    mb_idx_sets_free(&folder->sets);
    free(folder);
    return status;
}

/* Names what there is instead, if none of the files is there. */
static mb_status fail_missing(const idx_folder *folder, size_t file, mb_error *error)
{
    const bool found = folder->sets.count > 0;
    const mb_idx_set *set = &folder->sets.sets[0];
    char content[512] = "", name[MB_IDX_NAME_SIZE];
    if (!found)
        mb_folder_content(folder->path, content, sizeof content);
    return mb_fail(error, MB_ERROR_IO, "%s: missing %s (or .gz)%s%s",
                   found ? set->folder : folder->path,
                   mb_idx_file_name(found ? set->prefix : "", file, name),
                   *content != '\0' ? ": it holds " : "", content);
}

/* An interrupted gunzip leaves a part of the file beside the whole .gz. */
static mb_status fail_beside(const char *path, mb_status status, mb_error *error)
{
    struct stat info;
    char *packed = NULL;
    if (status == MB_ERROR_FORMAT && error != NULL && asprintf(&packed, "%s.gz", path) >= 0 &&
        stat(packed, &info) == 0) {
        const mb_error why = *error;
        mb_fail(error, status, "%s; remove it to read %s", why.text, packed);
    }
    free(packed);
    return status;
}

static mb_status read_file(idx_folder *folder, size_t file, mb_idx_kind kind, mb_error *error)
{
    const char *path = folder->sets.count > 0 ? folder->sets.sets[0].files[file].path : NULL;
    if (path == NULL)
        return fail_missing(folder, file, error);
    const mb_status status = mb_idx_read(path, kind, &folder->files[file], error);
    return status != MB_OK ? fail_beside(path, status, error) : MB_OK;
}

static mb_status read_labels(idx_folder *folder, size_t split, const mb_idx *labels,
                             mb_error *error)
{
    int64_t *values = malloc(labels->count * sizeof *values);
    if (values == NULL)
        return mb_fail_memory(error, labels->path, labels->count * sizeof *values);
    for (size_t i = 0; i < labels->count; i++) {
        values[i] = mb_idx_label(labels, i);
        folder->min = values[i] < folder->min ? values[i] : folder->min;
        folder->max = values[i] > folder->max ? values[i] : folder->max;
    }
    folder->labels[split] = values;
    return MB_OK;
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
    status = read_labels(folder, first / 2, labels, error);
    if (status == MB_OK && mb_is_emnist(folder->sets.sets[0].prefix))
        status = mb_emnist_find_classes(&folder->sets.sets[0], folder->min, folder->max,
                                        &folder->classes, error);
    *part = (mb_data_part){
        .images = {images->items, images->count, images->channels, images->rows, images->columns},
        .labels = folder->labels[first / 2],
        .transposed = mb_is_emnist(folder->sets.sets[0].prefix),
        .images_path = images->path,
        .labels_path = labels->path};
    return status;
}

static const char *const *class_names(const void *state, size_t *count)
{
    const idx_folder *folder = state;
    *count = folder->classes.count;
    return *count > 0 ? folder->classes.names : NULL;
}

static const int64_t *class_labels(const void *state)
{
    const idx_folder *folder = state;
    return folder->classes.labels;
}

static void close_folder(void *state)
{
    idx_folder *folder = state;
    mb_idx_sets_free(&folder->sets);
    for (size_t i = 0; i < MB_IDX_FILES; i++)
        mb_idx_free(&folder->files[i]);
    for (size_t i = 0; i < MB_COUNT_OF(folder->labels); i++)
        free(folder->labels[i]);
    free(folder);
}

const mb_data_format mb_data_format_idx = {.probe = probe,
                                           .open = open_folder,
                                           .read = read_split,
                                           .class_names = class_names,
                                           .class_labels = class_labels,
                                           .close = close_folder,
                                           .takes_prefix = true};
