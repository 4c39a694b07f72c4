/* Which combinations of options are trained: a random sample, and the rungs of successive halving.
 */
#include "core/rng.h"

#include <mnist_blas/sweep.h>

void mb_sample_combinations(size_t total, size_t count, uint64_t seed, size_t *chosen)
{
    mb_rng rng = mb_rng_at(seed, MB_RNG_SEARCH, 0, 0);
    size_t found = 0;
    for (size_t i = 0; found < count; i++)
        if (mb_rng_below(&rng, (uint32_t)(total - i)) < count - found)
            chosen[found++] = i;
}

size_t mb_halving_rungs(size_t configurations, size_t epochs, mb_rung rungs[MB_MAX_RUNGS])
{
    size_t count = 1, divisor = 1;
    while (count < MB_MAX_RUNGS && divisor * MB_HALVING_RATE <= configurations &&
           divisor * MB_HALVING_RATE <= epochs) {
        divisor *= MB_HALVING_RATE;
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        rungs[i] = (mb_rung){configurations, epochs / divisor};
        configurations /= MB_HALVING_RATE;
        divisor /= MB_HALVING_RATE;
    }
    return count;
}
