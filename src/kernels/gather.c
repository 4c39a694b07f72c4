/* Bytes of images to floats in 0..1. */
#include "kernels/level.h"

#include <string.h>

void MB_AT_LEVEL(widen)(size_t n, const uint8_t *restrict bytes, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)bytes[i] / 255.0f;
}

void MB_AT_LEVEL(spread)(size_t n, const uint16_t *restrict index, const uint8_t *restrict value,
                         const uint16_t *restrict slot, size_t columns, float *restrict row)
{
    memset(row, 0, columns * sizeof *row);
    for (size_t i = 0; i < n; i++)
        row[slot[index[i]]] = (float)value[i] / 255.0f;
}
