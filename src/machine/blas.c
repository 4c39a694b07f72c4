#include "machine/blas.h"

#include "core/parse.h"
#include "machine/cpu.h"

#include <cblas.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *threading_name(int parallel)
{
    switch (parallel) {
    case OPENBLAS_OPENMP:
        return "openmp";
    case OPENBLAS_THREAD:
        return "pthreads";
    default:
        return "none";
    }
}

/* The text is "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH USE_OPENMP Haswell MAX_THREADS=64". */
mb_blas mb_blas_from(const char *config, const char *core, int parallel)
{
    static const char limit[] = "MAX_THREADS=";
    mb_blas blas = {.threading = threading_name(parallel),
                    .own_threads = parallel == OPENBLAS_THREAD};
    snprintf(blas.core, sizeof blas.core, "%s", core);
    snprintf(blas.config, sizeof blas.config, "%s", config);
    char words[sizeof blas.config];
    memcpy(words, blas.config, sizeof words);
    char *rest = words;
    for (const char *word; (word = strsep(&rest, " ")) != NULL;) {
        if (blas.version[0] == '\0' && isdigit((unsigned char)word[0]))
            snprintf(blas.version, sizeof blas.version, "%s", word);
        else if (strcmp(word, "DYNAMIC_ARCH") == 0)
            blas.dynamic = true;
        else if (strncmp(word, limit, sizeof limit - 1) == 0)
            mb_parse_size(word + sizeof limit - 1, 0, SIZE_MAX, &blas.max_threads);
    }
    return blas;
}

mb_blas mb_blas_describe(void)
{
    return mb_blas_from(openblas_get_config(), openblas_get_corename(), openblas_get_parallel());
}

bool mb_blas_is_avx512(const char *core)
{
    static const char *const sets[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (strcasecmp(core, sets[i]) == 0)
            return true;
    return false;
}

bool mb_blas_has_fma(const char *core)
{
#if defined(__x86_64__)
    return mb_blas_is_avx512(core) || strcasecmp(core, "Haswell") == 0 ||
           strcasecmp(core, "Zen") == 0;
#else
    (void)core;
    return true;
#endif
}

bool mb_blas_core_is_supported(const char *core)
{
#if defined(__x86_64__)
    if (mb_blas_is_avx512(core))
        return mb_cpu_has_avx512();
    return !mb_blas_has_fma(core) || mb_cpu_v3.supported();
#else
    (void)core;
    return true;
#endif
}

/* Every CPU with AVX-512 runs SKYLAKEX, and every version since 0.3.0 accepts the name; 0.3.21
 * ignores COOPERLAKE silently. */
const char *mb_blas_better_core_than(const char *core, bool cpu_has_avx512)
{
    return cpu_has_avx512 && !mb_blas_is_avx512(core) ? "SKYLAKEX" : NULL;
}

const char *mb_blas_better_core(void)
{
    const mb_blas blas = mb_blas_describe();
    return blas.dynamic ? mb_blas_better_core_than(blas.core, mb_cpu_has_avx512()) : NULL;
}
