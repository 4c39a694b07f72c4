/* Common to the fuzz targets. */
#ifndef MB_TESTS_FUZZ_H
#define MB_TESTS_FUZZ_H

#include "core/file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for any input: ends the program with the place of a condition that does not. */
#define require(holds)                                                                             \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds);                            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A failure fills the error, with one line; memory does not run out. */
static inline void require_reported(mb_status status, const mb_error *error)
{
    require(status != MB_ERROR_MEMORY);
    require(status == MB_OK || (error->status == status && error->text[0] != '\0'));
    require(status == MB_OK || strchr(error->text, '\n') == NULL);
}

/* An allocation of exactly this size, so that reads past the end are detected; for free. */
static inline mb_bytes copy_of(const uint8_t *data, size_t size)
{
    const mb_bytes copy = {malloc(size > 0 ? size : 1), size};
    require(copy.data != NULL);
    if (size > 0)
        memcpy(copy.data, data, size);
    return copy;
}

/* A size of two bytes, little-endian. */
static inline size_t size_at(const uint8_t *bytes) { return bytes[0] | (size_t)bytes[1] << 8; }

/* The bytes as a string, for free. */
static inline char *text_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
