#include "machine/blas.h"
#include "machine/cpu.h"
#include "test.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

TEST(reads_the_build_of_debian)
{
    static const char config[] = "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY USE_OPENMP "
                                 "Haswell MAX_THREADS=64";
    const mb_blas blas = mb_blas_from(config, "Haswell", 2);
    assert_string_equal(blas.version, "0.3.21");
    assert_string_equal(blas.core, "Haswell");
    assert_string_equal(blas.threading, "openmp");
    assert_string_equal(blas.config, config);
    assert_int_equal(blas.max_threads, 64);
    assert_true(blas.dynamic);
    assert_false(blas.own_threads);
}

TEST(reads_other_builds)
{
    const mb_blas pthreads = mb_blas_from("OpenBLAS 0.3.26 MAX_THREADS=8", "ZEN", 1);
    assert_string_equal(pthreads.version, "0.3.26");
    assert_string_equal(pthreads.threading, "pthreads");
    assert_int_equal(pthreads.max_threads, 8);
    assert_true(pthreads.own_threads);
    assert_false(pthreads.dynamic);
    const mb_blas single = mb_blas_from("OpenBLAS 0.3.30.dev SINGLE_THREADED", "neoversen1", 0);
    assert_string_equal(single.version, "0.3.30.dev");
    assert_string_equal(single.threading, "none");
    assert_int_equal(single.max_threads, 0);
    assert_false(single.own_threads);
}

TEST(bears_any_text)
{
    char long_text[1000];
    memset(long_text, '7', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const mb_blas nothing = mb_blas_from("", "", -3);
    assert_string_equal(nothing.version, "");
    assert_string_equal(nothing.threading, "none");
    const mb_blas cut = mb_blas_from(long_text, long_text, 2);
    assert_int_equal(strlen(cut.config), sizeof cut.config - 1);
    assert_int_equal(strlen(cut.core), sizeof cut.core - 1);
    assert_int_equal(strlen(cut.version), sizeof cut.version - 1);
    const mb_blas odd = mb_blas_from("  MAX_THREADS=many  MAX_THREADS", "x", 2);
    assert_int_equal(odd.max_threads, 0);
}

TEST(knows_the_sets_with_avx512)
{
    static const char *const with[] = {"SkylakeX",   "SKYLAKEX",       "skylakex",
                                       "Cooperlake", "SapphireRapids", "SAPPHIRERAPIDS"};
    static const char *const without[] = {"Haswell", "Zen",     "SandyBridge", "Prescott",
                                          "",        "Skylake", "neoversen1",  "unknown"};
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
        assert_true(mb_blas_is_avx512(with[i]));
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
        assert_false(mb_blas_is_avx512(without[i]));
#if defined(__x86_64__)
    assert_true(mb_blas_has_fma("Haswell") && mb_blas_has_fma("ZEN") &&
                mb_blas_has_fma("SkylakeX"));
    assert_false(mb_blas_has_fma("Sandybridge") || mb_blas_has_fma("Bulldozer"));
#endif
}

TEST(a_better_set_is_named_only_where_it_runs)
{
    assert_string_equal(mb_blas_better_core_than("Haswell", true), "SKYLAKEX");
    assert_string_equal(mb_blas_better_core_than("Zen", true), "SKYLAKEX");
    assert_string_equal(mb_blas_better_core_than("Prescott", true), "SKYLAKEX");
    assert_null(mb_blas_better_core_than("SkylakeX", true));
    assert_null(mb_blas_better_core_than("COOPERLAKE", true));
    assert_null(mb_blas_better_core_than("SapphireRapids", true));
    assert_null(mb_blas_better_core_than("Haswell", false));
    assert_null(mb_blas_better_core_than("neoversen1", false));
}

TEST(a_set_needs_the_instructions_of_the_cpu)
{
    assert_true(mb_blas_core_is_supported("Prescott"));
    assert_true(mb_blas_core_is_supported(openblas_get_corename()));
#if defined(__x86_64__)
    assert_int_equal(mb_blas_core_is_supported("SkylakeX"), mb_cpu_has_avx512());
    assert_int_equal(mb_blas_core_is_supported("Zen"), mb_cpu_v3.supported());
#endif
}

TEST(the_linked_library_answers)
{
    const mb_blas blas = mb_blas_describe();
    assert_string_equal(blas.core, openblas_get_corename());
    assert_non_null(strstr(blas.config, "OpenBLAS"));
    assert_non_null(strchr(blas.version, '.'));
    assert_int_equal(blas.own_threads, openblas_get_parallel() == 1);
    const char *better = mb_blas_better_core();
    if (better != NULL) {
        assert_true(blas.dynamic);
        assert_true(mb_cpu_has_avx512());
        assert_false(mb_blas_is_avx512(blas.core));
    }
}

TEST(the_cpu_has_the_level_that_it_claims)
{
    const mb_cpu_level *level = mb_cpu_best_level();
    assert_true(level->supported() && mb_cpu_baseline.supported());
#if defined(__x86_64__)
    assert_int_equal(level == &mb_cpu_v4, mb_cpu_has_avx512());
    assert_string_equal(mb_cpu_v4.name, "x86-64-v4");
    assert_string_equal(mb_cpu_v3.name, "x86-64-v3");
    assert_string_equal(mb_cpu_baseline.name, "x86-64");
#elif defined(__aarch64__)
    assert_ptr_equal(level, &mb_cpu_neon);
    assert_string_equal(mb_cpu_neon.name, "neon");
    assert_string_equal(mb_cpu_baseline.name, "generic");
#else
    assert_string_equal(level->name, "generic");
#endif
}
