/* Restarting the program with a faster kernel set of OpenBLAS. */
#ifndef MB_TOOLS_RESTART_H
#define MB_TOOLS_RESTART_H

#include <stdbool.h>

/* OpenBLAS chooses its kernels when it is loaded, and old versions choose AVX2 kernels on AVX-512
 * CPUs that they do not know. If OPENBLAS_CORETYPE is not set and a faster set exists, replaces the
 * process by the same program with the variable set, at most once. Returns if there is nothing to
 * gain or the restart fails. */
void mb_restart_with_better_blas(char **argv);

/* Gives the calling thread the CPUs that the process was started with, before libgomp bound it
 * (OMP_PROC_BIND). */
void mb_restore_initial_affinity(void);

/* Sets OMP_NUM_THREADS again if its value was invalid, and so hidden from libgomp. */
void mb_show_invalid_thread_count(void);

/* True if this process has been restarted. */
bool mb_restarted(void);

#endif
