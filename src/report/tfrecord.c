#include "report/tfrecord.h"

#include "core/endian.h"

/* The polynomial with its lowest power first. A record is short: a table would not pay. */
static const uint32_t polynomial = 0x82f63b78;

uint32_t mb_crc32c(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
    }
    return ~crc;
}

/* Masked, because the checksum of data that hold their own checksum says little. */
static void put_masked(uint8_t *bytes, const uint8_t *data, size_t size)
{
    const uint32_t crc = mb_crc32c(data, size);
    const uint32_t masked = (crc >> 15 | crc << 17) + 0xa282ead8;
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(masked >> 8 * i);
}

void mb_tfrecord_frame(uint8_t *record, size_t size)
{
    mb_store_le64(record, size);
    put_masked(record + 8, record, 8);
    put_masked(record + MB_TFRECORD_HEAD + size, record + MB_TFRECORD_HEAD, size);
}
