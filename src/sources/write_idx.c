/* Four files with MNIST's names, and the names of the classes. */
#include "core/endian.h"
#include "core/file.h"
#include "sources/write.h"

#include <stdlib.h>
#include <string.h>

enum { UNSIGNED_BYTE = 0x08, COLORS = 3 };

static void write_header(FILE *file, size_t dimensions, const size_t *sizes)
{
    uint8_t bytes[4] = {0, 0, UNSIGNED_BYTE, (uint8_t)dimensions};
    fwrite(bytes, 1, sizeof bytes, file);
    for (size_t i = 0; i < dimensions; i++) {
        mb_store_be32(bytes, (uint32_t)sizes[i]);
        fwrite(bytes, 1, sizeof bytes, file);
    }
}

static mb_status write_images(const mb_dataset *dataset, const mb_images *images, FILE *file,
                              mb_error *error)
{
    const size_t sizes[] = {images->count, images->rows, images->columns, images->channels};
    const size_t stride = mb_images_stride(images);
    uint8_t *image = malloc(2 * stride);
    if (image == NULL)
        return mb_fail_memory(error, "images", 2 * stride);
    write_header(file, images->channels == COLORS ? 4 : 3, sizes);
    for (size_t i = 0; i < images->count && !ferror(file); i++) {
        mb_write_copy_channels_last(dataset, images, i, image + stride, image);
        fwrite(image, 1, stride, file);
    }
    free(image);
    return MB_OK;
}

static mb_status write_split(const mb_dataset *dataset, const mb_split *split, const char *folder,
                             const char *name, mb_error *error)
{
    const char dimensions = split->images.channels == COLORS ? '4' : '3';
    mb_status status = MB_OK;
    for (size_t f = 0; f < 2 && status == MB_OK; f++) {
        FILE *file = NULL;
        char *path = NULL;
        if (asprintf(&path, "%s/%s-%s-idx%c-ubyte", folder, name, f == 0 ? "images" : "labels",
                     f == 0 ? dimensions : '1') < 0)
            return mb_fail_memory(error, folder, strlen(folder));
        status = mb_write_open(path, &file, error);
        if (status == MB_OK && f == 0) {
            status = write_images(dataset, &split->images, file, error);
        } else if (status == MB_OK) {
            write_header(file, 1, &split->images.count);
            fwrite(split->labels, 1, split->images.count, file);
        }
        if (file != NULL) {
            const mb_status closed = mb_write_close(path, file, status == MB_OK ? error : NULL);
            status = status == MB_OK ? closed : status;
        }
        free(path);
    }
    return status;
}

mb_status mb_write_idx(const mb_dataset *dataset, const char *folder, mb_error *error)
{
    if (dataset->validation > 0)
        return mb_fail(
            error, MB_ERROR_UNAVAILABLE,
            "%s: has a validation split of its own, which IDX has not: give --to folder or npz",
            dataset->folder != NULL ? dataset->folder : "dataset");
    mb_status status = write_split(dataset, &dataset->train, folder, "train", error);
    if (status == MB_OK)
        status = write_split(dataset, &dataset->test, folder, "t10k", error);
    return status == MB_OK ? mb_write_class_names(dataset, folder, error) : status;
}
