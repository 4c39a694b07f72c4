#include "picture/decode.h"

#include "core/endian.h"
#include "core/file_format.h"
#include "picture/pix.h"
#include "picture/tiff_tags.h"

#include <libdeflate.h>
#include <string.h>

/* Header of a PNG: length and type of its chunk, width, height, depth and color type. */
enum { SIGNATURE = 8, FRAME = 12, WIDTH = 16, HEIGHT = 20, COLOR_TYPE = 25, HEADER_END = 33 };

/* True if the chunk changes pixels: it is critical (upper case), or gives a transparent color. The
 * others (profiles, texts, times) are removed, because libpng prints warnings about them.
 */
static bool has_pixels(const uint8_t *type, size_t length, uint8_t color_type)
{
    if (memcmp(type, "tRNS", 4) == 0)
        return color_type == 3 || (color_type == 0 && length == 2) ||
               (color_type == 2 && length == 6);
    return (type[0] & 0x20) == 0;
}

static mb_status check_png_header(const char *path, const mb_bytes *file, mb_error *error)
{
    enum { MAX_SIDE = 1000 * 1000 }; /* libpng's limit, which prints if it is exceeded */
    const uint8_t *data = file->data;
    if (file->size < HEADER_END)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: truncated PNG: %zu bytes, its header has %d",
                       path, file->size, HEADER_END);
    if (memcmp(data + SIGNATURE + 4, "CgBI", 4) == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: a PNG for Apple's devices only (CgBI)", path);
    if (memcmp(data + SIGNATURE, "\0\0\0\x0dIHDR", 8) != 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: damaged PNG: bad header", path);
    if (mb_load_be32(data + WIDTH) > MAX_SIDE || mb_load_be32(data + HEIGHT) > MAX_SIDE)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: too large: %ux%u, at most %d pixels a side",
                       path, mb_load_be32(data + HEIGHT), mb_load_be32(data + WIDTH), MAX_SIDE);
    return MB_OK;
}

/* Checks every chunk of a PNG with pixels up to the last, and removes those without pixels from the
 * file. Leptonica stops reading after the last pixel and does not miss the end. */
static mb_status check_png(const char *path, mb_bytes *file, int *orientation, mb_error *error)
{
    const mb_status status = check_png_header(path, file, error);
    size_t at = SIGNATURE, to = SIGNATURE;
    for (bool ended = status != MB_OK; !ended;) {
        uint8_t *chunk = file->data + at, *type = chunk + 4;
        const size_t left = file->size - at;
        if (left < FRAME || mb_load_be32(chunk) > left - FRAME)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: truncated PNG: %zu bytes, its end is missing", path, file->size);
        const size_t length = mb_load_be32(chunk);
        const bool needed = has_pixels(type, length, file->data[COLOR_TYPE]);
        if (needed && libdeflate_crc32(0, type, 4 + length) != mb_load_be32(type + 4 + length))
            return mb_fail(error, MB_ERROR_FORMAT, "%s: damaged PNG: wrong checksum at byte %zu",
                           path, at);
        ended = memcmp(type, "IEND", 4) == 0;
        if (memcmp(type, "eXIf", 4) == 0)
            *orientation = mb_exif_orientation(type + 4, length);
        if (needed) {
            memmove(file->data + to, chunk, FRAME + length);
            to += FRAME + length;
        }
        at += FRAME + length;
    }
    if (status == MB_OK)
        file->size = to;
    return status;
}

/* Finds the end marker by walking markers and the data of scans, in which 0xff is followed by 0 or
 * a restart marker. libjpeg fills the missing part of a truncated file with gray. */
static mb_status check_jpeg(const char *path, const mb_bytes *file, int *orientation,
                            mb_error *error)
{
    enum { FILL = 0xff, RESTART = 0xd0, END = 0xd9, APP1 = 0xe1 };
    size_t at = 2;
    while (at + 1 < file->size) {
        const uint8_t *marker = file->data + at;
        if (marker[0] != FILL || marker[1] == 0 || marker[1] == FILL ||
            (marker[1] >= RESTART && marker[1] < RESTART + 8))
            at++;
        else if (marker[1] == END)
            return MB_OK;
        else {
            const size_t left = file->size - at;
            if (marker[1] == APP1 && left > 10 && memcmp(marker + 4, "Exif\0", 6) == 0)
                *orientation = mb_exif_orientation(marker + 10, left - 10);
            at += at + 3 < file->size ? 2 + ((size_t)marker[2] << 8 | marker[3]) : 4;
        }
    }
    return mb_fail(error, MB_ERROR_FORMAT, "%s: truncated JPEG: %zu bytes, its end is missing",
                   path, file->size);
}

/* Gray value of the background of transparent pixels. A drawing on a transparent background is ink
 * only and gets the background that contrasts with it. If the visible part covers more than half of
 * the picture and has contrast, it shows its background, and holes get the nearer extreme. */
static int background_of(PIX *gray, PIX *alpha)
{
    enum { VISIBLE = 32, CONTRAST = 64 };
    l_float32 mean = 0.0f, opacity = 0.0f, darkest = 0.0f, lightest = 0.0f;
    PIX *visible = pixThresholdToBinary(alpha, VISIBLE);
    pixInvert(visible, visible);
    pixGetAverageMasked(gray, visible, 0, 0, 1, L_MEAN_ABSVAL, &mean);
    pixGetAverageMasked(alpha, NULL, 0, 0, 1, L_MEAN_ABSVAL, &opacity);
    pixGetRankValueMasked(gray, visible, 0, 0, 1, 0.0f, &darkest, NULL);
    pixGetRankValueMasked(gray, visible, 0, 0, 1, 1.0f, &lightest, NULL);
    pixDestroy(&visible);
    const bool own_background = opacity > 127.5f && lightest - darkest > CONTRAST;
    return (mean >= 128.0f) == own_background ? 255 : 0;
}

/* Converts to 8 bits of gray, or 32 bits of color; frees `pix`. NULL if that is NULL or memory is
 * out. */
static PIX *convert(PIX *pix, bool color)
{
    PIX *alpha = NULL;
    mb_pix_replace(&pix, pixRemoveColormap(pix, REMOVE_CMAP_BASED_ON_SRC));
    if (pix != NULL && pixGetSpp(pix) == 4)
        alpha = pixGetRGBComponent(pix, L_ALPHA_CHANNEL);
    PIX *gray = color && alpha == NULL ? NULL : pixConvertTo8(pix, 0);
    mb_pix_replace(&pix, color ? pixConvertTo32(pix) : pixClone(gray));
    if (alpha != NULL) {
        PIX *background = pixCreateTemplate(pix);
        pixSetAllGray(background, background_of(gray, alpha));
        mb_pix_replace(&pix, pixBlendWithGrayMask(background, pix, alpha, 0, 0));
        pixDestroy(&background);
        pixDestroy(&alpha);
    }
    pixDestroy(&gray);
    return pix;
}

/* Leptonica reads the first page of integers. */
static mb_status check_tiff(const char *path, const mb_bytes *file, mb_error *error)
{
    enum { FLOAT = 3, REDUCED = 1 };
    const size_t page = mb_tiff_first(file->data, file->size);
    const size_t next = page != 0 ? mb_tiff_next(file->data, file->size, page) : 0;
    if (page != 0 && mb_tiff_tag(file->data, file->size, page, MB_TIFF_SAMPLE_FORMAT, 1) == FLOAT)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: a TIFF of floating-point samples: 1 to 16 bits are read", path);
    if (next != 0 && (mb_tiff_tag(file->data, file->size, next, MB_TIFF_SUBFILE, 0) & REDUCED) == 0)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: a TIFF of several pages: a picture has one, split it", path);
    return MB_OK;
}

/* Turns the picture as EXIF's orientation, 1 to 8, says: flipped from left to right, then turned
 * by quarters clockwise. */
static void turn(PIX **pix, int orientation)
{
    static const struct {
        bool flipped;
        int quarters;
    } turns[] = {{false, 0}, {true, 0},  {false, 2}, {true, 2},
                 {true, 3},  {false, 1}, {true, 1},  {false, 3}};
    if (turns[orientation - 1].flipped)
        mb_pix_replace(pix, pixFlipLR(NULL, *pix));
    mb_pix_replace(pix, pixRotateOrth(*pix, turns[orientation - 1].quarters));
}

/* Copies the pixels to the memory of the picture, which has that size in another orientation. */
static void copy_pixels(PIX *pix, mb_pictures *picture)
{
    const size_t rows = (size_t)pixGetHeight(pix), columns = (size_t)pixGetWidth(pix);
    const size_t plane = rows * columns;
    picture->rows = rows;
    picture->columns = columns;
    for (size_t row = 0; row < rows; row++) {
        const l_uint32 *line = pixGetData(pix) + row * (size_t)pixGetWpl(pix);
        uint8_t *to = picture->memory + row * columns;
        for (size_t column = 0; column < columns && picture->channels == 1; column++)
            to[column] = (uint8_t)GET_DATA_BYTE(line, column);
        for (size_t column = 0; column < columns && picture->channels == 3; column++) {
            to[column] = (uint8_t)(line[column] >> L_RED_SHIFT);
            to[plane + column] = (uint8_t)(line[column] >> L_GREEN_SHIFT);
            to[2 * plane + column] = (uint8_t)(line[column] >> L_BLUE_SHIFT);
        }
    }
}

static mb_status decode(const char *path, const char *name, size_t channels, const mb_bytes *file,
                        int orientation, mb_pictures *pictures, mb_error *error)
{
    int columns = 0, rows = 0;
    if (pixReadHeaderMem(file->data, file->size, NULL, &columns, &rows, NULL, NULL, NULL) != 0 ||
        columns <= 0 || rows <= 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: damaged or truncated %s: bad header", path,
                       name);
    const mb_status status =
        mb_pictures_alloc(path, channels, (size_t)rows, (size_t)columns, pictures, error);
    if (status != MB_OK)
        return status;
    PIX *pix = convert(pixReadMem(file->data, file->size), channels == 3);
    const bool whole = pixGetWidth(pix) == columns && pixGetHeight(pix) == rows;
    turn(&pix, orientation);
    const bool read = whole && pix != NULL;
    if (read)
        copy_pixels(pix, pictures);
    pixDestroy(&pix);
    if (read)
        return MB_OK;
    mb_pictures_free(pictures);
    return mb_fail(error, MB_ERROR_FORMAT, "%s: damaged or truncated %s", path, name);
}

static const char *name_of(const mb_bytes *file)
{
    int format = IFF_UNKNOWN;
    if (file->size >= 12) /* that format detection reads */
        findFileFormatBuffer(file->data, &format);
    switch (format) {
    case IFF_PNG:
        return "PNG";
    case IFF_JFIF_JPEG:
        return "JPEG";
    case IFF_TIFF:
        return "TIFF";
    case IFF_BMP:
        return "BMP";
    case IFF_WEBP:
        return "WebP";
    case IFF_PNM:
        return "PNM";
    default:
        return NULL;
    }
}

static mb_status fail_format(const char *path, const mb_bytes *file, mb_error *error)
{
    const char *format = mb_file_format(file);
    return mb_fail(error, MB_ERROR_FORMAT, "%s: is not " MB_PICTURE_FORMATS "%s%s", path,
                   format != NULL ? ": it is " : "", format != NULL ? format : "");
}

mb_status mb_picture_decode(const char *path, size_t channels, mb_bytes *file,
                            mb_pictures *pictures, mb_error *error)
{
    mb_pictures picture = {0};
    int orientation = 1;
    mb_pix_messages_off();
    const char *name = name_of(file);
    mb_status status = MB_OK;
    if (name == NULL)
        status = fail_format(path, file, error);
    else if (strcmp(name, "PNG") == 0)
        status = check_png(path, file, &orientation, error);
    else if (strcmp(name, "JPEG") == 0)
        status = check_jpeg(path, file, &orientation, error);
    else if (strcmp(name, "TIFF") == 0)
        status = check_tiff(path, file, error);
    if (status == MB_OK)
        status = decode(path, name, channels, file, orientation, &picture, error);
    if (status == MB_OK)
        *pictures = picture;
    mb_pix_messages_on();
    return status;
}
