#include "machine/cgroup.h"
#include "machine/memory.h"
#include "support.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Writes PATH and its parent folders below the root, which is the test's folder. */
static void put(const char *path, const char *text)
{
    const char *root = mb_test_folder();
    char *whole = mb_path_join(root, path);
    assert_non_null(whole);
    for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        assert_true(mkdir(whole, 0777) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(whole);
}

static void is_cpus(double wanted)
{
    const double cpus = mb_cgroup_cpu_quota(mb_test_folder());
    if (cpus != wanted)
        fail_msg("%.17g CPUs, not %.17g", cpus, wanted);
}

#define V1_MOUNTS                                                                                  \
    "40 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"                            \
    "41 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define HYBRID_MOUNTS                                                                              \
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"                                  \
    "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"                          \
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

static const char v2_mounts[] =
    "24 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
    "31 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

/* Contents of /proc, files with limits, and the expected quota. */
static const struct {
    const char *cgroup, *mounts;
    const char *files[4][2];
    double cpus;
} layouts[] = {
    /* v2: the smallest limit of the ancestors; a sibling's and a child's do not count. */
    {"0::/user.slice/job/step\n",
     v2_mounts,
     {{"sys/fs/cgroup/user.slice/cpu.max", "400000 100000\n"},
      {"sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n"},
      {"sys/fs/cgroup/user.slice/job/step/cpu.max", "max 100000\n"}},
     1.5},
    {"0::/user.slice/job/step\n",
     v2_mounts,
     {{"sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n"},
      {"sys/fs/cgroup/user.slice/job/step/cpu.max", "25000 50000\n"}},
     0.5},
    {"0::/job\n",
     v2_mounts,
     {{"sys/fs/cgroup/job/cpu.max", "max 100000\n"},
      {"sys/fs/cgroup/other/cpu.max", "10000 100000\n"},
      {"sys/fs/cgroup/job/below/cpu.max", "10000 100000\n"}},
     0},
    /* A container with its own namespace: the limit is at the mount point. */
    {"0::/\n", v2_mounts, {{"sys/fs/cgroup/cpu.max", "200000 100000\n"}}, 2},
    /* Without one, the mount's root is the cgroup's path on the host. */
    {"0::/docker/4f2a/inner\n",
     "31 24 0:26 /docker/4f2a /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
     {{"sys/fs/cgroup/cpu.max", "300000 100000\n"},
      {"sys/fs/cgroup/inner/cpu.max", "250000 100000\n"}},
     2.5},
    /* A mount from outside of the namespace has the cgroup two levels up. */
    {"0::/\n",
     "31 24 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
     {{"sys/fs/cgroup/cpu.max", "300000 100000\n"}},
     3},
    /* A process moved out of its namespace, and mounts without its cgroup: "/dock" is no parent of
     * "/docker". */
    {"0::/../other\n", v2_mounts, {{"sys/fs/cgroup/cpu.max", "100000 100000\n"}}, 0},
    {"0::/docker/a\n",
     "31 24 0:26 /dock /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
     {{"sys/fs/cgroup/cpu.max", "100000 100000\n"}},
     0},
    {"0::/docker/a\n",
     "31 24 0:26 /../sibling /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
     {{"sys/fs/cgroup/cpu.max", "100000 100000\n"}},
     0},
    /* v1: a quota needs its period; other controllers do not count. */
    {"5:cpuset:/x\n4:cpu,cpuacct:/docker/4f2a\n1:name=systemd:/y\n",
     V1_MOUNTS,
     {{"sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/cpuset/x/cpu.cfs_quota_us", "1000\n"},
      {"sys/fs/cgroup/cpuset/x/cpu.cfs_period_us", "100000\n"}},
     0},
    {"4:cpu,cpuacct:/docker/4f2a\n",
     V1_MOUNTS,
     {{"sys/fs/cgroup/cpu,cpuacct/docker/4f2a/cpu.cfs_quota_us", "350000\n"}},
     0},
    {"4:cpu,cpuacct:/docker/4f2a\n",
     V1_MOUNTS,
     {{"sys/fs/cgroup/cpu,cpuacct/docker/4f2a/cpu.cfs_quota_us", "350000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/docker/4f2a/cpu.cfs_period_us", "100000\n"}},
     3.5},
    {"4:cpuacct,cpu:/docker/4f2a\n",
     "41 31 0:31 /docker/4f2a /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpuacct,cpu\n",
     {{"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     2},
    /* Both: v1 has the cpu controller; v2 is for systemd and has no cpu.max, or it has. */
    {"2:cpuacct:/\n1:cpu:/a\n0::/user.slice\n",
     HYBRID_MOUNTS,
     {{"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000\n"}},
     2},
    {"2:cpuacct:/\n1:cpu:/a\n0::/user.slice\n",
     HYBRID_MOUNTS,
     {{"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n"},
      {"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000\n"},
      {"sys/fs/cgroup/unified/user.slice/cpu.max", "100000 100000\n"}},
     1},
    /* Mount points with spaces. */
    {"0::/a b\n",
     "31 24 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw\n",
     {{"my groups/a b/cpu.max", "100000 100000\n"}},
     1},
};

TEST(layouts_of_systems_and_containers)
{
    for (size_t i = 0; i < MB_COUNT_OF(layouts); i++) {
        print_message("%s", layouts[i].cgroup);
        put("proc/self/cgroup", layouts[i].cgroup);
        put("proc/self/mountinfo", layouts[i].mounts);
        for (size_t f = 0; f < MB_COUNT_OF(layouts[i].files) && layouts[i].files[f][0] != NULL; f++)
            put(layouts[i].files[f][0], layouts[i].files[f][1]);
        is_cpus(layouts[i].cpus);
        mb_test_remove_own_folder(NULL);
    }
}

TEST(malformed_limits_are_none)
{
    static const char *const texts[] = {
        "",           "\n",           "max\n",      "100000\n",     "100000 0\n",
        "0 100000\n", "-5 100000\n",  "100000 x\n", "1e5 100000\n", "100000 100000 7\n",
        "x 100000\n", "100000 -10\n", " \n",        "nan inf\n",    "99999999999999999999999 1\n",
    };
    put("proc/self/cgroup", "0::/job\n");
    put("proc/self/mountinfo", v2_mounts);
    for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
        put("sys/fs/cgroup/job/cpu.max", texts[i]);
        is_cpus(0);
    }
    put("sys/fs/cgroup/cpu.max", "100000 100000\n");
    is_cpus(1);
}

/* Malformed lines are ignored; the valid last one is used. */
TEST(malformed_lines_are_ignored)
{
    static const char good[] = "31 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    put("proc/self/mountinfo", v2_mounts);
    put("proc/self/cgroup", "\n:\n::\n0:\n0::\n0::relative\nx\n0::/job");
    put("sys/fs/cgroup/job/cpu.max", "100000 100000\n");
    is_cpus(1);
    char lines[512] =
        "\n \n - \n31\n31 24 0:26 /\n31 24 0:26 / /sys/fs/cgroup rw\n"
        "31 24 0:26 / /sys/fs/cgroup rw -\n31 24 0:26 / /x rw - cgroup2 cgroup2\n"
        "31 24 0:26 x y rw - cgroup2 cgroup2 rw\n31 24 0:26 / \\0 rw - cgroup c cpu\n";
    put("proc/self/mountinfo", lines);
    is_cpus(0);
    strcat(lines, good);
    put("proc/self/mountinfo", lines);
    is_cpus(1);
}

TEST(nothing_to_read_is_no_limit)
{
    is_cpus(0);
    assert_true(mb_cgroup_cpu_quota("/nonexistent/mnist_blas") == 0);
    put("proc/self/cgroup", "0::/\n");
    is_cpus(0);
}

TEST(this_system_answers)
{
    const double cpus = mb_cgroup_cpu_quota("");
    assert_true(cpus >= 0 && cpus < 1e6);
}

TEST(memory_available)
{
    const char *root = mb_test_folder();
    put("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    4000 kB\nSwapFree: 1000 kB\n");
    assert_true(mb_cgroup_memory_available(root) == 0);
    assert_true(mb_memory_available(root).bytes == 5000 * 1024);
    assert_string_equal(mb_memory_available(root).source, "the machine");
    put("proc/self/cgroup", "5:memory:/job\n0::/user/job\n");
    put("proc/self/mountinfo", "31 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                               "40 31 0:30 / /sys/fs/memory rw - cgroup cgroup rw,memory\n");
    put("sys/fs/cgroup/user/memory.max", "3000000\n");
    put("sys/fs/cgroup/user/memory.current", "2500000\n");
    put("sys/fs/cgroup/user/memory.stat",
        "anon 7\nfile 9\ninactive_file 300000\nactive_file 100\n");
    put("sys/fs/cgroup/user/job/memory.max", "max\n");
    put("sys/fs/cgroup/user/job/memory.current", "2500000\n");
    assert_true(mb_memory_available(root).bytes == 800100);
    assert_string_equal(mb_memory_available(root).source, "the control group");
    put("sys/fs/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    put("sys/fs/memory/job/memory.usage_in_bytes", "5000\n");
    assert_true(mb_memory_available(root).bytes == 800100);
    put("sys/fs/memory/memory.limit_in_bytes", "600000\n");
    put("sys/fs/memory/memory.usage_in_bytes", "700000\n");
    put("sys/fs/memory/memory.stat", "cache 5\ntotal_inactive_file 50000\n");
    assert_true(mb_memory_available(root).bytes == 1);
}
