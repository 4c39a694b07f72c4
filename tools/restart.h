/* Starting the program again with OpenBLAS's better kernel set. */
#ifndef MB_TOOLS_RESTART_H
#define MB_TOOLS_RESTART_H

#include <stdbool.h>

/* OpenBLAS chooses its kernels when it is loaded, and old versions choose AVX2 kernels on AVX-512
 * CPUs that they do not know. If OPENBLAS_CORETYPE is not set and a better set exists, replaces
 * this process by the same program with the variable set; at most once. Returns where nothing is
 * to be gained or the restart fails. */
void mb_restart_with_better_blas(char **argv);

/* Whether this process is the second one. */
bool mb_restarted(void);

#endif
