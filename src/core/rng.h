/* Counter-based random numbers, which do not depend on the order of execution.
 *
 * A stream is named by (seed, purpose, epoch, index); the same name gives the same numbers in any
 * order and on any thread. Streams are SplitMix64 (Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014), started at a hash of their name. */
#ifndef MB_CORE_RNG_H
#define MB_CORE_RNG_H

#include <stdint.h>

/* The use of a stream; no two uses share numbers. */
typedef enum mb_rng_purpose {
    MB_RNG_WEIGHTS = 1,
    MB_RNG_SHUFFLE = 2,
    MB_RNG_DIGITS = 3,
    MB_RNG_DROPOUT = 4,
    MB_RNG_AUGMENTATION = 5,
    MB_RNG_VALIDATION = 6,
    MB_RNG_TEST_SPLIT = 7,
    MB_RNG_DISTORTION = 8,
    MB_RNG_SEARCH = 9,
    MB_RNG_TESTS = 99
} mb_rng_purpose;

typedef struct mb_rng {
    uint64_t state;
} mb_rng;

mb_rng mb_rng_at(uint64_t seed, mb_rng_purpose purpose, uint64_t epoch, uint64_t index);

/* 64 uniform bits. */
uint64_t mb_rng_next(mb_rng *rng);

/* Uniform in 0 .. bound - 1, unbiased (Lemire, "Fast random integer generation in an
 * interval", 2019). bound must not be 0. */
uint32_t mb_rng_below(mb_rng *rng, uint32_t bound);

/* Uniform in [0, 1), a multiple of 2^-24: exact in a float. */
float mb_rng_uniform(mb_rng *rng);

#endif
