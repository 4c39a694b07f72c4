/* Characters of UTF-8 texts. */
#ifndef MB_CORE_UTF8_H
#define MB_CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the UTF-8 character at `bytes`, which end with a 0; 0 if there is none. *c is its code
 * point. */
size_t mb_utf8_decode(const char *bytes, uint32_t *c);

/* True for characters that a terminal obeys, or that change how the rest of the line looks. */
bool mb_utf8_is_control(uint32_t c);

#endif
