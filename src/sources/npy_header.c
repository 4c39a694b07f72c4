/* The header of an NPY file. It is Python, of which only what NumPy writes is read. */
#include "core/parse.h"
#include "core/util.h"
#include "data/dataset.h"
#include "sources/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_HEADER = 1 << 16, PREFIX = 8, MAX_WORD = 32 };

static const char magic[] = "\x93NUMPY";

/* ---- words ---- */

static void skip_blanks(const char **at) { *at += strspn(*at, " \t\n"); }

/* Skips blanks and this character; false, with nothing but blanks skipped, at another. */
static bool take(const char **at, char c)
{
    skip_blanks(at);
    const bool there = **at == c;
    *at += there;
    return there;
}

/* A string in quotes, without escapes. */
static bool take_string(const char **at, char word[MAX_WORD])
{
    skip_blanks(at);
    const char quote = **at;
    if (quote != '\'' && quote != '"')
        return false;
    const char *end = strchr(*at + 1, quote);
    const size_t length = end != NULL ? (size_t)(end - *at - 1) : MAX_WORD;
    if (length >= MAX_WORD || memchr(*at + 1, '\\', length) != NULL)
        return false;
    memcpy(word, *at + 1, length);
    word[length] = '\0';
    *at = end + 1;
    return true;
}

static bool take_bool(const char **at, bool *value)
{
    skip_blanks(at);
    *value = strncmp(*at, "True", 4) == 0;
    const size_t length = *value ? 4 : 5;
    if (!*value && strncmp(*at, "False", length) != 0)
        return false;
    *at += length;
    return true;
}

/* ---- members of the dictionary ---- */

static mb_status fail_type(const char *name, const char *type, mb_error *error)
{
    const char kind = type[strspn(type, "<>|=")];
    if (kind == 'O')
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: holds Python objects (dtype object), which are pickled: reading them "
                       "could run any program: save an array of numbers",
                       name);
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: elements of type '%s'%s: must be bool, integers, or floats of 16, 32 or 64 "
                   "bits",
                   name, type,
                   kind == 'c'                  ? ", complex numbers"
                   : kind == 'U' || kind == 'S' ? ", texts"
                   : kind == 'M' || kind == 'm' ? ", times"
                                                : "");
}

/* "<f4": byte order, kind, bytes. */
static mb_status parse_type(mb_npy *npy, const char *type, mb_error *error)
{
    static const char kinds[] = {
        [MB_NPY_BOOL] = 'b', [MB_NPY_SIGNED] = 'i', [MB_NPY_UNSIGNED] = 'u', [MB_NPY_FLOAT] = 'f'};
    const char *at = type + (*type == '<' || *type == '>' || *type == '|');
    const char *kind = *at != '\0' ? memchr(kinds, *at, sizeof kinds) : NULL;
    size_t size;
    if (kind == NULL || !mb_parse_size(at + 1, 1, 8, &size) || (size & (size - 1)) != 0 ||
        (size > 1 && *type != '<' && *type != '>'))
        return fail_type(npy->stream.name, type, error);
    npy->kind = (mb_npy_kind)(kind - kinds);
    npy->size = size;
    npy->big_endian = *type == '>';
    if ((npy->kind == MB_NPY_BOOL && size > 1) || (npy->kind == MB_NPY_FLOAT && size == 1))
        return fail_type(npy->stream.name, type, error);
    return MB_OK;
}

/* "(60000, 28, 28)", "(3,)" or "()"; Python 2 wrote "3L". */
static bool take_shape(const char **at, mb_npy *npy)
{
    bool comma = true;
    npy->dimensions = 0;
    if (!take(at, '('))
        return false;
    while (!take(at, ')')) {
        size_t size;
        if (!comma || npy->dimensions == MB_NPY_MAX_DIMENSIONS ||
            !mb_take_size(at, 0, SIZE_MAX, &size))
            return false;
        npy->shape[npy->dimensions++] = size;
        *at += **at == 'L';
        comma = take(at, ',');
    }
    return comma || npy->dimensions > 1;
}

static mb_status parse_member(const char **at, const char *key, mb_npy *npy, mb_error *error)
{
    const char *name = npy->stream.name;
    char type[MAX_WORD];
    bool good;
    if (strcmp(key, "descr") == 0) {
        skip_blanks(at);
        if (**at == '[')
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: elements with fields (a structured dtype): must be numbers", name);
        good = take_string(at, type);
        if (good)
            return parse_type(npy, type, error);
    } else if (strcmp(key, "fortran_order") == 0) {
        good = take_bool(at, &npy->fortran_order);
    } else {
        good = take_shape(at, npy);
    }
    return good ? MB_OK
                : mb_fail(error, MB_ERROR_FORMAT, "%s: invalid NPY header: '%s' is not valid", name,
                          key);
}

/* Each of the keys once, and nothing else. */
static mb_status parse_dictionary(const char *at, mb_npy *npy, mb_error *error)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    bool comma = true, seen[MB_COUNT_OF(keys)] = {false};
    size_t found = 0;
    mb_status status = MB_OK;
    if (!take(&at, '{'))
        goto invalid;
    while (!take(&at, '}')) {
        char key[MAX_WORD];
        size_t i = 0;
        if (!comma || !take_string(&at, key) || !take(&at, ':'))
            goto invalid;
        while (i < MB_COUNT_OF(keys) && strcmp(key, keys[i]) != 0)
            i++;
        if (i == MB_COUNT_OF(keys) || seen[i])
            goto invalid;
        seen[i] = true;
        found++;
        status = parse_member(&at, key, npy, error);
        if (status != MB_OK)
            return status;
        comma = take(&at, ',');
    }
    skip_blanks(&at);
    if (*at == '\0' && found == MB_COUNT_OF(keys))
        return MB_OK;
invalid:
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: invalid NPY header: must be a dictionary of 'descr', 'fortran_order' and "
                   "'shape'",
                   npy->stream.name);
}

/* ---- the file ---- */

/* Reads the version and the length of the header; *prefix becomes the bytes before it. */
static mb_status read_length(mb_npy *npy, size_t *prefix, size_t *length, mb_error *error)
{
    const char *name = npy->stream.name;
    uint8_t start[PREFIX + 4] = {0};
    size_t got;
    mb_status status = npy->stream.read(&npy->stream, start, PREFIX, &got, error);
    if (status != MB_OK)
        return status;
    if (got < PREFIX || memcmp(start, magic, sizeof magic - 1) != 0)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: not an NPY array: must start with \"\\x93NUMPY\" and a version", name);
    const unsigned version = start[6];
    if (version < 1 || version > 3)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: NPY version %u.%u: must be 1, 2 or 3", name,
                       version, (unsigned)start[7]);
    const size_t bytes = version == 1 ? 2 : 4;
    status = npy->stream.read(&npy->stream, start + PREFIX, bytes, &got, error);
    if (status != MB_OK)
        return status;
    *prefix = PREFIX + bytes;
    *length = start[8] | (size_t)start[9] << 8 | (size_t)start[10] << 16 | (size_t)start[11] << 24;
    if (got == bytes && *length <= MAX_HEADER)
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: invalid NPY header: of %zu bytes, at most %d are read", name, *length,
                   MAX_HEADER);
}

static mb_status check_size(mb_npy *npy, size_t before, mb_error *error)
{
    const char *name = npy->stream.name;
    size_t bytes = npy->size;
    char shape[128];
    bool fits = true;
    npy->elements = 1;
    for (size_t i = 0; i < npy->dimensions; i++)
        if (npy->shape[i] == 0)
            return mb_fail(error, MB_ERROR_FORMAT, "%s: empty: shape %s", name,
                           mb_npy_shape(npy, shape, sizeof shape));
    for (size_t i = 0; i < npy->dimensions && fits; i++) {
        npy->elements *= npy->shape[i];
        fits = mb_multiply(bytes, npy->shape[i], &bytes) && bytes <= MB_DATA_MAX_BYTES;
    }
    if (!fits)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: too large: shape %s of %zu-byte elements, at most %zu bytes are read",
                       name, mb_npy_shape(npy, shape, sizeof shape), npy->size, MB_DATA_MAX_BYTES);
    const uint64_t there = npy->stream.size > before ? npy->stream.size - before : 0;
    if (there == bytes)
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: %s: the header promises %zu bytes of elements, %" PRIu64 " are there", name,
                   there < bytes ? "truncated" : "trailing garbage", bytes, there);
}

mb_status mb_npy_open(mb_byte_stream *stream, mb_npy *npy, mb_error *error)
{
    mb_npy made = {.stream = *stream};
    char text[MAX_HEADER + 1];
    size_t prefix = 0, length = 0, got = 0;
    *stream = (mb_byte_stream){0};
    mb_status status = read_length(&made, &prefix, &length, error);
    if (status == MB_OK)
        status = made.stream.read(&made.stream, text, length, &got, error);
    if (status == MB_OK && (got < length || memchr(text, '\0', length) != NULL))
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: %s NPY header, of %zu bytes",
                         made.stream.name, got < length ? "truncated" : "invalid", length);
    if (status == MB_OK) {
        text[length] = '\0';
        status = parse_dictionary(text, &made, error);
    }
    if (status == MB_OK)
        status = check_size(&made, prefix + length, error);
    if (status == MB_OK)
        *npy = made;
    else
        mb_npy_close(&made);
    return status;
}

char *mb_npy_shape(const mb_npy *npy, char *text, size_t size)
{
    snprintf(text, size, "(");
    for (size_t i = 0; i < npy->dimensions; i++) {
        const size_t length = strlen(text);
        snprintf(text + length, size - length, "%s%zu", i > 0 ? ", " : "", npy->shape[i]);
    }
    const size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", npy->dimensions == 1 ? ",)" : ")");
    return text;
}

void mb_npy_close(mb_npy *npy)
{
    mb_byte_stream_close(&npy->stream);
    *npy = (mb_npy){0};
}
