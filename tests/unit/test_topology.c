#include "machine/topology.h"
#include "support.h"
#include "test.h"

#include <hwloc.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A synthetic machine, what is allowed and how fast its cores are, and what is found. Lists are
 * texts "0,2,4". */
typedef struct synthetic_machine {
    const char *description; /* in hwloc's synthetic syntax */
    const char *allowed;     /* CPUs; NULL: all */
    const char *kinds[3]; /* CPUs of each kind of core, from the slowest; their type is the atom's
                           * or the core's */
    size_t atoms;         /* kinds of the first type */
    size_t cores, cores_fast;
    const char *core_pus, *pus;
    size_t caches;
    const char *core_caches; /* NULL: all 0 */
} synthetic_machine;

static const synthetic_machine machines[] = {
    {"package:2 core:4 pu:2",
     NULL,
     {NULL},
     0,
     8,
     8,
     "0,2,4,6,8,10,12,14",
     "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
     0,
     NULL},
    /* Linux often numbers the second threads of all cores after the first ones. */
    {"core:3 pu:2(indexes=0,3,1,4,2,5)", NULL, {NULL}, 0, 3, 3, "0,1,2", "0,3,1,4,2,5", 0, NULL},
    {"core:1 pu:1", NULL, {NULL}, 0, 1, 1, "0", "0", 0, NULL},
    /* Some virtual machines report processors, but no cores. */
    {"pu:3", NULL, {NULL}, 0, 3, 3, "0,1,2", "0,1,2", 0, NULL},
    /* A core counts if one of its processors is allowed, and is pinned to that one. */
    {"core:4 pu:2", "3-5", {NULL}, 0, 4, 2, "3,4", "3,4,5", 0, NULL},
    /* Fast cores come first, although the system counts them last. */
    {"core:4 pu:2", NULL, {"0-3", "4-7"}, 1, 4, 2, "4,6,0,2", "4,5,6,7,0,1,2,3", 0, NULL},
    {"core:4 pu:2", "0-3", {"0-3", "4-7"}, 1, 4, 2, "0,2", "0,1,2,3", 0, NULL},
    /* Favoured cores of one type have a slightly higher clock rate. */
    {"core:6 pu:1", NULL, {"0-1", "2-3", "4-5"}, 1, 6, 4, "2,3,4,5,0,1", "2,3,4,5,0,1", 0, NULL},
    /* The outermost cache counts; chiplets of one package have one each. */
    {"package:2 l3:2 l2:2 core:1 pu:1",
     NULL,
     {NULL},
     0,
     8,
     8,
     "0,1,2,3,4,5,6,7",
     "0,1,2,3,4,5,6,7",
     4,
     "0,0,1,1,2,2,3,3"},
    {"l2:2 core:2 pu:2", NULL, {NULL}, 0, 4, 4, "0,2,4,6", "0,1,2,3,4,5,6,7", 2, "0,0,1,1"},
    /* Caches of cores that are not allowed do not count, and numbers follow the order of cores. */
    {"l3:3 core:2 pu:1", "2-5", {"2-3", "4-5"}, 1, 6, 2, "4,5,2,3", "4,5,2,3", 2, "0,0,1,1"},
};

static hwloc_bitmap_t set_of(const char *cpus)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    assert_int_equal(hwloc_bitmap_list_sscanf(set, cpus), 0);
    return set;
}

static hwloc_topology_t load(const synthetic_machine *machine)
{
    static char name[] = "CoreType", atom[] = "IntelAtom", core[] = "IntelCore";
    hwloc_topology_t loaded;
    assert_int_equal(hwloc_topology_init(&loaded), 0);
    assert_int_equal(hwloc_topology_set_flags(loaded, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED), 0);
    assert_int_equal(hwloc_topology_set_synthetic(loaded, machine->description), 0);
    assert_int_equal(hwloc_topology_load(loaded), 0);
    for (size_t i = 0; i < MB_COUNT_OF(machine->kinds) && machine->kinds[i] != NULL; i++) {
        struct hwloc_info_s info = {name, i < machine->atoms ? atom : core};
        hwloc_bitmap_t set = set_of(machine->kinds[i]);
        assert_int_equal(hwloc_cpukinds_register(loaded, set, (int)i, 1, &info, 0), 0);
        hwloc_bitmap_free(set);
    }
    if (machine->allowed != NULL) {
        hwloc_bitmap_t set = set_of(machine->allowed);
        assert_int_equal(hwloc_topology_allow(loaded, set, NULL, HWLOC_ALLOW_FLAG_CUSTOM), 0);
        hwloc_bitmap_free(set);
    }
    return loaded;
}

static void is_list(const unsigned *list, size_t count, const char *wanted)
{
    char text[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, i > 0 ? ",%u" : "%u", list[i]);
    assert_string_equal(text, wanted);
}

static void check(const synthetic_machine *machine, mb_topology *topology)
{
    assert_int_equal(topology->cores, machine->cores);
    assert_int_equal(topology->cores_fast, machine->cores_fast);
    is_list(topology->core_pus, topology->cores_allowed, machine->core_pus);
    is_list(topology->pus, topology->pus_allowed, machine->pus);
    assert_int_equal(topology->caches, machine->caches);
    if (machine->core_caches != NULL)
        is_list(topology->core_caches, topology->cores_allowed, machine->core_caches);
    assert_string_equal(topology->cpu, "");
    mb_topology_free(topology);
}

TEST(synthetic_machines)
{
    for (size_t i = 0; i < MB_COUNT_OF(machines); i++) {
        mb_topology topology;
        hwloc_topology_t loaded = load(&machines[i]);
        assert_int_equal(mb_topology_from(loaded, &topology, NULL), MB_OK);
        check(&machines[i], &topology);
        hwloc_topology_destroy(loaded);
        if (machines[i].allowed != NULL || machines[i].kinds[0] != NULL)
            continue;
        assert_int_equal(mb_topology_read(machines[i].description, &topology, NULL), MB_OK);
        check(&machines[i], &topology);
    }
}

TEST(nonsense_is_unavailable)
{
    mb_topology topology = {0};
    mb_error error;
    assert_int_equal(mb_topology_read("one big computer", &topology, &error), MB_ERROR_UNAVAILABLE);
    mb_test_check_error(&error, MB_ERROR_UNAVAILABLE, "hwloc: ");
    assert_null(topology.pus);
}

TEST(this_machine_has_what_it_allows)
{
    cpu_set_t bound;
    mb_topology topology;
    if (omp_get_num_places() > 0)
        skip(); /* OpenMP has bound this thread, whose affinity is not that of the process */
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

/* Restricts the calling thread, as taskset does. */
TEST(a_binding_leaves_fewer_cores)
{
    cpu_set_t before, one;
    mb_topology whole, restricted;
    if (omp_get_num_places() > 0)
        skip(); /* OpenMP's places override the affinity */
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
    assert_int_equal(restricted.cores_allowed, 1);
    assert_int_equal(restricted.core_pus[0], last);
    assert_int_equal(restricted.pus_allowed, 1);
    assert_int_equal(restricted.pus[0], last);
    mb_topology_free(&restricted);
    mb_topology_free(&whole);
}

/* CPUs that this process may use, as an exit status, which has 8 bits. */
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

/* libgomp reads the variable when it is loaded, and binds the initial thread to one CPU before
 * main() runs; hence the program runs itself. */
TEST(binding_by_openmp_takes_no_cores_away)
{
    if (omp_get_num_places() > 0)
        skip();
    assert_int_equal(mb_test_run_itself("OMP_PROC_BIND", "true", counting), count_cpus());
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], counting) == 0)
        return count_cpus();
    return mb_run_tests();
}
