#include "data/sampler.h"

#include "core/rng.h"

void mb_sampler_sequential(size_t count, uint32_t *order)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
}

void mb_sampler_shuffle(uint64_t seed, uint64_t epoch, size_t count, uint32_t *order)
{
    mb_rng rng = mb_rng_at(seed, MB_RNG_SHUFFLE, epoch, 0);
    mb_sampler_sequential(count, order);
    for (size_t left = count; left > 1; left--) {
        const uint32_t chosen = mb_rng_below(&rng, (uint32_t)left);
        const uint32_t last = order[left - 1];
        order[left - 1] = order[chosen];
        order[chosen] = last;
    }
}
