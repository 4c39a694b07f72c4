/* SHA-256 of a list of buffers. */
#ifndef MB_CORE_DIGEST_H
#define MB_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* Hexadecimal digits of a digest. */
enum { MB_DIGEST_DIGITS = 64 };

typedef struct mb_digest {
    char text[MB_DIGEST_DIGITS + 1];
} mb_digest;

/* One buffer; the caller owns `data`. */
typedef struct mb_span {
    const void *data;
    size_t size;
} mb_span;

/* The digest of all buffers, concatenated, as bytes. */
void mb_sha256_bytes(const mb_span *spans, size_t count, uint8_t bytes[MB_DIGEST_DIGITS / 2]);

/* The digest of all buffers, concatenated; lower-case digits. */
mb_digest mb_sha256(const mb_span *spans, size_t count);

#endif
