#include "data/class_names.h"

#include "core/status.h"
#include "core/utf8.h"

#include <string.h>

static bool is_valid(const char *name)
{
    size_t length = 0, next = 1;
    uint32_t c;
    for (; name[length] != '\0' && next > 0 && length <= MB_CLASS_NAME_SIZE; length += next) {
        next = mb_utf8_decode(name + length, &c);
        if (mb_utf8_is_control(c))
            return false;
    }
    return next > 0 && length > 0 && length <= MB_CLASS_NAME_SIZE;
}

mb_status mb_class_names_check(const char *const *names, size_t count, mb_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_valid(names[i]))
            return mb_fail(error, MB_ERROR_INVALID,
                           "class name %zu: must be 1 to %d bytes of UTF-8 without control "
                           "characters, got \"%s\"",
                           i + 1, MB_CLASS_NAME_SIZE, names[i]);
        for (size_t other = 0; other < i; other++)
            if (strcmp(names[i], names[other]) == 0)
                return mb_fail(error, MB_ERROR_INVALID, "class names %zu and %zu: both are \"%s\"",
                               other + 1, i + 1, names[i]);
    }
    return MB_OK;
}
