#include "random.h"

static mb_rng stream;

mb_rng *mb_test_rng(void) { return &stream; }

int mb_test_seed(void **state)
{
    (void)state;
    stream = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    return 0;
}

size_t mb_test_random_size(size_t min, size_t max)
{
    return min + mb_rng_below(&stream, (uint32_t)(max - min + 1));
}

void mb_test_random_floats(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = 4.0f * mb_rng_uniform(&stream) - 2.0f;
}
