#include "machine/cpu.h"

#include <stddef.h>

static bool always(void) { return true; }

#if defined(__x86_64__)

#include <cpuid.h>

bool mb_cpu_has_avx512(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512cd");
}

/* The v3 instructions that clang 14's __builtin_cpu_supports does not support. */
static bool has_f16c_movbe_lzcnt(void)
{
    unsigned eax, ebx, ecx, edx;
    const unsigned f16c_movbe = 1u << 29 | 1u << 22, lzcnt = 1u << 5;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & f16c_movbe) != f16c_movbe)
        return false;
    return __get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx) && (ecx & lzcnt) != 0;
}

static bool has_v3(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("fma") && has_f16c_movbe_lzcnt();
}

static bool has_v4(void) { return has_v3() && mb_cpu_has_avx512(); }

const mb_cpu_level mb_cpu_baseline = {"x86-64", always};
const mb_cpu_level mb_cpu_v3 = {"x86-64-v3", has_v3}, mb_cpu_v4 = {"x86-64-v4", has_v4};
static const mb_cpu_level *const levels[] = {&mb_cpu_v4, &mb_cpu_v3, &mb_cpu_baseline};

#else

bool mb_cpu_has_avx512(void) { return false; }

const mb_cpu_level mb_cpu_baseline = {"generic", always};
#if defined(__aarch64__)
const mb_cpu_level mb_cpu_neon = {"neon", always};
static const mb_cpu_level *const levels[] = {&mb_cpu_neon, &mb_cpu_baseline};
#else
static const mb_cpu_level *const levels[] = {&mb_cpu_baseline};
#endif

#endif

const mb_cpu_level *mb_cpu_best_level(void)
{
    size_t i = 0;
    while (!levels[i]->supported())
        i++;
    return levels[i];
}
