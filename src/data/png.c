#include "data/png.h"

#include <libdeflate.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
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
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: truncated PNG: %zu bytes, its end is not there", path, file->size);
        const size_t length = big_endian(chunk);
        if (libdeflate_crc32(0, chunk + 4, 4 + length) != big_endian(chunk + 8 + length))
            return mb_fail(error, MB_ERROR_FORMAT, "%s: damaged PNG: wrong checksum at byte %zu",
                           path, at);
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

/* What libpng reads from and into. Its errors jump; all that is to be freed is in here. */
typedef struct reader {
    png_structp png;
    png_infop info;
    const uint8_t *at, *end;
    uint8_t *gray_alpha; /* (rows, columns, 2) */
    png_bytep *rows;     /* (rows) into gray_alpha */
    char text[100];      /* of the error */
} reader;

static void on_error(png_structp png, png_const_charp text)
{
    reader *r = png_get_error_ptr(png);
    snprintf(r->text, sizeof r->text, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static void give(png_structp png, png_bytep to, size_t size)
{
    reader *r = png_get_io_ptr(png);
    if (size > (size_t)(r->end - r->at))
        png_error(png, "ends too early");
    memcpy(to, r->at, size);
    r->at += size;
}

/* Every kind of pixel becomes 8 bits of gray and 8 of alpha. False: see r->text. */
static bool begin(reader *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return false;
    png_set_read_fn(r->png, r, give);
    png_read_info(r->png, r->info);
    png_set_expand(r->png);
    png_set_scale_16(r->png);
    if ((png_get_color_type(r->png, r->info) & PNG_COLOR_MASK_COLOR) != 0)
        png_set_rgb_to_gray_fixed(r->png, PNG_ERROR_ACTION_NONE, PNG_RGB_TO_GRAY_DEFAULT,
                                  PNG_RGB_TO_GRAY_DEFAULT);
    png_set_add_alpha(r->png, 255, PNG_FILLER_AFTER);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    return true;
}

static bool read_rows(reader *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return false;
    png_read_image(r->png, r->rows);
    return true;
}

static mb_status damaged(const char *path, const reader *r, mb_error *error)
{
    return mb_fail(error, MB_ERROR_FORMAT, "%s: damaged PNG: %s", path, r->text);
}

static mb_status decode(const char *path, reader *r, mb_pictures *picture, mb_error *error)
{
    if (!begin(r))
        return damaged(path, r, error);
    const size_t rows = png_get_image_height(r->png, r->info);
    const size_t columns = png_get_image_width(r->png, r->info);
    const mb_status status = mb_pictures_alloc(path, rows, columns, picture, error);
    if (status != MB_OK)
        return status;
    if (png_get_rowbytes(r->png, r->info) != 2 * columns)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: damaged PNG: pixels of no known kind", path);
    r->gray_alpha = malloc(2 * rows * columns);
    r->rows = calloc(rows, sizeof *r->rows);
    if (r->gray_alpha == NULL || r->rows == NULL)
        return mb_fail_memory(error, path, 2 * rows * columns);
    for (size_t row = 0; row < rows; row++)
        r->rows[row] = r->gray_alpha + 2 * row * columns;
    if (!read_rows(r))
        return damaged(path, r, error);
    compose(r->gray_alpha, rows * columns, picture->memory);
    return MB_OK;
}

mb_status mb_png_parse(const char *path, const mb_bytes *file, mb_pictures *images, mb_error *error)
{
    reader r = {.at = file->data, .end = file->data + file->size};
    mb_pictures picture = {0};
    mb_status status = check_chunks(path, file, error);
    if (status != MB_OK)
        return status;
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    r.info = r.png != NULL ? png_create_info_struct(r.png) : NULL;
    if (r.info == NULL)
        status = mb_fail_memory(error, path, sizeof r);
    else
        status = decode(path, &r, &picture, error);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    free(r.gray_alpha);
    free(r.rows);
    if (status == MB_OK)
        *images = picture;
    else
        mb_pictures_free(&picture);
    return status;
}
