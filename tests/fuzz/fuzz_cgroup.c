/* Reads any bytes as the files of /proc and of a tree of control groups: the quota is finite.
 *
 * The first four bytes are the sizes of /proc/self/cgroup and mountinfo, two bytes each, and the
 * next one that of the file of the inner group; the file of the outer one has the rest. */
#include "fuzz/fuzz.h"

#include "core/util.h"
#include "machine/cgroup.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 5 };

static const char *const folders[] = {"proc", "proc/self", "c", "c/a", "c/a/b", "v"};
static const char *const files[][4] = {
    {"proc/self/cgroup"},
    {"proc/self/mountinfo"},
    {"c/a/cpu.max", "c/a/b/cpu.cfs_quota_us"},
    {"c/a/b/cpu.max", "v/cpu.cfs_quota_us", "c/a/b/cpu.cfs_period_us", "v/cpu.cfs_period_us"}};
static char root[64];

static char *path_of(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", root, name);
    return path;
}

static void remove_tree(void)
{
    char path[128];
    for (size_t i = 0; i < MB_COUNT_OF(files); i++)
        for (size_t j = 0; j < 4 && files[i][j] != NULL; j++)
            unlink(path_of(files[i][j], path));
    for (size_t i = MB_COUNT_OF(folders); i-- > 0;)
        rmdir(path_of(folders[i], path));
    rmdir(root);
}

static void begin(void)
{
    char path[128];
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(root, sizeof root, "%s/mnist_blas_fuzz_XXXXXX", memory);
    require(mkdtemp(root) != NULL && atexit(remove_tree) == 0);
    for (size_t i = 0; i < MB_COUNT_OF(folders); i++)
        require(mkdir(path_of(folders[i], path), 0700) == 0);
}

static void put(const char *const *names, const uint8_t *data, size_t size)
{
    char path[128];
    for (size_t i = 0; i < 4 && names[i] != NULL; i++) {
        FILE *file = fopen(path_of(names[i], path), "wb");
        require(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER)
        return 0;
    if (*root == '\0')
        begin();
    const size_t sizes[] = {size_at(data), size_at(data + 2), data[4], SIZE_MAX};
    size_t at = HEADER;
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        const size_t bytes = mb_min_size(sizes[i], size - at);
        put(files[i], data + at, bytes);
        at += bytes;
    }
    const double quota = mb_cgroup_cpu_quota(root);
    require(quota >= 0.0 && isfinite(quota));
    return 0;
}
