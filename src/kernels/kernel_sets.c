#include "kernels/kernels.h"

#include "machine/blas.h"

extern const mb_kernels mb_kernels_baseline;
#ifdef MB_X86_LEVELS
extern const mb_kernels mb_kernels_v3, mb_kernels_v4;
#endif

const mb_kernels *mb_kernels_at(mb_cpu_level level)
{
#ifdef MB_X86_LEVELS
    if (level >= MB_CPU_V4)
        return &mb_kernels_v4;
    if (level >= MB_CPU_V3)
        return &mb_kernels_v3;
#else
    (void)level;
#endif
    return &mb_kernels_baseline;
}

const mb_kernels *mb_kernels_best(void) { return mb_kernels_at(mb_cpu_level_of_this()); }

const mb_kernels *mb_kernels_for_blas(const char *blas_core)
{
    return mb_blas_has_fma(blas_core) ? mb_kernels_best() : mb_kernels_at(MB_CPU_BASELINE);
}
