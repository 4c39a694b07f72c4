#include "core/status.h"

#include "core/util.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Characters that a terminal would obey, or that change how the rest of the line looks. */
static bool is_control(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0, 0x1f},          /* C0 */
        {0x7f, 0x9f},       /* DEL, C1 */
        {0x61c, 0x61c},     /* Arabic letter mark */
        {0x200e, 0x200f},   /* marks of direction */
        {0x2028, 0x202e},   /* separators of lines; embeddings and overrides of direction */
        {0x2060, 0x206f},   /* invisible; isolates */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xfff9, 0xfffb},   /* annotations */
        {0xe0000, 0xe0fff}, /* tags, variation selectors */
    };
    for (size_t i = 0; i < MB_COUNT_OF(ranges); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

/* Bytes of the UTF-8 character at `text`, 0 if there is none; *c is its code point. */
static size_t decode(const unsigned char *text, uint32_t *c)
{
    static const uint32_t first[] = {0, 0, 0x80, 0x800, 0x10000}; /* of this length */
    const size_t size = *text < 0x80   ? 1
                        : *text < 0xc0 ? 0
                        : *text < 0xe0 ? 2
                        : *text < 0xf0 ? 3
                                       : 4;
    if (size <= 1) {
        *c = *text;
        return size;
    }
    *c = *text & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (text[i] & 0x3fu);
    }
    const bool surrogate = *c >= 0xd800 && *c <= 0xdfff;
    return *text < 0xf8 && *c >= first[size] && *c <= 0x10ffff && !surrogate ? size : 0;
}

/* Replaces control characters and bytes that are not UTF-8. Ends text that was cut off at `size`
 * with "...". */
static void mask(char *text, size_t size, bool truncated)
{
    static const char more[] = "...";
    const char *from = text, *const end = text + strlen(text) - (truncated ? sizeof more - 1 : 0);
    char *to = text;
    while (from < end) {
        uint32_t c;
        const size_t length = decode((const unsigned char *)from, &c);
        if (truncated && length > (size_t)(end - from))
            break;
        if (length > 0 && !is_control(c)) {
            memmove(to, from, length);
            to += length;
        } else {
            *to++ = '?';
        }
        from += length > 0 ? length : 1;
    }
    snprintf(to, size - (size_t)(to - text), "%s", truncated ? more : "");
}

char *mb_printable(const char *text, char *shown, size_t size)
{
    const int length = snprintf(shown, size, "%s", text);
    mask(shown, size, length < 0 || (size_t)length >= size);
    return shown;
}

mb_status mb_fail(mb_error *error, mb_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    mask(error->text, sizeof error->text, length < 0 || (size_t)length >= sizeof error->text);
    error->status = status;
    return status;
}

mb_status mb_fail_memory(mb_error *error, const char *what, size_t bytes)
{
    return mb_fail(error, MB_ERROR_MEMORY, "%s: out of memory: %zu bytes", what, bytes);
}
