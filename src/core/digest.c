#include "core/digest.h"

#include <nettle/sha2.h>
#include <nettle/version.h>

void mb_sha256_bytes(const mb_span *spans, size_t count, uint8_t bytes[MB_DIGEST_DIGITS / 2])
{
    struct sha256_ctx context;
    sha256_init(&context);
    for (size_t i = 0; i < count; i++)
        sha256_update(&context, spans[i].size, spans[i].data);
#if NETTLE_VERSION_MAJOR >= 4
    sha256_digest(&context, bytes);
#else
    sha256_digest(&context, SHA256_DIGEST_SIZE, bytes);
#endif
}

mb_digest mb_sha256(const mb_span *spans, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[MB_DIGEST_DIGITS / 2];
    mb_digest digest = {{0}};
    mb_sha256_bytes(spans, count, bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        digest.text[2 * i] = digits[bytes[i] >> 4];
        digest.text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return digest;
}
