/* Assignment of the team's threads to CPUs, by the operating system's numbers. */
#ifndef MB_MACHINE_PINS_H
#define MB_MACHINE_PINS_H

#include "core/status.h"
#include "machine/topology.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_pins {
    const char *policy; /* "core", "pu", "none", "list" or "OpenMP": constant strings */
    unsigned *cpus;     /* (threads); NULL: not pinned */
} mb_pins;

/* Assigns CPUs to `threads` threads by `option` if not NULL, else by `variable` (the value of
 * MNIST_BLAS_PIN) if not NULL, else by "core":
 *
 *     "core"     thread i on the first CPU of the topology's core i
 *     "pu"       thread i on the topology's CPU i, all of a core before the next
 *     "none"     the operating system decides
 *     "0,2,4-7"  thread i on entry i of the list
 *
 * More threads than entries start again with the first. With `openmp_binds` (OMP_PROC_BIND or
 * OMP_PLACES is set) and no option, threads are not pinned and the policy is "OpenMP"; the variable
 * is still checked. Free *pins with mb_pins_free.
 * MB_ERROR_INVALID: invalid syntax, a CPU twice, or one that is not allowed (the error names the
 * variable, or "pin" for the option); MB_ERROR_MEMORY. */
mb_status mb_pins_choose(const char *option, const char *variable, bool openmp_binds,
                         const mb_topology *topology, size_t threads, mb_pins *pins,
                         mb_error *error);

/* {0} is fine. */
void mb_pins_free(mb_pins *pins);

/* The CPUs that a thread may run on, one bit each. */
typedef struct mb_affinity {
    unsigned long mask[1024 / sizeof(unsigned long)]; /* 8192 CPUs, Linux's limit */
} mb_affinity;

/* Of the calling thread. Each is one system call and returns 0 or an errno: some containers forbid
 * them (EPERM). */
int mb_affinity_get(mb_affinity *affinity);
int mb_affinity_set(const mb_affinity *affinity);
int mb_affinity_pin(unsigned cpu);

#endif
