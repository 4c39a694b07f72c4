/* SHA-256 of pieces of memory, by which equal bytes are told from others. */
#ifndef MB_CORE_DIGEST_H
#define MB_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* Characters of a digest in hexadecimal, without the 0 at the end. */
enum { MB_DIGEST_DIGITS = 64 };

typedef struct mb_digest {
    char text[MB_DIGEST_DIGITS + 1];
} mb_digest;

/* One piece of what is digested; borrowed. */
typedef struct mb_span {
    const void *data;
    size_t size;
} mb_span;

/* The digest of all pieces, one behind the other, in lower-case digits. */
mb_digest mb_sha256(const mb_span *spans, size_t count);

#endif
