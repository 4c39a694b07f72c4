#include "machine/cgroup.h"
#include "support.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A fake root folder with proc/self in it. */
static int make_root(void **state)
{
    char *root = mb_test_make_folder();
    free(mb_test_subfolder(root, "proc"));
    free(mb_test_subfolder(root, "proc/self"));
    *state = root;
    return 0;
}

static int remove_root(void **state)
{
    mb_test_remove_folder(*state);
    return 0;
}

/* Writes ROOT/PATH with the folders that lead to it. */
static void put(const char *root, const char *path, const char *text)
{
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

static void is_cpus(const char *root, double wanted)
{
    const double cpus = mb_cgroup_cpu_quota(root);
    if (cpus != wanted)
        fail_msg("%.17g CPUs, not %.17g", cpus, wanted);
}

static void put_v2(const char *root, const char *cgroup)
{
    put(root, "proc/self/cgroup", cgroup);
    put(root, "proc/self/mountinfo",
        "24 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
        "31 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
}

TEST_WITH(v2_takes_the_tightest_of_the_ancestors, make_root, remove_root)
{
    put_v2(*state, "0::/user.slice/job/step\n");
    put(*state, "sys/fs/cgroup/user.slice/cpu.max", "400000 100000\n");
    put(*state, "sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n");
    put(*state, "sys/fs/cgroup/user.slice/job/step/cpu.max", "max 100000\n");
    is_cpus(*state, 1.5);
    put(*state, "sys/fs/cgroup/user.slice/job/step/cpu.max", "25000 50000\n");
    is_cpus(*state, 0.5);
}

/* A sibling's limit is not ours. */
TEST_WITH(v2_without_a_limit, make_root, remove_root)
{
    put_v2(*state, "0::/job\n");
    put(*state, "sys/fs/cgroup/job/cpu.max", "max 100000\n");
    put(*state, "sys/fs/cgroup/other/cpu.max", "10000 100000\n");
    put(*state, "sys/fs/cgroup/job/below/cpu.max", "10000 100000\n");
    is_cpus(*state, 0);
}

/* A process in the root of its namespace reads the limit where the mount points. */
TEST_WITH(v2_in_a_container_with_its_own_namespace, make_root, remove_root)
{
    put_v2(*state, "0::/\n");
    put(*state, "sys/fs/cgroup/cpu.max", "200000 100000\n");
    is_cpus(*state, 2);
}

/* Without one, the mount's root is the cgroup's path on the host. */
TEST_WITH(v2_in_a_container_without, make_root, remove_root)
{
    put(*state, "proc/self/cgroup", "0::/docker/4f2a/inner\n");
    put(*state, "proc/self/mountinfo",
        "31 24 0:26 /docker/4f2a /sys/fs/cgroup ro - cgroup2 cgroup ro\n");
    put(*state, "sys/fs/cgroup/cpu.max", "300000 100000\n");
    put(*state, "sys/fs/cgroup/inner/cpu.max", "250000 100000\n");
    is_cpus(*state, 2.5);
}

/* The mount was made outside of the namespace: it shows a cgroup two levels up. */
TEST_WITH(mount_from_outside_of_the_namespace, make_root, remove_root)
{
    put(*state, "proc/self/cgroup", "0::/\n");
    put(*state, "proc/self/mountinfo", "31 24 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup ro\n");
    put(*state, "sys/fs/cgroup/cpu.max", "300000 100000\n");
    is_cpus(*state, 3);
}

/* A process that was moved out of its namespace, and mounts of other cgroups than ours, "/dock"
 * being no parent of "/docker". */
TEST_WITH(mounts_that_do_not_show_the_process, make_root, remove_root)
{
    put(*state, "sys/fs/cgroup/cpu.max", "100000 100000\n");
    put_v2(*state, "0::/../other\n");
    is_cpus(*state, 0);
    put(*state, "proc/self/cgroup", "0::/docker/a\n");
    put(*state, "proc/self/mountinfo", "31 24 0:26 /dock /sys/fs/cgroup ro - cgroup2 cgroup ro\n");
    is_cpus(*state, 0);
    put(*state, "proc/self/mountinfo",
        "31 24 0:26 /../sibling /sys/fs/cgroup ro - cgroup2 cgroup ro\n");
    is_cpus(*state, 0);
}

TEST_WITH(v1_reads_quota_and_period, make_root, remove_root)
{
    put(*state, "proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/docker/4f2a\n1:name=systemd:/y\n");
    put(*state, "proc/self/mountinfo",
        "40 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "41 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
    put(*state, "sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "-1\n");
    put(*state, "sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
    put(*state, "sys/fs/cgroup/cpuset/x/cpu.cfs_quota_us", "1000\n");
    put(*state, "sys/fs/cgroup/cpuset/x/cpu.cfs_period_us", "100000\n");
    is_cpus(*state, 0);
    put(*state, "sys/fs/cgroup/cpu,cpuacct/docker/4f2a/cpu.cfs_quota_us", "350000\n");
    is_cpus(*state, 0);
    put(*state, "sys/fs/cgroup/cpu,cpuacct/docker/4f2a/cpu.cfs_period_us", "100000\n");
    is_cpus(*state, 3.5);
}

TEST_WITH(v1_in_a_container, make_root, remove_root)
{
    put(*state, "proc/self/cgroup", "4:cpuacct,cpu:/docker/4f2a\n");
    put(*state, "proc/self/mountinfo",
        "41 31 0:31 /docker/4f2a /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpuacct,cpu\n");
    put(*state, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    put(*state, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    is_cpus(*state, 2);
}

/* v1 has the cpu controller, v2 is there for systemd only: no cpu.max in it. */
TEST_WITH(hybrid_layout, make_root, remove_root)
{
    put(*state, "proc/self/cgroup", "2:cpuacct:/\n1:cpu:/a\n0::/user.slice\n");
    put(*state, "proc/self/mountinfo",
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put(*state, "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n");
    put(*state, "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000\n");
    is_cpus(*state, 2);
    put(*state, "sys/fs/cgroup/unified/user.slice/cpu.max", "100000 100000\n");
    is_cpus(*state, 1);
}

TEST_WITH(mount_points_with_blanks, make_root, remove_root)
{
    put(*state, "proc/self/cgroup", "0::/a b\n");
    put(*state, "proc/self/mountinfo", "31 24 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw\n");
    put(*state, "my groups/a b/cpu.max", "100000 100000\n");
    is_cpus(*state, 1);
}

TEST_WITH(malformed_limits_are_none, make_root, remove_root)
{
    static const char *const texts[] = {
        "",           "\n",           "max\n",      "100000\n",     "100000 0\n",
        "0 100000\n", "-5 100000\n",  "100000 x\n", "1e5 100000\n", "100000 100000 7\n",
        "x 100000\n", "100000 -10\n", " \n",        "nan inf\n",    "99999999999999999999999 1\n",
    };
    put_v2(*state, "0::/job\n");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(*state, "sys/fs/cgroup/job/cpu.max", texts[i]);
        is_cpus(*state, 0);
    }
    put(*state, "sys/fs/cgroup/cpu.max", "100000 100000\n");
    is_cpus(*state, 1);
}

/* Lines that are not what they should be are passed over, and the good one at the end counts. */
TEST_WITH(malformed_lines_are_passed_over, make_root, remove_root)
{
    static const char good[] = "31 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    put_v2(*state, "\n:\n::\n0:\n0::\n0::relative\nx\n0::/job");
    put(*state, "sys/fs/cgroup/job/cpu.max", "100000 100000\n");
    is_cpus(*state, 1);
    char lines[512] =
        "\n \n - \n31\n31 24 0:26 /\n31 24 0:26 / /sys/fs/cgroup rw\n"
        "31 24 0:26 / /sys/fs/cgroup rw -\n31 24 0:26 / /x rw - cgroup2 cgroup2\n"
        "31 24 0:26 x y rw - cgroup2 cgroup2 rw\n31 24 0:26 / \\0 rw - cgroup c cpu\n";
    put(*state, "proc/self/mountinfo", lines);
    is_cpus(*state, 0);
    strcat(lines, good);
    put(*state, "proc/self/mountinfo", lines);
    is_cpus(*state, 1);
}

TEST_WITH(nothing_to_read_is_no_limit, make_root, remove_root)
{
    is_cpus(*state, 0);
    is_cpus("/nonexistent/mnist_blas", 0);
    put(*state, "proc/self/cgroup", "0::/\n");
    is_cpus(*state, 0);
}

TEST(this_system_answers)
{
    const double cpus = mb_cgroup_cpu_quota("");
    assert_true(cpus >= 0 && cpus < 1e6);
}
