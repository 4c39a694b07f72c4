/* Compiled with contraction: a multiply and an add are one instruction if the set has it. */
#include "fma_loop.h"

#define PASTE(set) mb_fma_##set
#define PASTE_EXPANDED(set) PASTE(set)

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

/* Independent chains: more than the latency (4 or 5 cycles) times the number of units (2), and with
 * the two constants no more than 16 registers. */
enum { CHAINS = 12, ROUNDS = 64 };

size_t PASTE_EXPANDED(MB_KERNEL_SET)(size_t iterations, float *result)
{
    const vector zero = {0};
    vector sum[CHAINS];
    volatile float factor = 0.5f, addend = 1.0f; /* unknown to the compiler */
    const vector a = zero + factor, b = zero + addend;
    for (size_t c = 0; c < CHAINS; c++)
        sum[c] = zero + (float)c;
    for (size_t i = 0; i < iterations; i++)
        for (size_t r = 0; r < ROUNDS; r++)
            for (size_t c = 0; c < CHAINS; c++)
                sum[c] = sum[c] * a + b;
    vector all = zero;
    for (size_t c = 0; c < CHAINS; c++)
        all += sum[c];
    *result = 0.0f;
    for (size_t l = 0; l < LANES; l++)
        *result += all[l];
    return (size_t)LANES * CHAINS * ROUNDS;
}
