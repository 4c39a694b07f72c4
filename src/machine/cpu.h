/* Instruction sets of this CPU. */
#ifndef MB_MACHINE_CPU_H
#define MB_MACHINE_CPU_H

#include <stdbool.h>

/* An instruction set for which there are kernels. */
typedef struct mb_cpu_level {
    const char *name;        /* shown to users */
    bool (*supported)(void); /* by this CPU and its operating system */
} mb_cpu_level;

/* The baseline of the architecture: "x86-64", elsewhere "generic". */
extern const mb_cpu_level mb_cpu_baseline;

#if defined(__x86_64__)
extern const mb_cpu_level mb_cpu_v3, mb_cpu_v4; /* levels of the x86-64 psABI: "x86-64-v3", .. */
#elif defined(__aarch64__)
extern const mb_cpu_level mb_cpu_neon; /* "neon" */
#endif

/* The highest supported level. */
const mb_cpu_level *mb_cpu_best_level(void);

/* True if OpenBLAS's AVX-512 kernels can run: F, VL, BW, DQ and CD. */
bool mb_cpu_has_avx512(void);

#endif
