/* NumPy's archive, as Keras has MNIST: x_train, y_train, x_val, y_val, x_test, y_test,
 * uncompressed. */
#include "core/features.h"
#include "core/file.h"
#include "core/util.h"
#include "sources/write.h"

#include <mnist_blas/inspection.h>

#include <stdlib.h>
#include <string.h>

#if MB_WITH_NPZ

#include <zip.h>

enum { COLORS = 3, HEADER_UNIT = 64, MAX_HEADER = 192 };

/* The header of version 1.0 of NPY for an array of bytes in C order. Returns its size. */
static size_t write_header(const mb_images *images, bool labels, uint8_t header[MAX_HEADER])
{
    enum { PREFIX = 10 };
    char shape[MAX_HEADER];
    if (labels)
        snprintf(shape, sizeof shape, "%zu,", images->count);
    else
        snprintf(shape, sizeof shape,
                 images->channels == COLORS ? "%zu, %zu, %zu, 3" : "%zu, %zu, %zu", images->count,
                 images->rows, images->columns);
    memset(header, ' ', MAX_HEADER);
    const int length = snprintf((char *)header + PREFIX, MAX_HEADER - PREFIX,
                                "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", shape);
    const size_t size = mb_round_up(PREFIX + (size_t)length + 1, HEADER_UNIT);
    header[PREFIX + length] = ' ';
    header[size - 1] = '\n';
    memcpy(header, "\x93NUMPY\1", 8); /* and the 0 of the version */
    header[8] = (uint8_t)(size - PREFIX);
    header[9] = 0;
    return size;
}

static mb_status fail(const char *path, zip_error_t *why, mb_error *error)
{
    const bool memory = zip_error_code_zip(why) == ZIP_ER_MEMORY;
    return mb_fail(error, memory ? MB_ERROR_MEMORY : MB_ERROR_IO, "%s: cannot be written: %s", path,
                   zip_error_strerror(why));
}

/* Adds an array, which the archive takes over. */
static mb_status add_array(zip_t *archive, const char *path, const char *name, uint8_t *bytes,
                           size_t size, mb_error *error)
{
    zip_source_t *source = zip_source_buffer(archive, bytes, size, 1);
    if (source == NULL) {
        free(bytes);
        return fail(path, zip_get_error(archive), error);
    }
    const zip_int64_t index = zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return fail(path, zip_get_error(archive), error);
    }
    if (zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_mtime(archive, (zip_uint64_t)index, 0, 0) != 0)
        return fail(path, zip_get_error(archive), error);
    return MB_OK;
}

static mb_status add_part(const mb_dataset *dataset, zip_t *archive, const char *path,
                          const char *name, mb_part part, mb_error *error)
{
    const mb_split split = mb_dataset_part(dataset, part);
    const mb_images *images = &split.images;
    mb_status status = MB_OK;
    for (size_t labels = 0; labels < 2 && images->count > 0 && status == MB_OK; labels++) {
        uint8_t header[MAX_HEADER];
        char array[32];
        const size_t start = write_header(images, labels == 1, header);
        const size_t stride = labels == 1 ? 1 : mb_images_stride(images);
        const size_t size = start + images->count * stride;
        uint8_t *bytes = malloc(size), *image = malloc(stride);
        if (bytes == NULL || image == NULL) {
            free(bytes);
            free(image);
            return mb_fail_memory(error, path, size);
        }
        memcpy(bytes, header, start);
        if (labels == 1)
            memcpy(bytes + start, split.labels, images->count);
        else
            for (size_t i = 0; i < images->count; i++)
                mb_write_copy_channels_last(dataset, images, i, image, bytes + start + i * stride);
        free(image);
        snprintf(array, sizeof array, "%c_%s.npy", labels == 1 ? 'y' : 'x', name);
        status = add_array(archive, path, array, bytes, size, error);
    }
    return status;
}

static mb_status write_archive(const mb_dataset *dataset, const char *path, mb_error *error)
{
    static const char *const names[MB_PARTS] = {"train", "val", "test"};
    int code = 0;
    zip_error_t why;
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code);
    mb_status status = MB_OK;
    if (archive == NULL) {
        zip_error_init_with_code(&why, code);
        status = fail(path, &why, error);
        zip_error_fini(&why);
        return status;
    }
    for (mb_part part = 0; part < MB_PARTS && status == MB_OK; part++)
        status = add_part(dataset, archive, path, names[part], part, error);
    if (status == MB_OK && zip_close(archive) == 0)
        return MB_OK;
    if (status == MB_OK)
        status = fail(path, zip_get_error(archive), error);
    zip_discard(archive);
    return status;
}

mb_status mb_write_npz(const mb_dataset *dataset, const char *folder, mb_error *error)
{
    char *path = mb_path_join(folder, "data.npz");
    mb_status status = path != NULL ? write_archive(dataset, path, error)
                                    : mb_fail_memory(error, folder, strlen(folder));
    free(path);
    return status == MB_OK ? mb_write_class_names(dataset, folder, error) : status;
}

#else

mb_status mb_write_npz(const mb_dataset *dataset, const char *folder, mb_error *error)
{
    (void)dataset;
    return mb_fail_feature(error, folder, MB_FEATURE_NPZ);
}

#endif
