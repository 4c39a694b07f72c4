#include "picture/pgm.h"

enum { MAX_SAMPLE = 65535 };
#define MAX_SIDE ((size_t)1000 * 1000 * 1000)

typedef struct reader {
    const char *path;
    const uint8_t *at, *end;
    mb_error *error;
} reader;

static bool is_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool mb_is_pgm(const mb_bytes *file)
{
    return file->size >= 3 && file->data[0] == 'P' &&
           (file->data[1] == '5' || file->data[1] == '2') &&
           (is_blank(file->data[2]) || file->data[2] == '#');
}

/* Skips blanks and comments, which run from '#' to the end of the line. */
static void skip_blanks(reader *file)
{
    bool comment = false;
    for (; file->at < file->end && (comment || is_blank(*file->at) || *file->at == '#'); file->at++)
        comment = *file->at == '#' || (comment && *file->at != '\n' && *file->at != '\r');
}

/* Reads a decimal number; `what` is its name in errors. */
static mb_status read_number(reader *file, const char *what, size_t max, size_t *number)
{
    skip_blanks(file);
    if (file->at == file->end)
        return mb_fail(file->error, MB_ERROR_FORMAT, "%s: truncated: ends before its %s",
                       file->path, what);
    const uint8_t *begin = file->at;
    *number = 0;
    for (; file->at < file->end && *file->at >= '0' && *file->at <= '9' && *number <= max;
         file->at++)
        *number = 10 * *number + (size_t)(*file->at - '0');
    if (*number > max)
        return mb_fail(file->error, MB_ERROR_FORMAT, "%s: not a PGM file: its %s is above %zu",
                       file->path, what, max);
    if (file->at == begin || (file->at < file->end && !is_blank(*file->at) && *file->at != '#'))
        return mb_fail(file->error, MB_ERROR_FORMAT, "%s: not a PGM file: its %s is not a number",
                       file->path, what);
    return MB_OK;
}

/* Reads width, height and maximum, and the one blank that separates them from the samples. */
static mb_status read_header(reader *file, size_t *columns, size_t *rows, size_t *max)
{
    mb_status status = read_number(file, "width", MAX_SIDE, columns);
    if (status == MB_OK)
        status = read_number(file, "height", MAX_SIDE, rows);
    if (status == MB_OK)
        status = read_number(file, "largest value", MAX_SAMPLE, max);
    if (status != MB_OK)
        return status;
    if (*max == 0)
        return mb_fail(file->error, MB_ERROR_FORMAT, "%s: not a PGM file: its largest value is 0",
                       file->path);
    if (file->at == file->end || !is_blank(*file->at++))
        return mb_fail(file->error, MB_ERROR_FORMAT, "%s: truncated: ends before its pixels",
                       file->path);
    /* A sample takes at least a byte: a short file must not get the memory of a large picture. */
    if (*columns != 0 && *rows > (size_t)(file->end - file->at) / *columns)
        return mb_fail(file->error, MB_ERROR_FORMAT,
                       "%s: truncated: header promises %zux%zu pixels, %zu bytes are there",
                       file->path, *rows, *columns, (size_t)(file->end - file->at));
    return MB_OK;
}

static mb_status read_binary(reader *file, size_t bytes, size_t *sample)
{
    if ((size_t)(file->end - file->at) < bytes)
        return mb_fail(file->error, MB_ERROR_FORMAT, "%s: truncated: ends before its last pixel",
                       file->path);
    *sample = *file->at++;
    if (bytes == 2)
        *sample = *sample << 8 | *file->at++;
    return MB_OK;
}

static mb_status read_samples(reader *file, bool binary, size_t max, size_t pixels, uint8_t *gray)
{
    for (size_t i = 0; i < pixels; i++) {
        size_t sample = 0;
        const mb_status status = binary ? read_binary(file, max < 256 ? 1 : 2, &sample)
                                        : read_number(file, "next pixel", max, &sample);
        if (status != MB_OK)
            return status;
        if (sample > max)
            return mb_fail(file->error, MB_ERROR_FORMAT,
                           "%s: pixel %zu is %zu, the largest value is %zu", file->path, i, sample,
                           max);
        gray[i] = (uint8_t)((255 * sample + max / 2) / max);
    }
    if (!binary)
        skip_blanks(file);
    else /* the line end that editors and scripts add */
        for (const char *c = "\r\n"; *c != '\0'; c++)
            file->at += file->end - file->at <= 2 && file->at < file->end && *file->at == *c;
    if (file->at != file->end)
        return mb_fail(file->error, MB_ERROR_FORMAT,
                       "%s: trailing garbage: %zu bytes follow the picture", file->path,
                       (size_t)(file->end - file->at));
    return MB_OK;
}

mb_status mb_pgm_parse(const char *path, const mb_bytes *file, mb_pictures *pictures,
                       mb_error *error)
{
    reader samples = {path, file->data + 2, file->data + file->size, error};
    size_t columns = 0, rows = 0, max = 0;
    mb_pictures picture = {0};
    mb_status status = read_header(&samples, &columns, &rows, &max);
    if (status == MB_OK)
        status = mb_pictures_alloc(path, 1, rows, columns, &picture, error);
    if (status == MB_OK)
        status = read_samples(&samples, file->data[1] == '5', max, rows * columns, picture.memory);
    if (status == MB_OK)
        *pictures = picture;
    else
        mb_pictures_free(&picture);
    return status;
}
