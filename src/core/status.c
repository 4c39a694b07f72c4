#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>

mb_status mb_fail(mb_error *error, mb_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    for (char *c = error->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    error->status = status;
    return status;
}

mb_status mb_fail_memory(mb_error *error, const char *what, size_t bytes)
{
    return mb_fail(error, MB_ERROR_MEMORY, "%s: out of memory: %zu bytes", what, bytes);
}
