#include "machine/pins.h"

#include "core/parse.h"

#include <errno.h>
#include <hwloc.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list being parsed, and its CPUs so far. */
typedef struct {
    const char *name, *text;
    const mb_topology *topology;
    unsigned *cpus; /* (allowed CPUs) */
    size_t count;
} pin_list;

static bool contains(const unsigned *cpus, size_t count, unsigned cpu)
{
    for (size_t i = 0; i < count; i++)
        if (cpus[i] == cpu)
            return true;
    return false;
}

/* The allowed CPUs in the notation of a list, truncated to `size`. */
static void describe_allowed(const mb_topology *topology, char *text, size_t size)
{
    hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
    text[0] = '\0';
    if (allowed == NULL)
        return;
    for (size_t i = 0; i < topology->pus_allowed; i++)
        hwloc_bitmap_set(allowed, topology->pus[i]);
    const int length = hwloc_bitmap_list_snprintf(text, size, allowed);
    if (length >= 0 && (size_t)length >= size)
        memcpy(text + size - sizeof "...", "...", sizeof "...");
    hwloc_bitmap_free(allowed);
}

static mb_status add_cpu(pin_list *list, unsigned cpu, mb_error *error)
{
    if (!contains(list->topology->pus, list->topology->pus_allowed, cpu)) {
        char allowed[256];
        describe_allowed(list->topology, allowed, sizeof allowed);
        return mb_fail(error, MB_ERROR_INVALID, "%s: CPU %u: this process may use %s", list->name,
                       cpu, allowed);
    }
    if (contains(list->cpus, list->count, cpu))
        return mb_fail(error, MB_ERROR_INVALID, "%s: CPU %u is more than once in '%s'", list->name,
                       cpu, list->text);
    list->cpus[list->count++] = cpu;
    return MB_OK;
}

/* Reads a CPU number at *next and moves past it; false if there is none. */
static bool read_cpu(const char **next, unsigned *cpu)
{
    size_t number = 0;
    const bool read = mb_take_size(next, 0, UINT_MAX, &number);
    *cpu = (unsigned)number;
    return read;
}

static mb_status fail_syntax(const pin_list *list, mb_error *error)
{
    return mb_fail(error, MB_ERROR_INVALID,
                   "%s: must be core, pu, none or a list of CPUs such as 0,2,4-7, got '%s'",
                   list->name, list->text);
}

static mb_status parse_list(pin_list *list, mb_error *error)
{
    for (const char *next = list->text;; next++) {
        unsigned first, last;
        if (!read_cpu(&next, &first))
            return fail_syntax(list, error);
        last = first;
        if (*next == '-') {
            next++;
            if (!read_cpu(&next, &last))
                return fail_syntax(list, error);
        }
        if (last < first)
            return mb_fail(error, MB_ERROR_INVALID, "%s: the range %u-%u in '%s' is reversed",
                           list->name, first, last, list->text);
        mb_status status = add_cpu(list, first, error);
        for (unsigned cpu = first; status == MB_OK && cpu < last;)
            status = add_cpu(list, ++cpu, error);
        if (status != MB_OK)
            return status;
        if (*next == '\0')
            return MB_OK;
        if (*next != ',')
            return fail_syntax(list, error);
    }
}

/* Assigns CPUs to threads in order, starting again if there are fewer CPUs. */
static mb_status assign(const unsigned *cpus, size_t count, size_t threads, unsigned **assigned,
                        mb_error *error)
{
    unsigned *each = calloc(threads, sizeof *each);
    if (each == NULL)
        return mb_fail_memory(error, "pins", threads * sizeof *each);
    for (size_t i = 0; i < threads; i++)
        each[i] = cpus[i % count];
    *assigned = each;
    return MB_OK;
}

static mb_status assign_list(const char *name, const char *text, const mb_topology *topology,
                             size_t threads, unsigned **assigned, mb_error *error)
{
    pin_list list = {.name = name, .text = text, .topology = topology};
    list.cpus = calloc(topology->pus_allowed, sizeof *list.cpus);
    if (list.cpus == NULL)
        return mb_fail_memory(error, name, topology->pus_allowed * sizeof *list.cpus);
    mb_status status = parse_list(&list, error);
    if (status == MB_OK)
        status = assign(list.cpus, list.count, threads, assigned, error);
    free(list.cpus);
    return status;
}

mb_status mb_pins_choose(const char *option, const char *variable, bool openmp_binds,
                         const mb_topology *topology, size_t threads, mb_pins *pins,
                         mb_error *error)
{
    const char *name = option != NULL ? "pin" : "MNIST_BLAS_PIN";
    const char *text = option != NULL ? option : variable != NULL ? variable : "core";
    mb_pins chosen = {0};
    mb_status status;
    if (strcmp(text, "core") == 0) {
        chosen.policy = "core";
        status = assign(topology->core_pus, topology->cores_allowed, threads, &chosen.cpus, error);
    } else if (strcmp(text, "pu") == 0) {
        chosen.policy = "pu";
        status = assign(topology->pus, topology->pus_allowed, threads, &chosen.cpus, error);
    } else if (strcmp(text, "none") == 0) {
        chosen.policy = "none";
        status = MB_OK;
    } else {
        chosen.policy = "list";
        status = assign_list(name, text, topology, threads, &chosen.cpus, error);
    }
    if (status != MB_OK)
        return status;
    if (openmp_binds && option == NULL) {
        mb_pins_free(&chosen);
        chosen.policy = "OpenMP";
    }
    *pins = chosen;
    return MB_OK;
}

void mb_pins_free(mb_pins *pins)
{
    free(pins->cpus);
    *pins = (mb_pins){0};
}

/* glibc's cpu_set_t is a fixed 1024 CPUs; the system calls take a mask of any length. */
int mb_affinity_get(mb_affinity *affinity)
{
    *affinity = (mb_affinity){{0}};
    return sched_getaffinity(0, sizeof affinity->mask, (cpu_set_t *)(void *)affinity->mask) == 0
               ? 0
               : errno;
}

int mb_affinity_set(const mb_affinity *affinity)
{
    return sched_setaffinity(0, sizeof affinity->mask,
                             (const cpu_set_t *)(const void *)affinity->mask) == 0
               ? 0
               : errno;
}

int mb_affinity_pin(unsigned cpu)
{
    const unsigned bits = sizeof(unsigned long) * CHAR_BIT;
    mb_affinity one = {{0}};
    if (cpu >= sizeof one.mask * CHAR_BIT)
        return EINVAL;
    one.mask[cpu / bits] |= 1ul << cpu % bits;
    return mb_affinity_set(&one);
}
