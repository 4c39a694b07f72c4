#include "data/pgm.h"

enum { MOST_SAMPLE = 65535 };
#define MOST_NUMBER ((size_t)1000 * 1000 * 1000)

/* Where the reader is. */
typedef struct cursor {
    const char *path;
    const uint8_t *at, *end;
    mb_error *error;
} cursor;

static bool is_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool mb_is_pgm(const mb_bytes *file)
{
    return file->size >= 3 && file->data[0] == 'P' &&
           (file->data[1] == '5' || file->data[1] == '2') &&
           (is_blank(file->data[2]) || file->data[2] == '#');
}

static void pass_blanks(cursor *c)
{
    while (c->at < c->end && (is_blank(*c->at) || *c->at == '#'))
        if (*c->at == '#')
            while (c->at < c->end && *c->at != '\n' && *c->at != '\r')
                c->at++;
        else
            c->at++;
}

/* The next decimal number; `what` is what an error calls it. */
static mb_status read_number(cursor *c, const char *what, size_t most, size_t *number)
{
    pass_blanks(c);
    if (c->at == c->end)
        return mb_fail(c->error, MB_ERROR_FORMAT, "%s: truncated: ends before its %s", c->path,
                       what);
    const uint8_t *begin = c->at;
    *number = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && *number <= most; c->at++)
        *number = 10 * *number + (size_t)(*c->at - '0');
    if (c->at == begin || (c->at < c->end && *number <= most && !is_blank(*c->at) && *c->at != '#'))
        return mb_fail(c->error, MB_ERROR_FORMAT, "%s: not a PGM file: its %s is not a number",
                       c->path, what);
    if (*number > most)
        return mb_fail(c->error, MB_ERROR_FORMAT, "%s: not a PGM file: its %s is above %zu",
                       c->path, what, most);
    return MB_OK;
}

/* To 0 .. 255, rounded. */
static uint8_t scaled(size_t sample, size_t largest)
{
    return (uint8_t)((255 * sample + largest / 2) / largest);
}

static mb_status read_binary(cursor *c, size_t largest, size_t pixels, uint8_t *gray)
{
    const size_t bytes = largest < 256 ? 1 : 2, there = (size_t)(c->end - c->at);
    if (there < bytes * pixels)
        return mb_fail(c->error, MB_ERROR_FORMAT,
                       "%s: truncated: header promises %zu bytes of pixels, %zu are there", c->path,
                       bytes * pixels, there);
    for (size_t i = 0; i < pixels; i++, c->at += bytes) {
        const size_t sample = bytes == 1 ? *c->at : (size_t)c->at[0] << 8 | c->at[1];
        if (sample > largest)
            return mb_fail(c->error, MB_ERROR_FORMAT,
                           "%s: pixel %zu is %zu, the largest value is %zu", c->path, i, sample,
                           largest);
        gray[i] = scaled(sample, largest);
    }
    return MB_OK;
}

static mb_status read_decimal(cursor *c, size_t largest, size_t pixels, uint8_t *gray)
{
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < pixels; i++) {
        size_t sample;
        status = read_number(c, "next pixel", largest, &sample);
        if (status == MB_OK)
            gray[i] = scaled(sample, largest);
    }
    pass_blanks(c);
    return status;
}

/* Width, height, largest value; one blank separates them from binary samples. */
static mb_status read_header(cursor *c, size_t *columns, size_t *rows, size_t *largest)
{
    mb_status status = read_number(c, "width", MOST_NUMBER, columns);
    if (status == MB_OK)
        status = read_number(c, "height", MOST_NUMBER, rows);
    if (status == MB_OK)
        status = read_number(c, "largest value", MOST_SAMPLE, largest);
    if (status != MB_OK)
        return status;
    if (*largest == 0)
        return mb_fail(c->error, MB_ERROR_FORMAT, "%s: not a PGM file: its largest value is 0",
                       c->path);
    if (c->at == c->end || !is_blank(*c->at))
        return mb_fail(c->error, MB_ERROR_FORMAT, "%s: truncated: ends before its pixels", c->path);
    c->at++;
    return MB_OK;
}

/* The fewest bytes that the samples can take: checked before memory is, as a short file may promise
 * a large picture. */
static mb_status check_length(const cursor *c, size_t columns, size_t rows)
{
    if (columns != 0 && rows > (size_t)(c->end - c->at) / columns)
        return mb_fail(c->error, MB_ERROR_FORMAT,
                       "%s: truncated: header promises %zux%zu pixels, %zu bytes are there",
                       c->path, rows, columns, (size_t)(c->end - c->at));
    return MB_OK;
}

mb_status mb_pgm_parse(const char *path, const mb_bytes *file, mb_pictures *images, mb_error *error)
{
    const bool binary = file->data[1] == '5';
    cursor c = {path, file->data + 2, file->data + file->size, error};
    size_t columns = 0, rows = 0, largest = 0;
    mb_pictures picture = {0};
    mb_status status = read_header(&c, &columns, &rows, &largest);
    if (status == MB_OK)
        status = check_length(&c, columns, rows);
    if (status == MB_OK)
        status = mb_pictures_alloc(path, rows, columns, &picture, error);
    if (status == MB_OK)
        status = (binary ? read_binary : read_decimal)(&c, largest, rows * columns, picture.memory);
    if (status == MB_OK && c.at != c.end)
        status =
            mb_fail(error, MB_ERROR_FORMAT, "%s: trailing garbage: %zu bytes follow the picture",
                    path, (size_t)(c.end - c.at));
    if (status == MB_OK)
        *images = picture;
    else
        mb_pictures_free(&picture);
    return status;
}
