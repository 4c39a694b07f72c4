/* A hash of (key, i) decides if element i is dropped, so the backward pass recomputes the mask. */
#include "kernels/kernel_set.h"

/* lowbias32: Wellons, "Prospecting for hash functions", 2018. */
static inline uint32_t hash_of(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

void MB_KERNEL_FN(dropout)(size_t n, uint64_t key, size_t first, uint32_t dropped, float scale,
                           float *restrict x)
{
    const uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
    const uint32_t start = (uint32_t)first;
#pragma omp simd
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        const uint32_t h = hash_of(hash_of(start + i + low) ^ high);
        x[i] = h < dropped ? 0.0f : x[i] * scale;
    }
}
