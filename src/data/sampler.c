#include "data/sampler.h"

#include "core/rng.h"

#include <stdbool.h>

enum { CLASSES = 256 };

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

/* Shares of `held_out` in proportion to the counts, which add up to `count`. */
static void apportion(const size_t counts[CLASSES], size_t count, size_t held_out,
                      size_t shares[CLASSES])
{
    uint64_t remainders[CLASSES];
    size_t left = held_out;
    for (size_t c = 0; c < CLASSES; c++) {
        const uint64_t product = (uint64_t)counts[c] * held_out;
        shares[c] = (size_t)(product / count);
        remainders[c] = product % count;
        left -= shares[c];
    }
    for (; left > 0; left--) {
        size_t largest = 0;
        for (size_t c = 1; c < CLASSES; c++)
            largest = remainders[c] > remainders[largest] ? c : largest;
        shares[largest]++;
        remainders[largest] = 0;
    }
}

/* Selection sampling within each class: Knuth, "The Art of Computer Programming" 3.4.2,
 * algorithm S. */
void mb_sampler_hold_out(uint64_t seed, mb_rng_purpose purpose, const uint8_t *labels, size_t count,
                         size_t held_out, uint32_t *order)
{
    mb_rng rng = mb_rng_at(seed, purpose, 0, 0);
    size_t left[CLASSES] = {0}, wanted[CLASSES];
    uint32_t *trained = order, *held = order + (count - held_out);
    for (size_t i = 0; i < count; i++)
        left[labels[i]]++;
    apportion(left, count, held_out, wanted);
    for (size_t i = 0; i < count; i++) {
        const size_t c = labels[i];
        const bool chosen = mb_rng_below(&rng, (uint32_t)left[c]--) < wanted[c];
        wanted[c] -= chosen;
        *(chosen ? held++ : trained++) = (uint32_t)i;
    }
}
