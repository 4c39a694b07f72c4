#include "data/find.h"

#include "core/file.h"
#include "data/idx.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const mb_dataset_files[MB_DATASET_FILES] = {
    [MB_TRAIN_IMAGES] = "train-images-idx3-ubyte",
    [MB_TRAIN_LABELS] = "train-labels-idx1-ubyte",
    [MB_TEST_IMAGES] = "t10k-images-idx3-ubyte",
    [MB_TEST_LABELS] = "t10k-labels-idx1-ubyte",
};

static const char *const fixed_places[] = {"./data/mnist", "./data/MNIST/raw", "../data/mnist",
                                           "../data/MNIST/raw"};
enum { FIXED_PLACES = sizeof fixed_places / sizeof *fixed_places, PLACES = FIXED_PLACES + 1 };

mb_status mb_data_folder_check(const char *origin, const char *path, mb_error *error)
{
    struct stat info;
    const char *shown = *path != '\0' ? path : "''";
    const char *separator = origin != NULL ? ": " : "";
    origin = origin != NULL ? origin : "";
    if (stat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return mb_fail(error, MB_ERROR_IO, "%s%s%s: no such folder", origin, separator, shown);
    if (stat(path, &info) != 0)
        return mb_fail(error, MB_ERROR_IO, "%s%s%s: cannot be opened: %s", origin, separator, shown,
                       strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return mb_fail(error, MB_ERROR_IO, "%s%s%s: is not a folder", origin, separator, shown);
    return MB_OK;
}

/* The XDG base directory rules: a variable that is empty or no absolute path counts as unset. */
static mb_status cache_place(char **place, mb_error *error)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int written = 0;
    *place = NULL;
    if (cache != NULL && *cache == '/')
        written = asprintf(place, "%s/mnist_blas", cache);
    else if (home != NULL && *home == '/')
        written = asprintf(place, "%s/.cache/mnist_blas", home);
    if (written < 0) {
        *place = NULL;
        return mb_fail(error, MB_ERROR_MEMORY, "data folder: out of memory");
    }
    return MB_OK;
}

/* places[PLACES]: on the heap each; the last is NULL when there is no cache folder. */
static mb_status list_places(char **places, mb_error *error)
{
    for (size_t i = 0; i < FIXED_PLACES; i++) {
        places[i] = strdup(fixed_places[i]);
        if (places[i] == NULL)
            return mb_fail_memory(error, fixed_places[i], strlen(fixed_places[i]) + 1);
    }
    return cache_place(&places[FIXED_PLACES], error);
}

static void free_places(char **places)
{
    for (size_t i = 0; i < PLACES; i++)
        free(places[i]);
}

/* Whether `folder` is there and holds one of the four files: an empty data/mnist is no data. */
static mb_status holds_data(const char *folder, bool *holds, mb_error *error)
{
    *holds = false;
    if (mb_data_folder_check(NULL, folder, NULL) != MB_OK)
        return MB_OK;
    for (size_t i = 0; i < MB_DATASET_FILES && !*holds; i++) {
        char *file = NULL;
        char *path = mb_path_join(folder, mb_dataset_files[i]);
        mb_status status = path != NULL ? mb_idx_find(path, &file, error)
                                        : mb_fail_memory(error, folder, strlen(folder) + 1);
        *holds = file != NULL;
        free(file);
        free(path);
        if (status != MB_OK)
            return status;
    }
    return MB_OK;
}

static mb_status find_usual(char **found, mb_error *error)
{
    char *places[PLACES] = {NULL};
    bool holds = false;
    mb_status status = list_places(places, error);
    for (size_t i = 0; status == MB_OK && i < PLACES && places[i] != NULL && !holds; i++) {
        status = holds_data(places[i], &holds, error);
        if (holds) {
            *found = places[i];
            places[i] = NULL;
        }
    }
    free_places(places);
    return status;
}

mb_status mb_dataset_find(const char *folder, char **found, mb_error *error)
{
    const char *origin = NULL;
    if (found == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "data folder: nowhere to put it: found is NULL");
    *found = NULL;
    if (folder == NULL) {
        origin = "MNIST_BLAS_DATA";
        folder = getenv(origin);
        if (folder == NULL || *folder == '\0')
            return find_usual(found, error);
    }
    const mb_status status = mb_data_folder_check(origin, folder, error);
    if (status != MB_OK)
        return status;
    *found = strdup(folder);
    return *found != NULL ? MB_OK : mb_fail_memory(error, folder, strlen(folder) + 1);
}

char *mb_dataset_search_path(void)
{
    char *places[PLACES] = {NULL};
    char *text = NULL;
    size_t size = 1;
    if (list_places(places, NULL) != MB_OK)
        goto done;
    for (size_t i = 0; i < PLACES && places[i] != NULL; i++)
        size += strlen(places[i]) + strlen(", ");
    text = calloc(size, 1);
    if (text == NULL)
        goto done;
    for (size_t i = 0; i < PLACES && places[i] != NULL; i++) {
        strcat(text, i > 0 ? ", " : "");
        strcat(text, places[i]);
    }
done:
    free_places(places);
    return text;
}
