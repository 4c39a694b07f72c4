/* Limits of the control groups; hwloc sees cpusets, but no quotas. */
#ifndef MB_MACHINE_CGROUP_H
#define MB_MACHINE_CGROUP_H

/* The smallest quota / period, in CPUs, of this process's cgroup and its ancestors, from cpu.max
 * (cgroup v2) and cpu.cfs_quota_us, cpu.cfs_period_us (v1); 0 if there is no limit or none can be
 * read. `root` is prepended to every path: "" for the system, a folder for tests. Formats: Linux's
 * Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/cgroups.rst and proc(5). */
double mb_cgroup_cpu_quota(const char *root);

/* The same of the memory that may still be used, in bytes: memory.max - memory.current (v2) and
 * memory.limit_in_bytes - memory.usage_in_bytes (v1), where pages of files do not count as used;
 * at least 1. */
double mb_cgroup_memory_available(const char *root);

#endif
