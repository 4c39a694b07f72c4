#include "kernels/kernels.h"

#include "machine/blas.h"
#include "machine/cpu.h"

#include <pthread.h>

typedef void init_fn(mb_kernels *kernels);

/* The sets of this build, lowest first. Each starts as a copy of the one before it, and its init
 * replaces all entries, or those that a hand-written overlay has. */
init_fn mb_kernels_init_baseline, mb_kernels_init_v3, mb_kernels_init_v4, mb_kernels_init_neon;

static const struct {
    const mb_cpu_level *level;
    init_fn *init;
} known[] = {
    {&mb_cpu_baseline, mb_kernels_init_baseline},
#ifdef MB_HAVE_V3
    {&mb_cpu_v3, mb_kernels_init_v3},
#endif
#ifdef MB_HAVE_V4
    {&mb_cpu_v4, mb_kernels_init_v4},
#endif
#ifdef MB_HAVE_NEON
    {&mb_cpu_neon, mb_kernels_init_neon},
#endif
};

/* Written once. */
static mb_kernel_set sets[sizeof known / sizeof known[0]];
static size_t set_count;

static void build_sets(void)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].level->supported()) {
            if (i > 0) /* the baseline is always supported */
                sets[set_count] = sets[set_count - 1];
            sets[set_count].name = known[i].level->name;
            known[i].init(&sets[set_count++].kernels);
        }
}

const mb_kernel_set *mb_kernel_sets(size_t *count)
{
    static pthread_once_t built = PTHREAD_ONCE_INIT;
    pthread_once(&built, build_sets);
    *count = set_count;
    return sets;
}

const mb_kernels *mb_kernels_best(void)
{
    size_t count;
    const mb_kernel_set *set = mb_kernel_sets(&count);
    return &set[count - 1].kernels;
}

const mb_kernels *mb_kernels_for_blas(const char *blas_core)
{
    size_t count;
    const mb_kernel_set *set = mb_kernel_sets(&count);
    const bool fma = mb_blas_has_fma(blas_core);
    size_t i = count - 1;
    while (i > 0 && set[i].kernels.fma != fma)
        i--;
    return &set[i].kernels;
}
