/* Which instructions this CPU has. */
#ifndef MB_MACHINE_CPU_H
#define MB_MACHINE_CPU_H

#include <stdbool.h>

/* Levels that our kernels are compiled for, of the x86-64 psABI; elsewhere there is one. */
typedef enum mb_cpu_level { MB_CPU_BASELINE, MB_CPU_V3, MB_CPU_V4 } mb_cpu_level;

/* The highest level that both the CPU and the operating system support. */
mb_cpu_level mb_cpu_level_of_this(void);

/* "x86-64-v4", "x86-64-v3", "x86-64"; for the baseline "generic" where it is not x86-64. */
const char *mb_cpu_level_name(mb_cpu_level level);

/* Whether OpenBLAS's AVX-512 kernels can run: F, VL, BW, DQ and CD. */
bool mb_cpu_has_avx512(void);

#endif
