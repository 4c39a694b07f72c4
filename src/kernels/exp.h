/* The exponential of one float, for kernels to inline: see the kernel `exp` for range and error. */
#ifndef MB_KERNELS_EXP_H
#define MB_KERNELS_EXP_H

#include "kernels/kernel_set.h"

/* e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln(2) / 2; ln 2 is split in two so that n
 * times its first part is exact. e^r - 1 - r is r^2 times a polynomial fitted to the
 * minimum relative error (0.05 ulp). Adding 1.5 * 2^23 rounds to an integer and leaves it in the
 * low bits of the float, from where it goes into the exponent. */
static inline float mb_exp(float x)
{
    const float log2_e = 0x1.715476p+0f, round = 0x1.8p+23f;
    const float ln2_high = 0x1.63p-1f, ln2_low = -0x1.bd0106p-13f;
    const float shifted = x * log2_e + round;
    const float n = shifted - round;
    const float r = (x - n * ln2_high) - n * ln2_low;
    float p = 0x1.6a2352p-10f;
    p = p * r + 0x1.123a6cp-7f;
    p = p * r + 0x1.5558f4p-5f;
    p = p * r + 0x1.555490p-3f;
    p = p * r + 0x1.fffffcp-2f;
    p = (p * r) * r + r + 1.0f;
    union {
        float f;
        uint32_t bits;
    } power = {.f = shifted};
    power.bits = (power.bits + 127) << 23;
    return x < -87.3f ? 0.0f : p * power.f;
}

#endif
