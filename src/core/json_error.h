/* JSON that is read, and why it could not be. */
#ifndef MB_CORE_JSON_ERROR_H
#define MB_CORE_JSON_ERROR_H

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>

/* json_loadb, but where memory is out while it reads a string, which it takes for a fault of the
 * text, *why has no text. */
static inline json_t *mb_json_load(const void *text, size_t size, size_t flags, json_error_t *why)
{
    errno = 0;
    json_t *value = json_loadb(text, size, flags, why);
    if (value == NULL && errno == ENOMEM)
        why->text[0] = '\0';
    return value;
}

/* True if mb_json_load or json_unpack_ex failed because memory was out: it leaves no text then, or
 * a code. */
static inline bool mb_json_out_of_memory(const json_error_t *why)
{
    return why->text[0] == '\0' || json_error_code(why) == json_error_out_of_memory;
}

#endif
