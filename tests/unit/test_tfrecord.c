#include "report/tfrecord.h"
#include "test.h"

#include <string.h>

static uint32_t crc_of(const char *text) { return mb_crc32c((const uint8_t *)text, strlen(text)); }

/* The check value of the catalogues, and the vectors of RFC 3720, B.4. */
TEST(crc_of_known_bytes)
{
    uint8_t bytes[32] = {0};
    assert_int_equal(crc_of(""), 0);
    assert_int_equal(crc_of("123456789"), 0xe3069283);
    assert_int_equal(mb_crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(mb_crc32c(bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(mb_crc32c(bytes, 32), 0x46dd794e);
}

/* Length, data and masked checksum, where they belong. */
TEST(frame_around_data)
{
    uint8_t record[3 + MB_TFRECORD_FRAME] = {0};
    memcpy(record + MB_TFRECORD_HEAD, "abc", 3);
    mb_tfrecord_frame(record, 3);
    const uint8_t length[8] = {3};
    assert_memory_equal(record, length, 8);
    assert_memory_equal(record + MB_TFRECORD_HEAD, "abc", 3);
    const uint32_t crc = crc_of("abc"), masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8;
    for (int i = 0; i < 4; i++)
        assert_int_equal(record[MB_TFRECORD_HEAD + 3 + i], (masked >> (8 * i)) & 0xff);
}
