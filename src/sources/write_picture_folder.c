/* PNG files in a folder for each class of each split. */
#include "core/file.h"
#include "core/parse.h"
#include "picture/encode.h"
#include "sources/write.h"

#include <mnist_blas/inspection.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const part_folders[MB_PARTS] = {"train", "val", "test"};

enum { NAME_SIZE = 192 };

/* ---- names of folders ---- */

static bool is_folder_name(const char *name)
{
    return strpbrk(name, "/.") == NULL && strchr("_@", *name) == NULL;
}

/* True if classes with these folders are read in their order: ascending by number if all are whole
 * numbers, else by their bytes. */
static bool names_can_be_folders(const mb_dataset *dataset)
{
    const char *const *names = dataset->class_names;
    uint64_t number, last = 0;
    bool are_numeric = true, by_number = true, by_bytes = true;
    for (size_t c = 0; c < dataset->classes; c++) {
        if (!is_folder_name(names[c]))
            return false;
        are_numeric = are_numeric && mb_parse_uint64(names[c], &number);
        by_number = by_number && are_numeric && (c == 0 || number > last);
        by_bytes = by_bytes && (c == 0 || strcmp(names[c - 1], names[c]) < 0);
        last = are_numeric ? number : 0;
    }
    return are_numeric ? by_number : by_bytes;
}

/* "3", "cat" or "03_cat" */
static void write_name(const mb_dataset *dataset, bool by_name, size_t class, char name[NAME_SIZE])
{
    if (dataset->class_names == NULL) {
        snprintf(name, NAME_SIZE, "%zu", class);
    } else if (by_name) {
        snprintf(name, NAME_SIZE, "%s", dataset->class_names[class]);
    } else {
        snprintf(name, NAME_SIZE, "%03zu_%s", class, dataset->class_names[class]);
        for (char *c = name; (c = strpbrk(c, "/.")) != NULL;)
            *c = '_';
    }
}

/* ---- files ---- */

static mb_status make_folder(const char *folder, mb_error *error)
{
    return mkdir(folder, 0777) == 0
               ? MB_OK
               : mb_fail(error, MB_ERROR_IO, "%s: cannot be created: %s", folder, strerror(errno));
}

static mb_status write_png(const char *path, const mb_images *images, const uint8_t *pixels,
                           mb_error *error)
{
    mb_bytes png = {0};
    FILE *file = NULL;
    mb_status status =
        mb_picture_encode_png(pixels, images->channels, images->rows, images->columns, &png, error);
    if (status == MB_OK)
        status = mb_write_open(path, &file, error);
    if (status == MB_OK) {
        fwrite(png.data, 1, png.size, file);
        status = mb_write_close(path, file, error);
    }
    free(png.data);
    return status;
}

/* The names of files have as many digits as the last needs, 5 or more. */
static mb_status write_images(const mb_dataset *dataset, const mb_split *split, const char *folder,
                              bool by_name, mb_error *error)
{
    enum { DIGITS = 5 };
    const mb_images *images = &split->images;
    const size_t size = strlen(folder) + NAME_SIZE + 32, stride = mb_images_stride(images);
    const int needed = snprintf(NULL, 0, "%zu", images->count - 1);
    char *path = malloc(size), name[NAME_SIZE];
    uint8_t *pixels = malloc(stride);
    mb_status status =
        path != NULL && pixels != NULL ? MB_OK : mb_fail_memory(error, folder, size + stride);
    for (size_t class = 0; class < dataset->classes && status == MB_OK; class ++) {
        write_name(dataset, by_name, class, name);
        snprintf(path, size, "%s/%s", folder, name);
        status = make_folder(path, error);
    }
    for (size_t i = 0; i < images->count && status == MB_OK; i++) {
        write_name(dataset, by_name, split->labels[i], name);
        snprintf(path, size, "%s/%s/%0*zu.png", folder, name, needed > DIGITS ? needed : DIGITS, i);
        mb_write_copy_image(dataset, images, i, pixels);
        status = write_png(path, images, pixels, error);
    }
    free(pixels);
    free(path);
    return status;
}

mb_status mb_write_picture_folder(const mb_dataset *dataset, const char *folder, mb_error *error)
{
    const bool by_name = dataset->class_names != NULL && names_can_be_folders(dataset);
    mb_status status = MB_OK;
    for (mb_part part = 0; part < MB_PARTS && status == MB_OK; part++) {
        const mb_split split = mb_dataset_part(dataset, part);
        if (split.images.count == 0)
            continue;
        char *path = mb_path_join(folder, part_folders[part]);
        status =
            path != NULL ? make_folder(path, error) : mb_fail_memory(error, folder, strlen(folder));
        if (status == MB_OK)
            status = write_images(dataset, &split, path, by_name, error);
        free(path);
    }
    return status == MB_OK && !by_name ? mb_write_class_names(dataset, folder, error) : status;
}
