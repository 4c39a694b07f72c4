#include "machine/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>

bool mb_cpu_has_avx512(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512cd");
}

/* v3's smaller instructions, whose names clang 14's __builtin_cpu_supports does not know. */
static bool has_f16c_movbe_lzcnt(void)
{
    unsigned eax, ebx, ecx, edx;
    const unsigned f16c_movbe = 1u << 29 | 1u << 22, lzcnt = 1u << 5;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & f16c_movbe) != f16c_movbe)
        return false;
    return __get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx) && (ecx & lzcnt) != 0;
}

mb_cpu_level mb_cpu_level_of_this(void)
{
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("fma") && has_f16c_movbe_lzcnt();
    if (!v3)
        return MB_CPU_BASELINE;
    return mb_cpu_has_avx512() ? MB_CPU_V4 : MB_CPU_V3;
}

static const char *const baseline = "x86-64";

#else

bool mb_cpu_has_avx512(void) { return false; }

mb_cpu_level mb_cpu_level_of_this(void) { return MB_CPU_BASELINE; }

static const char *const baseline = "generic";

#endif

const char *mb_cpu_level_name(mb_cpu_level level)
{
    switch (level) {
    case MB_CPU_V4:
        return "x86-64-v4";
    case MB_CPU_V3:
        return "x86-64-v3";
    case MB_CPU_BASELINE:
        break;
    }
    return baseline;
}
