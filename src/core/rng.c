#include "core/rng.h"

static const uint64_t golden_gamma = 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio, odd */

static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return bits ^ (bits >> 31);
}

mb_rng mb_rng_at(uint64_t seed, mb_rng_purpose purpose, uint64_t epoch, uint64_t index)
{
    uint64_t state = mix(seed + golden_gamma);
    state = mix(state ^ (uint64_t)purpose * golden_gamma);
    state = mix(state + epoch * golden_gamma);
    state = mix(state ^ index * golden_gamma);
    return (mb_rng){state};
}

uint64_t mb_rng_next(mb_rng *rng)
{
    rng->state += golden_gamma;
    return mix(rng->state);
}

uint32_t mb_rng_below(mb_rng *rng, uint32_t bound)
{
    uint64_t product = (mb_rng_next(rng) >> 32) * bound;
    if ((uint32_t)product < bound) {
        const uint32_t threshold = -bound % bound;
        while ((uint32_t)product < threshold)
            product = (mb_rng_next(rng) >> 32) * bound;
    }
    return (uint32_t)(product >> 32);
}

float mb_rng_uniform(mb_rng *rng) { return (float)(mb_rng_next(rng) >> 40) * 0x1p-24f; }
