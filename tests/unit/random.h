/* Random sizes and values for tests, the same in every run. */
#ifndef MB_TESTS_RANDOM_H
#define MB_TESTS_RANDOM_H

#include "core/rng.h"

#include <stddef.h>

/* Restarts the stream; a setup for cmocka. */
int mb_test_seed(void **state);

/* The stream. */
mb_rng *mb_test_rng(void);

/* Uniform in min .. max. */
size_t mb_test_random_size(size_t min, size_t max);

/* values (count), uniform in -2 .. 2. */
void mb_test_random_floats(float *values, size_t count);

#endif
