/* Unpacks any bytes as gzip, within a limit that the first byte gives: what is accepted has the
 * bytes that zlib unpacks. */
#include "fuzz/fuzz.h"

#include "data/gunzip.h"

#include <zlib.h>

enum { MAX_SHIFT = 20, GZIP_WINDOW = 15 + 16 };

static uint8_t unpacked[1 << MAX_SHIFT];

/* All members, and zeros after them, as RFC 1952 has it; false if zlib refuses. *damaged: for
 * codes or a header's checksum, of which libdeflate takes some if the data's checksum is right. */
static bool unpack_by_zlib(const mb_bytes *packed, size_t *size, bool *damaged)
{
    mb_bytes rest = *packed;
    *size = 0;
    *damaged = false;
    while (mb_is_gzip(&rest)) {
        z_stream stream = {.next_in = rest.data,
                           .avail_in = (uInt)rest.size,
                           .next_out = unpacked + *size,
                           .avail_out = (uInt)(sizeof unpacked - *size)};
        require(inflateInit2(&stream, GZIP_WINDOW) == Z_OK);
        const int result = inflate(&stream, Z_FINISH);
        const size_t used = rest.size - stream.avail_in;
        *size = sizeof unpacked - stream.avail_out;
        *damaged = result == Z_DATA_ERROR;
        inflateEnd(&stream);
        if (result != Z_STREAM_END)
            return false;
        rest = (mb_bytes){rest.data + used, rest.size - used};
    }
    for (size_t i = 0; i < rest.size; i++)
        if (rest.data[i] != 0)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const size_t limit = (size_t)1 << data[0] % (MAX_SHIFT + 1);
    const mb_bytes packed = copy_of(data + 1, size - 1);
    mb_bytes out = {0};
    mb_error error = {0};
    const mb_status status = mb_gunzip("fuzz", &packed, limit, &out, &error);
    require_reported(status, &error);
    if (status == MB_OK) {
        size_t expected;
        bool damaged;
        const bool accepted = unpack_by_zlib(&packed, &expected, &damaged);
        require(out.size <= limit && (accepted || damaged));
        require(!accepted || (out.size == expected &&
                              (expected == 0 || memcmp(out.data, unpacked, expected) == 0)));
    }
    require(status == MB_OK || out.data == NULL);
    free(out.data);
    free(packed.data);
    return 0;
}
