#include "sources/image_shape.h"

#include "core/util.h"
#include "picture/normalize.h"
#include "picture/picture.h"
#include "sources/source.h"

#include <stdlib.h>
#include <string.h>

enum { COLORS = 3 };

/* The images' pixels, which the format allows to be changed. */
static uint8_t *pixels_of(const mb_images *images) { return (uint8_t *)(uintptr_t)images->pixels; }

bool mb_images_are_gray(const mb_images *images)
{
    const size_t plane = images->rows * images->columns;
    const uint8_t *image = images->pixels;
    bool gray = images->channels == COLORS;
    for (size_t i = 0; i < images->count && gray; i++, image += COLORS * plane)
        gray = memcmp(image, image + plane, plane) == 0 &&
               memcmp(image, image + 2 * plane, plane) == 0;
    return gray;
}

static void to_gray(mb_images *images)
{
    const size_t plane = images->rows * images->columns;
    uint8_t *pixels = pixels_of(images);
    for (size_t i = 0; i < images->count; i++)
        mb_color_to_gray(pixels + i * COLORS * plane, plane, pixels + i * plane);
    images->channels = 1;
}

static mb_status transpose(const char *name, mb_images *images, mb_error *error)
{
    const size_t rows = images->rows, columns = images->columns, plane = rows * columns;
    uint8_t *image = pixels_of(images), *copy = malloc(plane);
    if (copy == NULL)
        return mb_fail_memory(error, name, plane);
    for (size_t i = 0; i < images->count * images->channels; i++, image += plane) {
        memcpy(copy, image, plane);
        for (size_t row = 0; row < rows; row++)
            for (size_t column = 0; column < columns; column++)
                image[column * rows + row] = copy[row * columns + column];
    }
    free(copy);
    images->rows = columns;
    images->columns = rows;
    return MB_OK;
}

/* Copies each plane of the images, resized, `copies` times. */
static mb_status copy_channels(const char *name, const mb_images *from, const mb_images *to,
                               mb_error *error)
{
    const size_t old = from->rows * from->columns, plane = to->rows * to->columns;
    const size_t copies = to->channels / from->channels;
    const uint8_t *source = from->pixels;
    uint8_t *target = pixels_of(to);
    mb_status status = MB_OK;
    for (size_t i = 0; i < from->count * from->channels && status == MB_OK; i++, source += old) {
        status = mb_picture_fit(name, source, 1, from->rows, from->columns, target, to->rows,
                                to->columns, error);
        for (size_t c = 1; c < copies; c++)
            memcpy(target + c * plane, target, plane);
        target += copies * plane;
    }
    return status;
}

static mb_status resize(const char *name, mb_images to, mb_images *images, uint8_t **memory,
                        mb_error *error)
{
    size_t bytes;
    if (mb_shape_equal(mb_images_shape(&to), mb_images_shape(images)))
        return MB_OK;
    if (mb_images_stride(&to) > MB_IMAGE_MAX_PIXELS)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images of %zux%zux%zu: must have at most %d values", name, to.channels,
                       to.rows, to.columns, MB_IMAGE_MAX_PIXELS);
    if (!mb_multiply(to.count, mb_images_stride(&to), &bytes) || bytes > MB_DATA_MAX_BYTES)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: too large: %zu images of %zux%zux%zu, at most %zu bytes are read", name,
                       to.count, to.channels, to.rows, to.columns, MB_DATA_MAX_BYTES);
    *memory = malloc(bytes);
    if (*memory == NULL)
        return mb_fail_memory(error, name, bytes);
    to.pixels = *memory;
    const mb_status status = copy_channels(name, images, &to, error);
    *images = to;
    return status;
}

mb_status mb_images_reshape(const char *name, const mb_data_options *options, bool gray,
                            mb_images *images, uint8_t **memory, mb_error *error)
{
    mb_status status = MB_OK;
    *memory = NULL;
    if (gray && images->channels == COLORS)
        to_gray(images);
    if (options->transpose)
        status = transpose(name, images, error);
    mb_images to = *images;
    if (options->size.rows > 0) {
        to.rows = options->size.rows;
        to.columns = options->size.columns;
    }
    if (options->color)
        to.channels = COLORS;
    return status == MB_OK ? resize(name, to, images, memory, error) : status;
}

static void swap_bytes(uint8_t *a, uint8_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

void mb_images_permute(const mb_images *images, uint32_t *order)
{
    const size_t stride = mb_images_stride(images);
    uint8_t *pixels = pixels_of(images);
    for (size_t i = 0; i < images->count; i++)
        for (size_t at = i; order[at] != at;) {
            const size_t next = order[at];
            order[at] = (uint32_t)at;
            if (next == i)
                break;
            swap_bytes(pixels + at * stride, pixels + next * stride, stride);
            at = next;
        }
}
