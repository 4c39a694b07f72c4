/* Which CPU each thread of the team stays on. CPUs are the operating system's numbers. */
#ifndef MB_MACHINE_PINS_H
#define MB_MACHINE_PINS_H

#include "core/status.h"
#include "machine/topology.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_pins {
    const char *policy; /* "core", "pu", "none", "list" or "OpenMP": constant strings */
    unsigned *cpus;     /* (threads) CPU of each; NULL: not pinned */
} mb_pins;

/* Decides for `threads` threads, from the option if not NULL, else from MNIST_BLAS_PIN's value
 * `variable` if not NULL, else "core":
 *   "core"     thread i on the i-th core of the topology, on its first CPU
 *   "pu"       thread i on the i-th CPU of the topology, all of a core before the next
 *   "none"     the operating system moves them as it likes
 *   "0,2,4-7"  thread i on the i-th CPU of the list
 * and from the start again where there are more threads. With `openmp_binds` (OMP_PROC_BIND or
 * OMP_PLACES is set) and no option, nothing is pinned and the policy is "OpenMP".
 * On success *pins is the caller's, for mb_pins_free. MB_ERROR_INVALID: not one of these, a CPU
 * twice, or one that is not among the topology's allowed ones (the error names the variable, or
 * "pin" for the option), also where OpenMP binds; MB_ERROR_MEMORY. */
mb_status mb_pins_choose(const char *option, const char *variable, bool openmp_binds,
                         const mb_topology *topology, size_t threads, mb_pins *pins,
                         mb_error *error);

/* Frees what pins hold; {0} is fine. */
void mb_pins_free(mb_pins *pins);

/* CPUs that a thread may run on. */
typedef struct mb_affinity {
    unsigned long mask[1024 / sizeof(unsigned long)]; /* one bit a CPU: 8192, Linux's most */
} mb_affinity;

/* For the calling thread, OpenMP's workers included. Each costs one system call and returns 0 or
 * an errno: some containers forbid binding (EPERM), some systems have none (ENOSYS). */
int mb_affinity_get(mb_affinity *binding);
int mb_affinity_set(const mb_affinity *binding);
int mb_affinity_pin(unsigned cpu);

/* The binding without one of its CPUs, unless that is its only one. */
mb_affinity mb_affinity_without(const mb_affinity *binding, unsigned cpu);

#endif
