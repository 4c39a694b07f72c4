/* Numbers as files hold them: little-endian, at any address, whatever the machine's own order. */
#ifndef MB_CORE_ENDIAN_H
#define MB_CORE_ENDIAN_H

#include <stdint.h>
#include <string.h>

/* Writes the 8 bytes of `value`. */
static inline void mb_store_le64(uint8_t *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

/* Reads 8 bytes. */
static inline uint64_t mb_load_le64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

/* Writes the 4 bytes of an IEEE 754 single, NaN's payload included. */
static inline void mb_store_le_float(uint8_t *bytes, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(bits >> 8 * i);
}

/* Reads 4 bytes. */
static inline float mb_load_le_float(const uint8_t *bytes)
{
    uint32_t bits = 0;
    for (int i = 0; i < 4; i++)
        bits |= (uint32_t)bytes[i] << 8 * i;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The same for the 8 bytes of a double. */
static inline void mb_store_le_double(uint8_t *bytes, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    mb_store_le64(bytes, bits);
}

static inline double mb_load_le_double(const uint8_t *bytes)
{
    const uint64_t bits = mb_load_le64(bytes);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
