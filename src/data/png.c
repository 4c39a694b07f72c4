#include "data/png.h"

#include <libdeflate.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE = 8, AROUND_CHUNK = 12 }; /* length, type and checksum take 4 bytes each */

bool mb_is_png(const mb_bytes *file)
{
    return file->size >= SIGNATURE && memcmp(file->data, "\x89PNG\r\n\x1a\n", SIGNATURE) == 0;
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* libpng stops reading behind the last pixel, and would not miss what a cut file lacks there. */
static mb_status check_chunks(const char *path, const mb_bytes *file, mb_error *error)
{
    size_t at = SIGNATURE;
    for (bool ended = false; !ended;) {
        const uint8_t *chunk = file->data + at;
        const size_t there = file->size - at;
        if (there < AROUND_CHUNK || big_endian(chunk) > there - AROUND_CHUNK)
            return mb_fail(error, MB_FORMAT, "%s: truncated PNG: %zu bytes, its end is not there",
                           path, file->size);
        const size_t length = big_endian(chunk);
        if (libdeflate_crc32(0, chunk + 4, 4 + length) != big_endian(chunk + 8 + length))
            return mb_fail(error, MB_FORMAT, "%s: damaged PNG: wrong checksum at byte %zu", path,
                           at);
        ended = memcmp(chunk + 4, "IEND", 4) == 0;
        at += AROUND_CHUNK + length;
    }
    return MB_OK;
}

/* What the opaque part of a picture looks like. */
typedef struct visible {
    double cover; /* 0 .. 1, share of the picture's area */
    double mean;  /* gray value */
    int least, most;
} visible;

static visible look(const uint8_t *gray_alpha, size_t pixels)
{
    visible seen = {0.0, 0.0, 255, 0};
    double opacity = 0.0, sum = 0.0;
    for (size_t i = 0; i < pixels; i++) {
        const int gray = gray_alpha[2 * i], alpha = gray_alpha[2 * i + 1];
        opacity += alpha;
        sum += (double)alpha * gray;
        if (alpha < 128)
            continue;
        seen.least = gray < seen.least ? gray : seen.least;
        seen.most = gray > seen.most ? gray : seen.most;
    }
    seen.cover = opacity / (255.0 * (double)pixels);
    seen.mean = opacity > 0.0 ? sum / opacity : 0.0;
    return seen;
}

/* The gray behind transparent pixels. A drawing on a transparent ground is ink only: what contrasts
 * with it is behind, so that black ink stands on white and white ink on black. Where the opaque
 * part is most of the picture and has contrast of its own, it brings its ground along, and the
 * holes in it take the shade nearer to that. */
static int ground_behind(const visible *seen)
{
    const bool own_ground = seen->cover > 0.5 && seen->most - seen->least > 64;
    const bool bright = seen->mean >= 128.0;
    return bright == own_ground ? 255 : 0;
}

static void compose(const uint8_t *gray_alpha, size_t pixels, uint8_t *gray)
{
    const visible seen = look(gray_alpha, pixels);
    const int ground = ground_behind(&seen);
    for (size_t i = 0; i < pixels; i++) {
        const int alpha = gray_alpha[2 * i + 1];
        gray[i] = (uint8_t)((gray_alpha[2 * i] * alpha + ground * (255 - alpha) + 127) / 255);
    }
}

/* libpng's simplified interface keeps warnings to itself and needs no setjmp. */
static mb_status decode(const char *path, png_image *png, mb_images *picture, mb_error *error)
{
    const size_t pixels = (size_t)png->width * png->height;
    uint8_t *gray_alpha = malloc(2 * pixels);
    if (gray_alpha == NULL)
        return mb_fail_memory(error, path, 2 * pixels);
    mb_status status = MB_OK;
    if (png_image_finish_read(png, NULL, gray_alpha, 0, NULL))
        compose(gray_alpha, pixels, picture->memory);
    else
        status = mb_fail(error, MB_FORMAT, "%s: damaged PNG: %s", path, png->message);
    free(gray_alpha);
    return status;
}

mb_status mb_png_parse(const char *path, const mb_bytes *file, mb_images *images, mb_error *error)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    mb_images picture = {0};
    mb_status status = check_chunks(path, file, error);
    if (status != MB_OK)
        return status;
    if (!png_image_begin_read_from_memory(&png, file->data, file->size)) {
        status = mb_fail(error, MB_FORMAT, "%s: damaged PNG: %s", path, png.message);
        goto done;
    }
    png.format = PNG_FORMAT_GA;
    png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* the same curve for 16 bits as for 8 */
    status = mb_images_take(path, png.height, png.width, &picture, error);
    if (status == MB_OK)
        status = decode(path, &png, &picture, error);
done:
    png_image_free(&png);
    if (status == MB_OK)
        *images = picture;
    else
        mb_images_free(&picture);
    return status;
}
