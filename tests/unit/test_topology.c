#include "machine/topology.h"
#include "support.h"
#include "test.h"

#include <errno.h>
#include <hwloc.h>
#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void is_list(const unsigned *list, size_t count, const unsigned *wanted, size_t wanted_count)
{
    assert_int_equal(count, wanted_count);
    assert_memory_equal(list, wanted, count * sizeof *list);
}

TEST(one_cpu_of_each_core_is_the_first)
{
    static const unsigned cores[] = {0, 2, 4, 6, 8, 10, 12, 14};
    mb_topology topology;
    assert_int_equal(mb_topology_read("package:2 core:4 pu:2", &topology, NULL), MB_OK);
    assert_int_equal(topology.cores, 8);
    assert_int_equal(topology.cores_fast, 8);
    is_list(topology.core_pus, topology.cores_allowed, cores, 8);
    assert_int_equal(topology.pus_allowed, 16);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(topology.pus[i], i);
    assert_string_equal(topology.cpu, "");
    mb_topology_free(&topology);
}

/* Linux often numbers the second threads of all cores after the first ones. */
TEST(cpus_have_the_numbers_of_the_system)
{
    static const unsigned cores[] = {0, 1, 2}, pus[] = {0, 3, 1, 4, 2, 5};
    mb_topology topology;
    assert_int_equal(mb_topology_read("core:3 pu:2(indexes=0,3,1,4,2,5)", &topology, NULL), MB_OK);
    is_list(topology.core_pus, topology.cores_allowed, cores, 3);
    is_list(topology.pus, topology.pus_allowed, pus, 6);
    mb_topology_free(&topology);
}

TEST(smallest_machine)
{
    mb_topology topology;
    assert_int_equal(mb_topology_read("core:1 pu:1", &topology, NULL), MB_OK);
    assert_int_equal(topology.cores, 1);
    assert_int_equal(topology.cores_allowed, 1);
    assert_int_equal(topology.core_pus[0], 0);
    assert_int_equal(topology.pus_allowed, 1);
    mb_topology_free(&topology);
}

/* Some virtual machines tell processors and no cores. */
TEST(processors_count_as_cores_where_there_are_none)
{
    mb_topology topology;
    assert_int_equal(mb_topology_read("pu:3", &topology, NULL), MB_OK);
    assert_int_equal(topology.cores, 3);
    assert_int_equal(topology.cores_allowed, 3);
    assert_int_equal(topology.core_pus[2], 2);
    mb_topology_free(&topology);
}

TEST(nonsense_is_unavailable)
{
    mb_topology topology = {0};
    mb_error error;
    assert_int_equal(mb_topology_read("one big computer", &topology, &error), MB_ERROR_UNAVAILABLE);
    mb_test_check_error(&error, MB_ERROR_UNAVAILABLE, "hwloc: ");
    assert_null(topology.pus);
}

/* A synthetic topology with disallowed CPUs in it, to be changed before it is read. */
static hwloc_topology_t synthetic(const char *description)
{
    hwloc_topology_t loaded;
    assert_int_equal(hwloc_topology_init(&loaded), 0);
    assert_int_equal(hwloc_topology_set_flags(loaded, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED), 0);
    assert_int_equal(hwloc_topology_set_synthetic(loaded, description), 0);
    assert_int_equal(hwloc_topology_load(loaded), 0);
    return loaded;
}

static void allow(hwloc_topology_t loaded, const char *cpus)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    assert_int_equal(hwloc_bitmap_list_sscanf(set, cpus), 0);
    assert_int_equal(hwloc_topology_allow(loaded, set, NULL, HWLOC_ALLOW_FLAG_CUSTOM), 0);
    hwloc_bitmap_free(set);
}

static void add_kind(hwloc_topology_t loaded, const char *cpus, int efficiency, char *type)
{
    static char name[] = "CoreType";
    struct hwloc_info_s info = {name, type};
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    assert_int_equal(hwloc_bitmap_list_sscanf(set, cpus), 0);
    assert_int_equal(hwloc_cpukinds_register(loaded, set, efficiency, 1, &info, 0), 0);
    hwloc_bitmap_free(set);
}

/* A core counts when one of its processors is allowed, and is then pinned to that one. */
TEST(a_cpuset_leaves_fewer_cores)
{
    static const unsigned cores[] = {3, 4}, pus[] = {3, 4, 5};
    hwloc_topology_t loaded = synthetic("core:4 pu:2");
    mb_topology topology;
    allow(loaded, "3-5");
    assert_int_equal(mb_topology_from(loaded, &topology, NULL), MB_OK);
    assert_int_equal(topology.cores, 4);
    is_list(topology.core_pus, topology.cores_allowed, cores, 2);
    is_list(topology.pus, topology.pus_allowed, pus, 3);
    mb_topology_free(&topology);
    hwloc_topology_destroy(loaded);
}

/* Two small cores come first in the system's count, two big ones after them. */
static hwloc_topology_t hybrid(void)
{
    static char atom[] = "IntelAtom", core[] = "IntelCore";
    hwloc_topology_t loaded = synthetic("core:4 pu:2");
    add_kind(loaded, "0-3", 0, atom);
    add_kind(loaded, "4-7", 1, core);
    return loaded;
}

TEST(fastest_kind_of_core_comes_first)
{
    static const unsigned cores[] = {4, 6, 0, 2}, pus[] = {4, 5, 6, 7, 0, 1, 2, 3};
    hwloc_topology_t loaded = hybrid();
    mb_topology topology;
    assert_int_equal(mb_topology_from(loaded, &topology, NULL), MB_OK);
    assert_int_equal(topology.cores, 4);
    assert_int_equal(topology.cores_fast, 2);
    is_list(topology.core_pus, topology.cores_allowed, cores, 4);
    is_list(topology.pus, topology.pus_allowed, pus, 8);
    mb_topology_free(&topology);
    hwloc_topology_destroy(loaded);
}

TEST(slow_cores_are_the_fastest_where_only_they_are_allowed)
{
    static const unsigned cores[] = {0, 2};
    hwloc_topology_t loaded = hybrid();
    mb_topology topology;
    allow(loaded, "0-3");
    assert_int_equal(mb_topology_from(loaded, &topology, NULL), MB_OK);
    assert_int_equal(topology.cores_fast, 2);
    is_list(topology.core_pus, topology.cores_allowed, cores, 2);
    mb_topology_free(&topology);
    hwloc_topology_destroy(loaded);
}

/* Favoured cores of an otherwise even CPU clock a little higher. */
TEST(cores_of_one_type_are_equally_fast)
{
    static char atom[] = "IntelAtom", core[] = "IntelCore";
    static const unsigned cores[] = {2, 3, 4, 5, 0, 1};
    hwloc_topology_t loaded = synthetic("core:6 pu:1");
    mb_topology topology;
    add_kind(loaded, "0-1", 0, atom);
    add_kind(loaded, "2-3", 1, core);
    add_kind(loaded, "4-5", 2, core);
    assert_int_equal(mb_topology_from(loaded, &topology, NULL), MB_OK);
    assert_int_equal(topology.cores_fast, 4);
    is_list(topology.core_pus, topology.cores_allowed, cores, 6);
    mb_topology_free(&topology);
    hwloc_topology_destroy(loaded);
}

TEST(this_machine_has_what_it_allows)
{
    cpu_set_t bound;
    mb_topology topology;
    if (omp_get_num_places() > 0)
        skip(); /* OpenMP has bound this thread, which then tells nothing of the process */
    assert_int_equal(sched_getaffinity(0, sizeof bound, &bound), 0);
    assert_int_equal(mb_topology_read(NULL, &topology, NULL), MB_OK);
    assert_int_equal(topology.pus_allowed, CPU_COUNT(&bound));
    assert_in_range(topology.cores_allowed, 1, topology.pus_allowed);
    assert_in_range(topology.cores_allowed, 1, topology.cores);
    assert_in_range(topology.cores_fast, 1, topology.cores_allowed);
    for (size_t i = 0; i < topology.pus_allowed; i++)
        assert_true(CPU_ISSET(topology.pus[i], &bound));
    mb_topology_free(&topology);
}

/* What taskset does, to the calling thread. */
TEST(a_binding_leaves_fewer_cores)
{
    cpu_set_t before, one;
    mb_topology whole, restricted;
    if (omp_get_num_places() > 0)
        skip(); /* OpenMP's places count, whatever the binding */
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(mb_topology_read(NULL, &whole, NULL), MB_OK);
    const unsigned last = whole.pus[whole.pus_allowed - 1];
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
        mb_topology_free(&whole);
        skip();
    }
    assert_int_equal(mb_topology_read(NULL, &restricted, NULL), MB_OK);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(restricted.cores, whole.cores);
    is_list(restricted.core_pus, restricted.cores_allowed, &last, 1);
    is_list(restricted.pus, restricted.pus_allowed, &last, 1);
    mb_topology_free(&restricted);
    mb_topology_free(&whole);
}

/* The exit status that tells how many CPUs this process may use: a status has 8 bits. */
static int count_cpus(void)
{
    mb_topology topology;
    if (mb_topology_read(NULL, &topology, NULL) != MB_OK)
        return 0;
    const size_t cpus = topology.pus_allowed;
    mb_topology_free(&topology);
    return cpus < 200 ? (int)cpus : 200;
}

static const char counting[] = "count-cpus";

/* libgomp reads its variables when it is loaded, so this program starts itself again with one:
 * the initial thread is then on one CPU before main() runs. */
TEST(binding_by_openmp_takes_no_cores_away)
{
    if (omp_get_num_places() > 0)
        skip();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("OMP_PROC_BIND", "true", 1);
        execl(program_invocation_name, program_invocation_name, counting, (char *)NULL);
        _exit(errno == ENOEXEC ? 255 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 255)
        skip(); /* emulated: the host cannot run the program */
    assert_int_equal(WEXITSTATUS(status), count_cpus());
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], counting) == 0)
        return count_cpus();
    return mb_run_tests();
}
