/* Order in which the samples of an epoch are visited. */
#ifndef MB_DATA_SAMPLER_H
#define MB_DATA_SAMPLER_H

#include "core/rng.h"

#include <stddef.h>
#include <stdint.h>

/* order (count) = a uniform random permutation of 0 .. count-1, a function of (seed, epoch) alone:
 * Durstenfeld's shuffle, 1964. count is below 2^32. */
void mb_sampler_shuffle(uint64_t seed, uint64_t epoch, size_t count, uint32_t *order);

/* order (count) = the indices of count - held_out training samples, then those of `held_out`
 * others, both ascending: a random sample by (seed, purpose), in which each class has its
 * proportion of all (rounded by largest remainder, the lower class on ties). held_out is at most
 * count, which is below 2^32. */
void mb_sampler_hold_out(uint64_t seed, mb_rng_purpose purpose, const uint8_t *labels, size_t count,
                         size_t held_out, uint32_t *order);

/* order (count) = 0 .. count-1, for evaluation. */
void mb_sampler_sequential(size_t count, uint32_t *order);

#endif
