/* What must happen before the constructors of OpenBLAS and libgomp, which read the environment,
 * map memory and bind the first thread when they are loaded. Where the C library does not call
 * .preinit_array (musl), nothing of it happens. */
#include "restart.h"

#include <mnist_blas/machine.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static struct {
    bool known;
    unsigned long mask[1024 / sizeof(unsigned long)]; /* 8192 CPUs, Linux's limit */
} initial;

void mb_restore_initial_affinity(void)
{
    if (initial.known)
        (void)!sched_setaffinity(0, sizeof initial.mask,
                                 (const cpu_set_t *)(const void *)initial.mask);
}

static const char number[] = "OMP_NUM_THREADS=";
static const char *invalid_number; /* the value that libgomp has not seen */

void mb_show_invalid_thread_count(void)
{
    if (invalid_number != NULL)
        setenv("OMP_NUM_THREADS", invalid_number, 1);
}

static bool is_thread_count(const char *value)
{
    return strtol(value, NULL, 10) > 0 && value[strspn(value, "0123456789, \t")] == '\0';
}

/* libgomp prints a text of its own about an empty variable, which is as good as unset, and about an
 * invalid thread count, which mb_machine_open refuses. */
static bool is_for_libgomp(const char *variable)
{
    const bool openmp = strncmp(variable, "OMP_", 4) == 0 || strncmp(variable, "GOMP_", 5) == 0;
    const size_t length = strlen(variable), name = sizeof number - 1;
    if (openmp && variable[length - 1] == '=')
        return false;
    if (strncmp(variable, number, name) != 0 || is_thread_count(variable + name))
        return true;
    invalid_number = variable + name;
    return false;
}

static void clean_environment(char **environment)
{
    char **end = environment;
    for (char **each = environment; *each != NULL; each++)
        if (is_for_libgomp(*each))
            *end++ = *each;
    *end = NULL;
}

/* The limit that is lower, as `ulimit` has it: in KiB. */
static void describe_limit(char *text, size_t size)
{
    struct rlimit space = {RLIM_INFINITY, RLIM_INFINITY}, data = space;
    getrlimit(RLIMIT_AS, &space);
    getrlimit(RLIMIT_DATA, &data);
    if (space.rlim_cur == RLIM_INFINITY && data.rlim_cur == RLIM_INFINITY)
        snprintf(text, size, "memory");
    else if (space.rlim_cur <= data.rlim_cur)
        snprintf(text, size, "the limit of ulimit -v, %llu KiB",
                 (unsigned long long)space.rlim_cur / 1024);
    else
        snprintf(text, size, "the limit of ulimit -d, %llu KiB",
                 (unsigned long long)data.rlim_cur / 1024);
}

/* The number of threads for which OpenBLAS prepares: its OpenMP build counts the machine's CPUs,
 * also those that this process may not use. */
static size_t blas_threads(char **environment)
{
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    size_t threads = cpus > 0 ? (size_t)cpus : 1;
    for (char **each = environment; *each != NULL; each++)
        if (strncmp(*each, number, sizeof number - 1) == 0) {
            const long set = strtol(*each + sizeof number - 1, NULL, 10);
            threads = set > 0 && (size_t)set < threads ? (size_t)set : threads;
        }
    return threads;
}

/* OpenBLAS maps a buffer per thread when it is loaded, and tries for ever if it cannot. */
static void check_address_space(char **environment)
{
    const size_t threads = blas_threads(environment), spare = (size_t)16 << 20;
    const size_t size = threads * MB_BLAS_BUFFER + spare;
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped != MAP_FAILED) {
        munmap(mapped, size);
        return;
    }
    char limit[64], line[256];
    describe_limit(limit, sizeof limit);
    const int length = snprintf(
        line, sizeof line,
        "mnist_blas: OpenBLAS: needs %zu MiB of memory for %zu threads to start, more than "
        "%s leaves: raise it, or set OMP_NUM_THREADS to fewer\n",
        size >> 20, threads, limit);
    (void)!write(STDERR_FILENO, line, (size_t)length);
    _exit(1);
}

/* Libraries use more of the stack than a small limit allows, and end by a signal then. */
static void check_stack(void)
{
    enum { MIN_STACK = 256 << 10 };
    struct rlimit stack;
    char line[128];
    if (getrlimit(RLIMIT_STACK, &stack) != 0 || stack.rlim_cur >= MIN_STACK)
        return;
    const int length =
        snprintf(line, sizeof line, "mnist_blas: ulimit -s: must be at least %d KiB, got %llu\n",
                 MIN_STACK >> 10, (unsigned long long)stack.rlim_cur >> 10);
    (void)!write(STDERR_FILENO, line, (size_t)length);
    _exit(1);
}

static void before_libraries(int argc, char **argv, char **environment)
{
    (void)argc;
    (void)argv;
    check_stack();
    clean_environment(environment);
    initial.known =
        sched_getaffinity(0, sizeof initial.mask, (cpu_set_t *)(void *)initial.mask) == 0;
    check_address_space(environment);
}

typedef void preinit_fn(int argc, char **argv, char **environment);
__attribute__((section(".preinit_array"), used)) static preinit_fn *const preinit =
    before_libraries;
