/* What OpenBLAS is on this machine: its version, kernel set and threads. */
#ifndef MB_MACHINE_BLAS_H
#define MB_MACHINE_BLAS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_blas {
    char core[32];         /* kernel set, "SkylakeX" */
    char version[32];      /* "0.3.21"; "" when unknown */
    const char *threading; /* "none", "pthreads" or "openmp", a constant string */
    bool own_threads;      /* starts threads that OpenMP does not count: a pthreads build */
    bool dynamic;          /* has several kernel sets: OPENBLAS_CORETYPE chooses */
    size_t max_threads;    /* more callers at a time abort it; 0: unknown */
    char config[256];      /* its own words */
} mb_blas;

/* Asks the OpenBLAS that is linked. */
mb_blas mb_blas_describe(void);

/* The same from openblas_get_config()'s text, openblas_get_corename()'s and
 * openblas_get_parallel()'s number; what does not fit is cut. */
mb_blas mb_blas_from(const char *config, const char *core, int parallel);

/* Whether a kernel set uses AVX-512; upper or lower case. */
bool mb_blas_is_avx512(const char *core);

/* Whether it multiplies with fused multiply-adds of AVX2 or wider; true where it is not one of
 * x86-64's sets. */
bool mb_blas_has_fma(const char *core);

/* The value of OPENBLAS_CORETYPE that would serve a CPU with (or without) AVX-512 better than the
 * kernel set `core`, a constant string; NULL when there is none. OpenBLAS reads the variable when
 * it is loaded: only a program that starts itself again can use it. */
const char *mb_blas_better_core_than(const char *core, bool cpu_has_avx512);

/* The same for this CPU and the OpenBLAS that is linked; NULL, too, when that has one set only. */
const char *mb_blas_better_core(void);

#endif
