/* checkkernels [NAME...]: each kernel (or those named) of each set that this CPU supports, compared
 * with its reference; and the sets with each other: their bits are equal, those of products among
 * the sets that use fused multiply-adds and among those that do not. */
#include "check.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 400, MAX_SETS = 8 };

static bool chosen(const char *name, int count, char **names)
{
    for (int i = 1; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return count == 1;
}

/* Returns the number of sets that fail. */
static size_t check_sets(const mb_kernel_check *kernel)
{
    size_t sets, failed = 0;
    const mb_kernel_set *set = mb_kernel_sets(&sets);
    uint64_t digest[MAX_SETS];
    printf("%-24s", kernel->name);
    for (size_t i = 0; i < sets && i < MAX_SETS; i++) {
        printf(" %s", set[i].name);
        fflush(stdout); /* a fault ends the program */
        const char *why = mb_check_run(kernel->check, &set[i].kernels, ROUNDS, &digest[i]);
        for (size_t peer = 0; peer < i && why == NULL; peer++)
            if (digest[peer] != digest[i] &&
                !(kernel->product && set[peer].kernels.fma != set[i].kernels.fma))
                why = "the bits are not those of a lower set";
        if (why != NULL)
            printf(" FAILED: %s\n%24s", why, "");
        failed += why != NULL;
    }
    printf("\n");
    return failed;
}

/* The choice of a set; blas_core: a kernel set of OpenBLAS. */
static size_t check_choice(void)
{
    size_t sets, wrong = 0;
    const mb_kernel_set *set = mb_kernel_sets(&sets);
    const mb_kernels *best = &set[sets - 1].kernels;
    wrong += mb_kernels_best() != best;
#if defined(__x86_64__)
    wrong += mb_kernels_for_blas("SkylakeX") != best || mb_kernels_for_blas("HASWELL") != best;
    wrong += mb_kernels_for_blas("Sandybridge") != &set[0].kernels || set[0].kernels.fma;
#else
    wrong += mb_kernels_for_blas("armv8") != best || mb_kernels_for_blas("NEOVERSEN1") != best;
#endif
    if (wrong > 0)
        printf("a wrong set is chosen for a kernel set of OpenBLAS\n");
    return wrong;
}

int main(int argc, char **argv)
{
    size_t failed = check_choice(), checked = 0;
    for (size_t i = 0; i < mb_kernel_check_count; i++)
        if (chosen(mb_kernel_checks[i].name, argc, argv)) {
            failed += check_sets(&mb_kernel_checks[i]);
            checked++;
        }
    if (checked == 0)
        printf("no kernel has that name\n");
    return failed > 0 || checked == 0;
}
