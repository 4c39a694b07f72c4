#include "picture/picture.h"

#include "core/arena.h"
#include "data/gunzip.h"
#include "data/idx.h"
#include "picture/decode.h"
#include "picture/normalize.h"
#include "picture/pgm.h"
#include "picture/pix.h"

#include <stdlib.h>
#include <string.h>

mb_status mb_pictures_alloc(const char *path, size_t channels, size_t rows, size_t columns,
                            mb_pictures *pictures, mb_error *error)
{
    size_t pixels;
    if (rows == 0 || columns == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: a picture without pixels: %zux%zu", path, rows,
                       columns);
    if (!mb_multiply(rows, columns, &pixels) || pixels > MB_PICTURE_MAX_PIXELS)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: too large: %zux%zu, at most %zu pixels are read", path, rows, columns,
                       MB_PICTURE_MAX_PIXELS);
    uint8_t *memory = calloc(pixels, channels);
    if (memory == NULL)
        return mb_fail_memory(error, path, channels * pixels);
    *pictures = (mb_pictures){1, channels, rows, columns, memory, .memory = memory};
    return MB_OK;
}

/* Takes ownership of file->data, as mb_idx_parse does. */
static mb_status parse_idx(const char *path, mb_bytes *file, mb_pictures *pictures, mb_error *error)
{
    mb_idx idx = {0};
    const mb_status status = mb_idx_parse(path, MB_IDX_IMAGES, file, &idx, error);
    if (status != MB_OK)
        return status;
    *pictures = (mb_pictures){idx.count,
                              idx.channels,
                              idx.rows,
                              idx.columns,
                              idx.items,
                              .numbered = true,
                              .memory = idx.bytes.data};
    idx.bytes = (mb_bytes){0};
    mb_idx_free(&idx);
    return MB_OK;
}

/* The third byte is the type of the elements, which mb_idx_parse checks. */
static bool is_idx(const mb_bytes *file)
{
    return file->size >= 4 && file->data[0] == 0 && file->data[1] == 0 && file->data[2] != 0;
}

void mb_color_to_gray(const uint8_t *color, size_t pixels, uint8_t *gray)
{
    for (size_t p = 0; p < pixels; p++)
        gray[p] = (uint8_t)((double)(L_RED_WEIGHT * (float)color[p] +
                                     L_GREEN_WEIGHT * (float)color[pixels + p] +
                                     L_BLUE_WEIGHT * (float)color[2 * pixels + p]) +
                            0.5);
}

static mb_status parse_table(const char *path, mb_shape size, mb_bytes *file, mb_pictures *pictures,
                             mb_error *error)
{
    mb_csv_form form = {0};
    mb_csv table = {0};
    mb_status status = mb_csv_open(path, file, size, &table, error);
    if (status == MB_OK)
        status = mb_csv_read(&table, &form, NULL, error);
    if (status != MB_OK) {
        mb_csv_free(&table);
        return status;
    }
    const mb_images *images = &table.images;
    *pictures = (mb_pictures){
        images->count, images->channels, images->rows, images->columns, images->pixels,
        true,          table.pixels,     true,         .table = table};
    pictures->table.pixels = NULL;
    return MB_OK;
}

/* Gives gray pictures `channels` equal channels, and those in color one. */
static mb_status convert_channels(const char *path, size_t channels, mb_pictures *pictures,
                                  mb_error *error)
{
    const size_t plane = pictures->rows * pictures->columns;
    if (channels == pictures->channels)
        return MB_OK;
    if (channels == 1) {
        for (size_t i = 0; i < pictures->count; i++)
            mb_color_to_gray(pictures->pixels + i * pictures->channels * plane, plane,
                             pictures->memory + i * plane);
        pictures->pixels = pictures->memory;
        pictures->channels = channels;
        return MB_OK;
    }
    uint8_t *memory = reallocarray(NULL, pictures->count * plane, channels);
    if (memory == NULL)
        return mb_fail_memory(error, path, pictures->count * channels * plane);
    for (size_t i = 0; i < pictures->count; i++)
        for (size_t c = 0; c < channels; c++)
            memcpy(memory + (i * channels + c) * plane, pictures->pixels + i * plane, plane);
    free(pictures->memory);
    pictures->pixels = pictures->memory = memory;
    pictures->channels = channels;
    return MB_OK;
}

static mb_status unpack(const char *path, mb_bytes *file, mb_error *error)
{
    const mb_bytes packed = *file;
    *file = (mb_bytes){0};
    const mb_status status = mb_gunzip(path, &packed, MB_PICTURE_MAX_BYTES, file, error);
    free(packed.data);
    return status;
}

/* Of a file that is not packed. */
static mb_status parse(const char *path, mb_shape shape, mb_bytes *file, mb_pictures *pictures,
                       mb_error *error)
{
    if (is_idx(file))
        return parse_idx(path, file, pictures, error);
    if (mb_csv_is_table(path, file))
        return parse_table(path, shape, file, pictures, error);
    if (mb_is_pgm(file))
        return mb_pgm_parse(path, file, pictures, error);
    return mb_picture_decode(path, shape.channels, file, pictures, error);
}

/* Takes ownership of file->data. */
static mb_status parse_shape(const char *path, mb_shape shape, mb_bytes *file,
                             mb_pictures *pictures, mb_error *error)
{
    mb_pictures read = {0};
    mb_status status = mb_is_gzip(file) ? unpack(path, file, error) : MB_OK;
    if (status == MB_OK)
        status = parse(path, shape, file, &read, error);
    free(file->data);
    *file = (mb_bytes){0};
    if (status == MB_OK)
        status = convert_channels(path, shape.channels, &read, error);
    if (status == MB_OK)
        *pictures = read;
    else
        mb_pictures_free(&read);
    return status;
}

mb_status mb_pictures_parse(const char *path, size_t channels, mb_bytes *file,
                            mb_pictures *pictures, mb_error *error)
{
    return parse_shape(path, (mb_shape){.channels = channels}, file, pictures, error);
}

mb_status mb_pictures_read_shape(const char *path, mb_shape shape, mb_pictures *pictures,
                                 mb_error *error)
{
    mb_bytes file = {0};
    const mb_status status = mb_file_read_stream(path, MB_PICTURE_MAX_BYTES, &file, error);
    return status == MB_OK ? parse_shape(path, shape, &file, pictures, error) : status;
}

mb_status mb_pictures_read(const char *path, size_t channels, mb_pictures *pictures,
                           mb_error *error)
{
    return mb_pictures_read_shape(path, (mb_shape){.channels = channels}, pictures, error);
}

void mb_pictures_free(mb_pictures *pictures)
{
    free(pictures->memory);
    mb_csv_free(&pictures->table);
    *pictures = (mb_pictures){0};
}
