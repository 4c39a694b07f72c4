#include "core/digest.h"

#include <nettle/sha2.h>
#include <nettle/version.h>

mb_digest mb_sha256(const mb_span *spans, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    struct sha256_ctx context;
    uint8_t bytes[SHA256_DIGEST_SIZE];
    mb_digest digest = {{0}};
    sha256_init(&context);
    for (size_t i = 0; i < count; i++)
        sha256_update(&context, spans[i].size, spans[i].data);
#if NETTLE_VERSION_MAJOR >= 4
    sha256_digest(&context, bytes);
#else
    sha256_digest(&context, sizeof bytes, bytes);
#endif
    for (size_t i = 0; i < sizeof bytes; i++) {
        digest.text[2 * i] = digits[bytes[i] >> 4];
        digest.text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return digest;
}
