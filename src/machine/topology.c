#include "machine/topology.h"

#include "core/util.h"
#include "machine/pins.h"

#include <errno.h>
#include <hwloc.h>
#include <limits.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static mb_status fail_hwloc(mb_error *error, const char *what)
{
    return mb_fail(error, MB_ERROR_UNAVAILABLE, "hwloc: %s: %s", what, strerror(errno));
}

/* Loads cores, processors, the caches that cores share, and the packages, which carry the CPU's
 * name; devices would cost time. DONT_CHANGE_BINDING: hwloc must not move the calling thread over
 * all CPUs to query each. */
static mb_status load(const char *synthetic, hwloc_topology_t *loaded, mb_error *error)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0)
        return fail_hwloc(error, "initialisation failed");
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED |
                                           HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
    hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_PACKAGE, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_L2CACHE, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_L3CACHE, HWLOC_TYPE_FILTER_KEEP_ALL);
    mb_status status = MB_OK;
    if (synthetic != NULL && hwloc_topology_set_synthetic(topology, synthetic) != 0)
        status = fail_hwloc(error, "invalid synthetic topology");
    else if (hwloc_topology_load(topology) != 0)
        status = fail_hwloc(error, "cannot read the topology");
    if (status == MB_OK)
        *loaded = topology;
    else
        hwloc_topology_destroy(topology);
    return status;
}

/* With OMP_PROC_BIND, libgomp binds the initial thread to its first place before main() runs; the
 * CPUs given to the process are then those of all places. */
static void add_openmp_places(hwloc_bitmap_t cpus)
{
    const int places = omp_get_num_places();
    for (int place = 0; place < places; place++) {
        const int count = omp_get_place_num_procs(place);
        int *ids = count > 0 ? malloc((size_t)count * sizeof *ids) : NULL;
        if (ids == NULL)
            continue;
        omp_get_place_proc_ids(place, ids);
        for (int i = 0; i < count; i++)
            hwloc_bitmap_set(cpus, (unsigned)ids[i]);
        free(ids);
    }
}

/* A new set of the CPUs that may be used, in *allowed. On this machine they are those of the
 * thread's affinity, also if HWLOC_XMLFILE or the like describes another one; a system without
 * affinity allows all. */
static mb_status find_allowed_cpus(hwloc_topology_t loaded, bool this_machine,
                                   hwloc_bitmap_t *allowed, mb_error *error)
{
    mb_affinity affinity;
    const int failure = this_machine ? mb_affinity_get(&affinity) : ENOSYS;
    if (failure != 0 && failure != ENOSYS)
        return mb_fail(error, MB_ERROR_UNAVAILABLE, "CPUs that this process may use: %s",
                       strerror(failure));
    hwloc_bitmap_t bound = hwloc_bitmap_alloc();
    *allowed = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(loaded));
    bool complete = *allowed != NULL && bound != NULL;
    if (complete && failure == 0) {
        complete = hwloc_bitmap_from_ulongs(bound, MB_COUNT_OF(affinity.mask), affinity.mask) == 0;
        add_openmp_places(bound);
        hwloc_bitmap_and(*allowed, *allowed, bound);
    }
    hwloc_bitmap_free(bound);
    return complete ? MB_OK : mb_fail_memory(error, "topology", sizeof affinity);
}

/* Rank of a kind of core by hwloc; all are 0 if it does not know. */
typedef struct {
    int efficiency;
    const char *type; /* "IntelCore", "IntelAtom"; NULL if unknown */
} core_kind;

static core_kind kind_of(hwloc_topology_t loaded, hwloc_const_cpuset_t cpus)
{
    core_kind kind = {0};
    struct hwloc_info_s *infos = NULL;
    unsigned count = 0;
    const int index = hwloc_cpukinds_get_by_cpuset(loaded, cpus, 0);
    if (index < 0 || hwloc_cpukinds_get_info(loaded, (unsigned)index, NULL, &kind.efficiency,
                                             &count, &infos, 0) != 0)
        return kind;
    if (kind.efficiency < 0)
        kind.efficiency = 0;
    for (unsigned i = 0; i < count; i++)
        if (strcmp(infos[i].name, "CoreType") == 0)
            kind.type = infos[i].value;
    return kind;
}

/* hwloc ranks cores of one type by turbo clock alone; such differences do not justify leaving the
 * slower ones idle. */
static bool as_fast(core_kind kind, core_kind fastest)
{
    return kind.efficiency >= fastest.efficiency ||
           (kind.type != NULL && fastest.type != NULL && strcmp(kind.type, fastest.type) == 0);
}

static core_kind fastest_kind(hwloc_topology_t loaded, hwloc_obj_type_t unit,
                              hwloc_const_cpuset_t allowed)
{
    core_kind fastest = {.efficiency = INT_MIN};
    for (hwloc_obj_t core = NULL;
         (core = hwloc_get_next_obj_by_type(loaded, unit, core)) != NULL;) {
        const core_kind kind = kind_of(loaded, core->cpuset);
        if (hwloc_bitmap_intersects(core->cpuset, allowed) && kind.efficiency > fastest.efficiency)
            fastest = kind;
    }
    return fastest;
}

/* The outermost cache of a core; NULL if the system reports none. */
static hwloc_obj_t last_level_cache(hwloc_obj_t core)
{
    hwloc_obj_t cache = NULL;
    for (hwloc_obj_t above = core->parent; above != NULL; above = above->parent)
        if (hwloc_obj_type_is_dcache(above->type))
            cache = above;
    return cache;
}

/* The number of the core's cache: that of an earlier core, or a new one. */
static unsigned number_of_cache(hwloc_obj_t cache, mb_topology *topology)
{
    for (size_t i = 0; i < topology->cores_allowed; i++)
        if (hwloc_bitmap_isset(cache->cpuset, topology->core_pus[i]))
            return topology->core_caches[i];
    return (unsigned)topology->caches++;
}

/* Appends the allowed cores that are (or are not) of the fastest kind, and their PUs. */
static void append_cores(hwloc_topology_t loaded, hwloc_obj_type_t unit,
                         hwloc_const_cpuset_t allowed, bool fast, hwloc_bitmap_t scratch,
                         mb_topology *topology)
{
    const core_kind fastest = fastest_kind(loaded, unit, allowed);
    for (hwloc_obj_t core = NULL;
         (core = hwloc_get_next_obj_by_type(loaded, unit, core)) != NULL;) {
        hwloc_bitmap_and(scratch, core->cpuset, allowed);
        if (hwloc_bitmap_iszero(scratch) || as_fast(kind_of(loaded, core->cpuset), fastest) != fast)
            continue;
        const hwloc_obj_t cache = last_level_cache(core);
        if (cache != NULL)
            topology->core_caches[topology->cores_allowed] = number_of_cache(cache, topology);
        topology->core_pus[topology->cores_allowed++] = (unsigned)hwloc_bitmap_first(scratch);
        for (int pu = hwloc_bitmap_first(scratch); pu >= 0; pu = hwloc_bitmap_next(scratch, pu))
            topology->pus[topology->pus_allowed++] = (unsigned)pu;
    }
}

static char *cpu_name(hwloc_topology_t loaded)
{
    const hwloc_obj_t package = hwloc_get_obj_by_type(loaded, HWLOC_OBJ_PACKAGE, 0);
    const char *name = package != NULL ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    if (name == NULL)
        name = hwloc_obj_get_info_by_name(hwloc_get_root_obj(loaded), "CPUModel");
    return strdup(name != NULL ? name : "");
}

static mb_status describe(hwloc_topology_t loaded, bool this_machine, mb_topology *topology,
                          mb_error *error)
{
    mb_topology found = {0};
    const int cores = hwloc_get_nbobjs_by_type(loaded, HWLOC_OBJ_CORE);
    const int pus = hwloc_get_nbobjs_by_type(loaded, HWLOC_OBJ_PU);
    /* If the system does not report cores, each logical processor counts as one. */
    const hwloc_obj_type_t unit = cores > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    hwloc_bitmap_t allowed = NULL, scratch = hwloc_bitmap_alloc();
    found.cores = (size_t)(cores > 0 ? cores : pus);
    found.core_pus = calloc(found.cores, sizeof *found.core_pus);
    found.core_caches = calloc(found.cores, sizeof *found.core_caches);
    found.pus = calloc((size_t)pus, sizeof *found.pus);
    found.cpu = cpu_name(loaded);
    mb_status status = find_allowed_cpus(loaded, this_machine, &allowed, error);
    if (status != MB_OK)
        goto done;
    if (scratch == NULL || found.core_pus == NULL || found.core_caches == NULL ||
        found.pus == NULL || found.cpu == NULL) {
        status = mb_fail_memory(error, "topology", (size_t)pus * 2 * sizeof *found.pus);
        goto done;
    }
    append_cores(loaded, unit, allowed, true, scratch, &found);
    found.cores_fast = found.cores_allowed;
    append_cores(loaded, unit, allowed, false, scratch, &found);
    if (found.pus_allowed == 0)
        status = mb_fail(error, MB_ERROR_UNAVAILABLE,
                         "hwloc: this process may use none of the machine's %d CPUs", pus);
done:
    hwloc_bitmap_free(scratch);
    hwloc_bitmap_free(allowed);
    if (status == MB_OK)
        *topology = found;
    else
        mb_topology_free(&found);
    return status;
}

mb_status mb_topology_from(struct hwloc_topology *loaded, mb_topology *topology, mb_error *error)
{
    return describe(loaded, hwloc_topology_is_thissystem(loaded), topology, error);
}

mb_status mb_topology_read(const char *synthetic, mb_topology *topology, mb_error *error)
{
    hwloc_topology_t loaded = NULL;
    mb_status status = load(synthetic, &loaded, error);
    if (status != MB_OK)
        return status;
    status = describe(loaded, synthetic == NULL, topology, error);
    hwloc_topology_destroy(loaded);
    return status;
}

void mb_topology_free(mb_topology *topology)
{
    free(topology->cpu);
    free(topology->core_pus);
    free(topology->core_caches);
    free(topology->pus);
    *topology = (mb_topology){0};
}
