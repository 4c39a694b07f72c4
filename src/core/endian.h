/* Integers and IEEE 754 values in files: at any address, in a stated byte order. */
#ifndef MB_CORE_ENDIAN_H
#define MB_CORE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t mb_load_be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline uint32_t mb_load_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static inline uint64_t mb_load_le64(const uint8_t *bytes)
{
    return (uint64_t)mb_load_le32(bytes + 4) << 32 | mb_load_le32(bytes);
}

static inline void mb_store_be32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline void mb_store_le32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static inline void mb_store_le64(uint8_t *bytes, uint64_t value)
{
    mb_store_le32(bytes, (uint32_t)value);
    mb_store_le32(bytes + 4, (uint32_t)(value >> 32));
}

/* Copies `count` values of `size` bytes from memory to little-endian bytes, or back; NaN payloads
 * survive. */
static inline void mb_copy_le(void *to, const void *from, size_t count, size_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count > 0)
        memcpy(to, from, count * size);
#else
    for (size_t i = 0; i < count; i++)
        for (size_t byte = 0; byte < size; byte++)
            ((uint8_t *)to)[i * size + byte] = ((const uint8_t *)from)[i * size + size - 1 - byte];
#endif
}

#endif
