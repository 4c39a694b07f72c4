#include "core/status.h"

#include "core/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Replaces control characters and bytes that are not UTF-8. Ends text that was cut off at `size`
 * with "...". */
static void mask(char *text, size_t size, bool truncated)
{
    static const char more[] = "...";
    const char *from = text, *const end = text + strlen(text) - (truncated ? sizeof more - 1 : 0);
    char *to = text;
    while (from < end) {
        uint32_t c;
        const size_t length = mb_utf8_decode(from, &c);
        if (truncated && length > (size_t)(end - from))
            break;
        if (length > 0 && !mb_utf8_is_control(c)) {
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
