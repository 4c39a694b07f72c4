/* Why JSON could not be read. */
#ifndef MB_CORE_JSON_ERROR_H
#define MB_CORE_JSON_ERROR_H

#include <jansson.h>
#include <stdbool.h>

/* True if json_load* or json_unpack_ex failed because memory was out: it leaves no text then, or a
 * code. */
static inline bool mb_json_out_of_memory(const json_error_t *why)
{
    return why->text[0] == '\0' || json_error_code(why) == json_error_out_of_memory;
}

#endif
