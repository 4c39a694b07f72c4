/* CPU time that control groups allow: hwloc sees which CPUs may be used, not for how long. */
#ifndef MB_MACHINE_CGROUP_H
#define MB_MACHINE_CGROUP_H

/* CPUs' worth of time that this process may use: the smallest quota/period among its cgroup and
 * all that contain it, from cpu.max (cgroup v2) and cpu.cfs_quota_us, cpu.cfs_period_us (v1).
 * 0 when there is no limit, or none that can be read. `root` is put before every path that is
 * read: "" for the system, a folder with proc/ and what is mounted for tests.
 * Formats: Linux's Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/cgroups.rst and proc(5). */
double mb_cgroup_cpu_quota(const char *root);

#endif
