#include "picture/picture.h"

#include "core/arena.h"
#include "data/gunzip.h"
#include "data/idx.h"
#include "picture/decode.h"
#include "picture/pgm.h"

#include <stdlib.h>

mb_status mb_pictures_alloc(const char *path, size_t rows, size_t columns, mb_pictures *pictures,
                            mb_error *error)
{
    size_t pixels;
    if (rows == 0 || columns == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: a picture without pixels: %zux%zu", path, rows,
                       columns);
    if (!mb_multiply(rows, columns, &pixels) || pixels > MB_PICTURE_MAX_PIXELS)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: too large: %zux%zu, at most %zu pixels are read", path, rows, columns,
                       MB_PICTURE_MAX_PIXELS);
    uint8_t *memory = calloc(pixels, 1);
    if (memory == NULL)
        return mb_fail_memory(error, path, pixels);
    *pictures = (mb_pictures){1, rows, columns, memory, false, memory};
    return MB_OK;
}

/* Takes ownership of file->data, as mb_idx_parse does. */
static mb_status parse_idx(const char *path, mb_bytes *file, mb_pictures *pictures, mb_error *error)
{
    mb_idx idx = {0};
    const mb_status status = mb_idx_parse(path, MB_IDX_IMAGES, file, &idx, error);
    if (status != MB_OK)
        return status;
    *pictures = (mb_pictures){idx.count, idx.rows, idx.columns, idx.items, true, idx.bytes.data};
    idx.bytes = (mb_bytes){0};
    mb_idx_free(&idx);
    return MB_OK;
}

/* The third byte is the type of the elements, which mb_idx_parse checks. */
static bool is_idx(const mb_bytes *file)
{
    return file->size >= 4 && file->data[0] == 0 && file->data[1] == 0 && file->data[2] != 0;
}

mb_status mb_pictures_parse(const char *path, mb_bytes *file, mb_pictures *pictures,
                            mb_error *error)
{
    if (mb_is_gzip(file) || is_idx(file))
        return parse_idx(path, file, pictures, error);
    const mb_status status = mb_is_pgm(file) ? mb_pgm_parse(path, file, pictures, error)
                                             : mb_picture_decode(path, file, pictures, error);
    free(file->data);
    *file = (mb_bytes){0};
    return status;
}

mb_status mb_pictures_read(const char *path, mb_pictures *pictures, mb_error *error)
{
    mb_bytes file = {0};
    const mb_status status = mb_file_read_stream(path, MB_PICTURE_MAX_BYTES, &file, error);
    return status == MB_OK ? mb_pictures_parse(path, &file, pictures, error) : status;
}

void mb_pictures_free(mb_pictures *pictures)
{
    free(pictures->memory);
    *pictures = (mb_pictures){0};
}
