#include "machine/memory.h"

#include "core/file.h"
#include "machine/cgroup.h"

#include <math.h>
#include <mnist_blas/machine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The value of "NAME: N kB" in bytes; -1 if there is none. */
static double read_kb(const char *root, const char *file_name, const char *name)
{
    FILE *file = mb_file_open_in(root, file_name);
    char line[128];
    double bytes = -1;
    const size_t length = strlen(name);
    while (file != NULL && bytes < 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            bytes = 1024 * strtod(line + length + 1, NULL);
    if (file != NULL)
        fclose(file);
    return bytes;
}

static void lower(mb_memory_limit *limit, double bytes, const char *source)
{
    if (bytes < limit->bytes)
        *limit = (mb_memory_limit){bytes > 0 ? bytes : 0, source};
}

/* `used`: the line of /proc/self/status that counts towards the limit. */
static void lower_by_rlimit(mb_memory_limit *limit, const char *root, int which, const char *used,
                            const char *source)
{
    struct rlimit set;
    if (getrlimit(which, &set) != 0 || set.rlim_cur == RLIM_INFINITY)
        return;
    const double bytes = read_kb(root, "proc/self/status", used);
    lower(limit, (double)set.rlim_cur - (bytes > 0 ? bytes : 0), source);
}

mb_memory_limit mb_memory_mappable(const char *root)
{
    mb_memory_limit limit = {INFINITY, ""};
    lower_by_rlimit(&limit, root, RLIMIT_AS, "VmSize", "ulimit -v");
    lower_by_rlimit(&limit, root, RLIMIT_DATA, "VmData", "ulimit -d");
    return limit;
}

mb_memory_limit mb_memory_available(const char *root)
{
    mb_memory_limit limit = mb_memory_mappable(root);
    const double free_bytes = read_kb(root, "proc/meminfo", "MemAvailable");
    const double swap = read_kb(root, "proc/meminfo", "SwapFree");
    const double cgroup = mb_cgroup_memory_available(root);
    if (free_bytes >= 0)
        lower(&limit, free_bytes + (swap > 0 ? swap : 0), "the machine");
    if (cgroup > 0)
        lower(&limit, cgroup, "the control group");
    return limit;
}

mb_status mb_memory_check(double bytes, size_t threads, const char *what, const char *way_out,
                          mb_error *error)
{
    const double always_fits = 16e6;
    if (bytes <= always_fits)
        return MB_OK;
    mb_memory_limit limit = mb_memory_available("");
    const mb_memory_limit space = mb_memory_mappable("");
    lower(&limit, space.bytes - (double)threads * MB_BLAS_BUFFER, space.source);
    if (bytes <= limit.bytes)
        return MB_OK;
    return mb_fail(error, MB_ERROR_MEMORY, "%s: needs %.2f GB of memory, %s leaves %.2f GB: %s",
                   what, 1e-9 * bytes, limit.source, 1e-9 * limit.bytes, way_out);
}
