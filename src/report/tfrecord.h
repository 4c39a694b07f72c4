/* Records as TensorFlow's files hold them (TFRecord):
 *
 *     8 bytes   length of the data, little-endian
 *     4 bytes   checksum of these 8, masked
 *     data
 *     4 bytes   checksum of the data, masked
 *
 * The checksum is CRC-32C: Castagnoli, Braeuer and Herrmann, 1993. */
#ifndef MB_REPORT_TFRECORD_H
#define MB_REPORT_TFRECORD_H

#include <stddef.h>
#include <stdint.h>

/* Bytes before the data, and around it. */
enum { MB_TFRECORD_HEAD = 12, MB_TFRECORD_FRAME = 16 };

/* Fills in what is around `size` bytes of data, which are at record + MB_TFRECORD_HEAD. */
void mb_tfrecord_frame(uint8_t *record, size_t size);

/* CRC-32C; of no bytes it is 0, and of "123456789" 0xe3069283. */
uint32_t mb_crc32c(const uint8_t *data, size_t size);

#endif
