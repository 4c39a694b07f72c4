/* mb_dataset_write: a new folder, which is whole or not there. */
#include "sources/write.h"

#include "core/file.h"
#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const mb_enum_value names[] = {
    [MB_CONVERSION_IDX] = {"idx", "MNIST's files"},
    [MB_CONVERSION_NPZ] = {"npz", "NumPy's archive data.npz"},
    [MB_CONVERSION_FOLDER] = {"folder", "PNG files in a folder for each class"},
};
const mb_enum mb_conversion_names = {names, MB_COUNT_OF(names)};

static mb_write_fn *const writers[] = {
    [MB_CONVERSION_IDX] = mb_write_idx,
    [MB_CONVERSION_FOLDER] = mb_write_picture_folder,
    [MB_CONVERSION_NPZ] = mb_write_npz,
};

/* ---- files ---- */

mb_status mb_write_open(const char *path, FILE **file, mb_error *error)
{
    *file = fopen(path, "wxe");
    return *file != NULL
               ? MB_OK
               : mb_fail(error, MB_ERROR_IO, "%s: cannot be created: %s", path, strerror(errno));
}

mb_status mb_write_close(const char *path, FILE *file, mb_error *error)
{
    const bool failed = ferror(file) != 0 || fflush(file) != 0;
    const int why = errno;
    fclose(file);
    return failed ? mb_fail(error, MB_ERROR_IO, "%s: cannot be written: %s", path, strerror(why))
                  : MB_OK;
}

void mb_write_copy_image(const mb_dataset *dataset, const mb_images *images, size_t index,
                         uint8_t *pixels)
{
    const size_t stride = mb_images_stride(images);
    memcpy(pixels, images->pixels + index * stride, stride);
    if (dataset->form.ground == MB_GROUND_LIGHT)
        mb_pixels_invert(pixels, stride);
}

void mb_write_copy_channels_last(const mb_dataset *dataset, const mb_images *images, size_t index,
                                 uint8_t *scratch, uint8_t *pixels)
{
    const size_t count = images->rows * images->columns;
    mb_write_copy_image(dataset, images, index, scratch);
    for (size_t p = 0; p < count; p++)
        for (size_t c = 0; c < images->channels; c++)
            pixels[p * images->channels + c] = scratch[c * count + p];
}

mb_status mb_write_class_names(const mb_dataset *dataset, const char *folder, mb_error *error)
{
    FILE *file = NULL;
    if (dataset->class_names == NULL)
        return MB_OK;
    char *path = mb_path_join(folder, "classes.txt");
    mb_status status = path != NULL ? mb_write_open(path, &file, error)
                                    : mb_fail_memory(error, folder, strlen(folder));
    if (status == MB_OK) {
        for (size_t c = 0; c < dataset->classes; c++)
            fprintf(file, "%s\n", dataset->class_names[c]);
        status = mb_write_close(path, file, error);
    }
    free(path);
    return status;
}

/* ---- the folder ---- */

/* A folder that may be replaced is empty. */
static mb_status check_target(const char *folder, mb_error *error)
{
    size_t entries = 0;
    DIR *opened = opendir(folder);
    if (opened == NULL && errno == ENOENT)
        return MB_OK;
    if (opened == NULL)
        return mb_fail(error, MB_ERROR_IO, "%s: %s", folder,
                       errno == ENOTDIR ? "is not a folder" : strerror(errno));
    for (const struct dirent *entry; (entry = readdir(opened)) != NULL;)
        entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(opened);
    return entries == 0 ? MB_OK
                        : mb_fail(error, MB_ERROR_IO,
                                  "%s: is not empty: give a folder that is, or a new one", folder);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void remove_folder(const char *folder)
{
    enum { OPEN_FOLDERS = 8 };
    nftw(folder, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

/* FOLDER.partial, without slashes at the end of FOLDER; NULL if memory is out. */
static char *partial_path(const char *folder)
{
    size_t length = strlen(folder);
    char *path = NULL;
    while (length > 1 && folder[length - 1] == '/')
        length--;
    return asprintf(&path, "%.*s.partial", (int)length, folder) < 0 ? NULL : path;
}

/* Flushes what was written to disk, and gives the folder its name. */
static mb_status complete(const char *partial, const char *folder, mb_error *error)
{
    const int fd = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool failed = fd >= 0 && syncfs(fd) != 0 && errno != ENOSYS;
    const int why = errno;
    if (fd >= 0)
        close(fd);
    if (failed)
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be written: %s", folder, strerror(why));
    if (rename(partial, folder) != 0)
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be created: %s", folder, strerror(errno));
    return MB_OK;
}

static mb_status write_folder(const mb_dataset *dataset, mb_conversion conversion,
                              const char *partial, const char *folder, mb_error *error)
{
    char *parents = strdup(folder);
    if (parents == NULL)
        return mb_fail_memory(error, folder, strlen(folder));
    for (char *slash = strchr(parents + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(parents, 0777);
        *slash = '/';
    }
    free(parents);
    if (mkdir(partial, 0777) != 0)
        return mb_fail(error, MB_ERROR_IO, "%s: cannot be created: %s%s", partial, strerror(errno),
                       errno == EEXIST ? "; remove what an interrupted run has left" : "");
    mb_status status = writers[conversion](dataset, partial, error);
    if (status == MB_OK)
        status = complete(partial, folder, error);
    if (status != MB_OK)
        remove_folder(partial);
    return status;
}

mb_status mb_dataset_write(const mb_dataset *dataset, mb_conversion conversion, const char *folder,
                           mb_error *error)
{
    if (dataset == NULL || folder == NULL || (size_t)conversion >= MB_COUNT_OF(writers))
        return mb_fail(error, MB_ERROR_INVALID,
                       "dataset: dataset and folder must not be NULL, and the format one of the "
                       "enumeration");
    if (*folder == '\0' || dataset->train.images.count == 0 || dataset->test.images.count == 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "dataset: must have training and test images, and the folder a name");
    char *partial = partial_path(folder);
    mb_status status = partial != NULL ? check_target(folder, error)
                                       : mb_fail_memory(error, folder, strlen(folder));
    if (status == MB_OK)
        status = write_folder(dataset, conversion, partial, folder, error);
    free(partial);
    return status;
}
