/* The linked OpenBLAS: its version, kernel set and threads. */
#ifndef MB_MACHINE_BLAS_H
#define MB_MACHINE_BLAS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_blas {
    char core[32];         /* kernel set, "SkylakeX" */
    char version[32];      /* "0.3.21"; "": unknown */
    const char *threading; /* "none", "pthreads" or "openmp", a constant string */
    bool own_threads;      /* starts threads of its own, not OpenMP's: a pthreads build */
    bool dynamic;          /* has several kernel sets: OPENBLAS_CORETYPE chooses */
    size_t max_threads;    /* more concurrent callers abort the process; 0: unknown */
    char config[256];      /* openblas_get_config() */
} mb_blas;

/* Describes the linked OpenBLAS. */
mb_blas mb_blas_describe(void);

/* The same from the results of openblas_get_config(), openblas_get_corename() and
 * openblas_get_parallel(); text that does not fit is truncated. */
mb_blas mb_blas_from(const char *config, const char *core, int parallel);

/* True if the kernel set uses AVX-512; case does not matter. */
bool mb_blas_is_avx512(const char *core);

/* True if the kernel set uses fused multiply-adds, of AVX2 or wider on x86-64; always true on other
 * architectures. */
bool mb_blas_has_fma(const char *core);

/* True if this CPU can run the kernel set, as far as its instructions are known: OPENBLAS_CORETYPE
 * also selects sets that end the process by SIGILL. */
bool mb_blas_core_is_supported(const char *core);

/* The value of OPENBLAS_CORETYPE that is faster than the kernel set `core` on a CPU with (or
 * without) AVX-512, a constant string; NULL if there is none. OpenBLAS reads the variable when it
 * is loaded, so a program must restart itself to use it. */
const char *mb_blas_better_core_than(const char *core, bool cpu_has_avx512);

/* The same for this CPU and the linked OpenBLAS; NULL if that has one set only. */
const char *mb_blas_better_core(void);

#endif
