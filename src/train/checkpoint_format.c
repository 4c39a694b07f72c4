#include "train/checkpoint_format.h"

#include <stdio.h>
#include <string.h>

bool mb_checkpoint_checksum(mb_bytes bytes, const char *value, mb_digest *digest, size_t *place)
{
    /* Quotation marks are escaped within JSON strings: there is one place with this text. */
    static const char key[] = "\"checksum\":\"";
    static const char zeros[MB_DIGEST_DIGITS + 1] =
        "0000000000000000000000000000000000000000000000000000000000000000";
    const size_t key_length = sizeof key - 1;
    const uint8_t *found = memmem(bytes.data, bytes.size, key, key_length);
    if (found == NULL || strlen(value) != MB_DIGEST_DIGITS)
        return false;
    const size_t at = (size_t)(found - bytes.data) + key_length;
    const size_t end = at + MB_DIGEST_DIGITS;
    if (end > bytes.size || memcmp(bytes.data + at, value, MB_DIGEST_DIGITS) != 0)
        return false;
    const mb_span spans[] = {
        {bytes.data, at}, {zeros, MB_DIGEST_DIGITS}, {bytes.data + end, bytes.size - end}};
    *digest = mb_sha256(spans, sizeof spans / sizeof *spans);
    *place = at;
    return true;
}

void mb_checkpoint_blas(const mb_machine *machine, char text[MB_CHECKPOINT_BLAS_SIZE])
{
    const mb_machine_info *info = mb_machine_describe(machine);
    snprintf(text, MB_CHECKPOINT_BLAS_SIZE, "%s %s", info->blas_version, info->blas_core);
}

const char *mb_checkpoint_key(mb_arena *arena, const char *prefix, const char *name)
{
    const size_t size = strlen(prefix) + strlen(name) + 1;
    char *key = mb_arena_alloc(arena, size, 1);
    if (key != NULL)
        snprintf(key, size, "%s%s", prefix, name);
    return key;
}

static bool is_plain(char c) { return c > ' ' && c < 127 && c != '%'; }

const char *mb_checkpoint_encode(mb_arena *arena, const char *text)
{
    char *coded = mb_arena_alloc(arena, 3 * strlen(text) + 1, 1), *next = coded;
    if (coded == NULL)
        return NULL;
    for (; *text != '\0'; text++)
        if (is_plain(*text))
            *next++ = *text;
        else
            next += sprintf(next, "%%%02X", (unsigned)(unsigned char)*text);
    return coded;
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

const char *mb_checkpoint_decode(mb_arena *arena, const char *coded)
{
    char *text = mb_arena_alloc(arena, strlen(coded) + 1, 1), *next = text;
    if (text == NULL)
        return NULL;
    while (*coded != '\0') {
        if (*coded != '%') {
            *next++ = *coded++;
            continue;
        }
        const int high = digit_of(coded[1]), low = high >= 0 ? digit_of(coded[2]) : -1;
        if (low < 0 || high + low == 0)
            return NULL;
        *next++ = (char)(16 * high + low);
        coded += 3;
    }
    return text;
}
