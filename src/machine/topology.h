/* The cores of a machine, and those that this process may use. */
#ifndef MB_MACHINE_TOPOLOGY_H
#define MB_MACHINE_TOPOLOGY_H

#include "core/status.h"

#include <stddef.h>

struct hwloc_topology;

/* CPUs have the operating system's numbers. A core is allowed if any of its logical processors
 * (PUs) is in the cpuset and the calling thread's affinity (taskset). Lists are in hwloc's logical
 * order (neighbours share caches), cores of the fastest kind first: a step ends when its slowest
 * thread does, so a slow core in the team slows all. */
typedef struct mb_topology {
    char *cpu;            /* name of the processor, "" if unknown */
    size_t cores;         /* of the machine */
    size_t cores_allowed; /* that may be used */
    size_t cores_fast; /* that may be used and are of the fastest kind; fewer on hybrid CPUs only */
    unsigned *core_pus;    /* (cores_allowed) first allowed PU of each */
    size_t caches;         /* last-level caches of these cores, numbered as they come; 0: unknown */
    unsigned *core_caches; /* (cores_allowed) the cache of each */
    size_t pus_allowed;
    unsigned *pus; /* (pus_allowed) */
} mb_topology;

/* Reads this machine's topology, or the one that `synthetic` describes in hwloc's syntax
 * ("package:2 core:4 pu:2"); free it with mb_topology_free. Takes milliseconds. If OpenMP has bound
 * the calling thread (OMP_PROC_BIND), all of OpenMP's places are allowed.
 * MB_ERROR_UNAVAILABLE: hwloc cannot read it, or no CPU may be used; MB_ERROR_MEMORY. */
mb_status mb_topology_read(const char *synthetic, mb_topology *topology, mb_error *error);

/* The same from a loaded topology, which stays the caller's. It must include disallowed CPUs, so
 * that the machine's cores can be counted. */
mb_status mb_topology_from(struct hwloc_topology *loaded, mb_topology *topology, mb_error *error);

/* Frees the lists; {0} is fine. */
void mb_topology_free(mb_topology *topology);

#endif
