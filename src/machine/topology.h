/* The cores of a machine, and which of them this process may use. */
#ifndef MB_MACHINE_TOPOLOGY_H
#define MB_MACHINE_TOPOLOGY_H

#include "core/status.h"

#include <stddef.h>

struct hwloc_topology;

/* CPUs are named by the operating system's numbers. A core is allowed when any of its logical
 * processors (PUs) is: not taken away by a cpuset, nor by the calling thread's binding (taskset).
 * Lists are in hwloc's logical order (neighbours share caches), cores of the fastest kind first:
 * a step ends when its slowest thread does, so one slow core in the team makes all cores slow. */
typedef struct mb_topology {
    char *cpu;            /* the processor's own name, "" when unknown */
    size_t cores;         /* of the whole machine */
    size_t cores_allowed; /* ... that may be used */
    size_t cores_fast;    /* ... and are of the fastest kind: all of them but on hybrid CPUs */
    unsigned *core_pus;   /* (cores_allowed) first allowed PU of each */
    size_t pus_allowed;
    unsigned *pus; /* (pus_allowed) */
} mb_topology;

/* Reads this machine's topology, or the one that `synthetic` describes in hwloc's own words
 * ("package:2 core:4 pu:2"). On success *topology is the caller's, for mb_topology_free.
 * Takes milliseconds: once a program is often enough. A thread that OpenMP has bound
 * (OMP_PROC_BIND) counts with all the places that OpenMP may bind to.
 * MB_ERROR_UNAVAILABLE: hwloc cannot read it, or no CPU may be used; MB_ERROR_MEMORY. */
mb_status mb_topology_read(const char *synthetic, mb_topology *topology, mb_error *error);

/* The same from a topology that is loaded already (with disallowed CPUs included, to count the
 * whole machine's cores); `loaded` stays its owner's. */
mb_status mb_topology_from(struct hwloc_topology *loaded, mb_topology *topology, mb_error *error);

/* Frees what a topology holds; {0} is fine. */
void mb_topology_free(mb_topology *topology);

#endif
