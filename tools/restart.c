#include "restart.h"

#include <mnist_blas/machine.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char marker[] = "MNIST_BLAS_RESTARTED";

bool mb_restarted(void) { return getenv(marker) != NULL; }

void mb_restart_with_better_blas(char **argv)
{
    const char *better = mb_machine_better_blas_core(), *set = getenv("OPENBLAS_CORETYPE");
    /* Run by the loader (`ld.so mnist_blas`), which has no interpreter of its own: /proc/self/exe
     * is the loader, and how it was told to load this program is not known. */
    const bool loader = getauxval(AT_BASE) == 0;
    mb_show_invalid_thread_count();
    if (better == NULL || (set != NULL && set[0] != '\0') || mb_restarted() || loader)
        return;
    setenv("OPENBLAS_CORETYPE", better, 1);
    setenv(marker, "1", 1);
    mb_restore_initial_affinity();
    execv("/proc/self/exe", argv);
    unsetenv("OPENBLAS_CORETYPE"); /* continue with the slower set */
    unsetenv(marker);
}
