/* Random sizes and numbers for tests, the same in every run. */
#ifndef MB_TESTS_RANDOM_H
#define MB_TESTS_RANDOM_H

#include "core/rng.h"

#include <stddef.h>

/* A set-up for cmocka: each test begins the stream anew. */
int mb_test_seed(void **state);

/* The stream. */
mb_rng *mb_test_rng(void);

/* Uniform in least..most. */
size_t mb_test_random_size(size_t least, size_t most);

/* values (n), uniform in -2..2. */
void mb_test_random_floats(float *values, size_t n);

#endif
