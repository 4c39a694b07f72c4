#include "restart.h"

#include <mnist_blas/machine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define MARKER "MNIST_BLAS_RESTARTED"

bool mb_restarted(void) { return getenv(MARKER) != NULL; }

/* The environment with these two variables, each "NAME=VALUE", and without others of their names.
 * NULL if memory is out. Not by setenv, whose failure would lose the marker, without which the
 * program starts again forever. */
static char **environment_with(char *first, char *second)
{
    const size_t first_name = strcspn(first, "=") + 1, second_name = strcspn(second, "=") + 1;
    size_t count = 0, used = 0;
    while (environ[count] != NULL)
        count++;
    char **all = calloc(count + 3, sizeof *all);
    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], first, first_name) != 0 &&
            strncmp(environ[i], second, second_name) != 0)
            all[used++] = environ[i];
    all[used++] = first;
    all[used] = second;
    return all;
}

void mb_restart_with_better_blas(char **argv)
{
    const char *better = mb_machine_better_blas_core(), *set = getenv("OPENBLAS_CORETYPE");
    char core[64], marker[] = MARKER "=1";
    /* Run by the loader (`ld.so mnist_blas`), which has no interpreter of its own: /proc/self/exe
     * is the loader, and how it was told to load this program is not known. */
    const bool loader = getauxval(AT_BASE) == 0;
    mb_show_invalid_thread_count();
    if (better == NULL || (set != NULL && set[0] != '\0') || mb_restarted() || loader)
        return;
    snprintf(core, sizeof core, "OPENBLAS_CORETYPE=%s", better);
    char **environment = environment_with(core, marker);
    if (environment == NULL)
        return; /* continue with the slower set, as after execve */
    mb_restore_initial_affinity();
    execve("/proc/self/exe", argv, environment);
    free(environment);
}
