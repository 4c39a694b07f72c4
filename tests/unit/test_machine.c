#include "machine/machine.h"
#include "machine/pins.h"
#include "support.h"
#include "test.h"

#include <errno.h>
#include <omp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const variables[] = {"OMP_NUM_THREADS",   "OMP_PROC_BIND",  "OMP_PLACES",
                                        "GOMP_CPU_AFFINITY", "MNIST_BLAS_PIN", "HWLOC_SYNTHETIC"};

/* Of other runs, tests that run at the same time included, the machine sees what is set here. */
static struct {
    unsigned cpus[8];
    size_t count;
} claimed_by_others;
static int pin_error; /* of sched_setaffinity; 0: the system's */

#ifdef __GLIBC__ /* a transparent union */
typedef __CONST_SOCKADDR_ARG address_argument;
#define ADDRESS_OF(argument) (argument).__sockaddr_un__
#else
typedef const struct sockaddr *address_argument;
#define ADDRESS_OF(argument) ((const struct sockaddr_un *)(const void *)(argument))
#endif

int bind(int fd, address_argument address, socklen_t size)
{
    char name[sizeof(struct sockaddr_un)] = "", taken[32];
    memcpy(name, ADDRESS_OF(address)->sun_path + 1,
           size - offsetof(struct sockaddr_un, sun_path) - 1);
    for (size_t i = 0; i < claimed_by_others.count; i++) {
        snprintf(taken, sizeof taken, "mnist_blas/cpu/%u", claimed_by_others.cpus[i]);
        if (strcmp(name, taken) == 0) {
            errno = EADDRINUSE;
            return -1;
        }
    }
    return fd < 0 ? -1 : 0;
}

int sched_setaffinity(pid_t thread, size_t size, const cpu_set_t *set)
{
    errno = pin_error;
    return pin_error != 0 ? -1 : (int)syscall(SYS_sched_setaffinity, thread, size, set);
}

/* The variables are unset before each test. */
static int clear_environment(void **state)
{
    (void)state;
    claimed_by_others.count = 0;
    pin_error = 0;
    for (size_t i = 0; i < MB_COUNT_OF(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

/* `threads`, or the OMP_THREAD_LIMIT under which the tests run. */
static size_t within_limit(size_t threads)
{
    const size_t limit = (size_t)omp_get_thread_limit();
    return threads < limit ? threads : limit;
}

static mb_machine *open_machine(mb_machine_options options)
{
    mb_machine *machine = NULL;
    mb_error error = {0};
    if (mb_machine_open(&options, &machine, &error) != MB_OK)
        fail_msg("%s", error.text);
    assert_non_null(mb_machine_team(machine));
    return machine;
}

TEST_WITH(default_is_one_thread_per_core, clear_environment, clear_environment)
{
    mb_machine *machine = open_machine((mb_machine_options){0});
    const mb_machine_info *info = mb_machine_describe(machine);
    assert_in_range(info->cores, 1, 100000);
    assert_in_range(info->cores_allowed, 1, info->cores);
    assert_in_range(info->pus_allowed, info->cores_allowed, 1000000);
    assert_in_range(info->threads, 1, info->cores_allowed);
    assert_true(info->quota >= 0);
    assert_non_null(info->cpu);
    assert_true(strncmp(info->cpu_level, "x86-64", 6) == 0 ||
                strcmp(info->cpu_level, "neon") == 0 || strcmp(info->cpu_level, "generic") == 0);
    assert_string_equal(info->pin_policy, "core");
    assert_non_null(info->pins);
    assert_non_null(strchr(info->blas_version, '.'));
    assert_true(strlen(info->blas_core) > 0);
    assert_non_null(strstr(info->blas_config, info->blas_version));
    if (strcmp(info->blas_threading, "pthreads") == 0)
        assert_non_null(strstr(info->warning, "pthreads build"));
    mb_machine_close(machine);
}

TEST_WITH(requested_threads, clear_environment, clear_environment)
{
    setenv("OMP_NUM_THREADS", "not looked at", 1);
    for (size_t threads = 1; threads <= 4; threads++) {
        mb_machine *machine = open_machine((mb_machine_options){.threads = threads});
        const mb_machine_info *info = mb_machine_describe(machine);
        assert_int_equal(info->threads, within_limit(threads));
        assert_int_equal(mb_team_threads(mb_machine_team(machine)), info->threads);
        if (info->threads == threads)
            assert_string_equal(info->threads_from, "--threads");
        if (info->threads > info->cores_allowed)
            assert_int_equal(info->pins[info->cores_allowed], info->pins[0]);
        mb_machine_close(machine);
    }
}

TEST_WITH(the_environment_decides, clear_environment, clear_environment)
{
    setenv("OMP_NUM_THREADS", "3,1", 1);
    setenv("MNIST_BLAS_PIN", "none", 1);
    mb_machine *machine = open_machine((mb_machine_options){0});
    const mb_machine_info *info = mb_machine_describe(machine);
    assert_int_equal(info->threads, within_limit(3));
    if (info->threads == 3)
        assert_string_equal(info->threads_from, "OMP_NUM_THREADS");
    assert_string_equal(info->pin_policy, "none");
    assert_null(info->pins);
    mb_machine_close(machine);
}

TEST_WITH(openmp_variables_take_over_the_pins, clear_environment, clear_environment)
{
    for (size_t i = 1; i <= 3; i++) {
        clear_environment(state);
        setenv(variables[i], "0", 1);
        mb_machine *machine = open_machine((mb_machine_options){0});
        assert_string_equal(mb_machine_describe(machine)->pin_policy, "OpenMP");
        assert_null(mb_machine_describe(machine)->pins);
        mb_machine_close(machine);
        machine = open_machine((mb_machine_options){.pin = "core"});
        assert_string_equal(mb_machine_describe(machine)->pin_policy, "core");
        assert_non_null(mb_machine_describe(machine)->pins);
        mb_machine_close(machine);
    }
}

static void is_refused(mb_machine_options options, const char *text)
{
    mb_machine *machine = NULL;
    mb_error error = {0};
    assert_int_equal(mb_machine_open(&options, &machine, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, text);
    assert_null(machine);
}

TEST_WITH(bad_values_are_refused_by_name, clear_environment, clear_environment)
{
    setenv("OMP_NUM_THREADS", "abc", 1);
    is_refused((mb_machine_options){0}, "OMP_NUM_THREADS: 'abc' is not a thread count");
    unsetenv("OMP_NUM_THREADS");
    setenv("MNIST_BLAS_PIN", "somewhere", 1);
    is_refused((mb_machine_options){0}, "MNIST_BLAS_PIN: must be core, pu, none or a list");
    setenv("MNIST_BLAS_PIN", "1000000", 1);
    is_refused((mb_machine_options){0}, "MNIST_BLAS_PIN: CPU 1000000: this process may use ");
    is_refused((mb_machine_options){.pin = "4-2"}, "pin: the range 4-2");
    is_refused((mb_machine_options){.threads = 1000000}, "--threads: 1000000 threads");
}

TEST_WITH(more_threads_than_openblas_supports, clear_environment, clear_environment)
{
    setenv("MNIST_BLAS_PIN", "none", 1);
    mb_machine *machine = open_machine((mb_machine_options){.threads = 60000});
    const mb_machine_info *info = mb_machine_describe(machine);
    if (info->threads < 60000) {
        assert_string_equal(info->threads_from, "limit");
        assert_non_null(strstr(info->warning, "60000 threads reduced to "));
    }
    mb_machine_close(machine);
}

TEST_WITH(pins_that_fail_are_a_warning, clear_environment, clear_environment)
{
    mb_affinity before, after;
    assert_int_equal(mb_affinity_get(&before), 0);
    pin_error = EPERM;
    mb_machine *machine = open_machine((mb_machine_options){.threads = 1});
    assert_non_null(mb_machine_describe(machine)->warning);
    assert_non_null(strstr(mb_machine_describe(machine)->warning, "cannot pin threads: CPU "));
    mb_machine_close(machine);
    assert_int_equal(mb_affinity_get(&after), 0);
    assert_memory_equal(&after, &before, sizeof after);
}

/* 2 cores of which others have the first, both, or none that counts. */
TEST_WITH(other_runs_have_cores, clear_environment, clear_environment)
{
    mb_machine *machine = open_machine((mb_machine_options){.threads = 2});
    if (mb_machine_describe(machine)->cores_allowed < 2)
        skip();
    const unsigned first = mb_machine_describe(machine)->pins[0];
    claimed_by_others.cpus[0] = first;
    claimed_by_others.cpus[1] = mb_machine_describe(machine)->pins[1];
    const size_t cores = mb_machine_describe(machine)->cores_allowed;
    mb_machine_close(machine);
    for (size_t taken = 1; taken <= 2; taken++) {
        claimed_by_others.count = taken;
        machine = open_machine((mb_machine_options){.threads = 1});
        const mb_machine_info *info = mb_machine_describe(machine);
        assert_string_equal(info->pin_policy, taken < cores ? "core" : "shared");
        assert_int_equal(info->pins != NULL, taken < cores);
        assert_true(info->pins == NULL || info->pins[0] != first);
        mb_machine_close(machine);
        machine = open_machine((mb_machine_options){.threads = 1, .pin = "core"});
        assert_int_equal(mb_machine_describe(machine)->pins[0], first);
        mb_machine_close(machine);
    }
}

/* HWLOC_SYNTHETIC describes another machine: the CPUs are those that this process may use. */
TEST_WITH(cpus_are_those_of_the_affinity, clear_environment, clear_environment)
{
    mb_machine *machine = open_machine((mb_machine_options){0});
    const size_t allowed = mb_machine_describe(machine)->pus_allowed;
    mb_machine_close(machine);
    setenv("HWLOC_SYNTHETIC", "core:1000 pu:1", 1);
    machine = open_machine((mb_machine_options){0});
    assert_int_equal(mb_machine_describe(machine)->cores, 1000);
    assert_int_equal(mb_machine_describe(machine)->pus_allowed, allowed);
    assert_in_range(mb_machine_describe(machine)->threads, 1, allowed);
    mb_machine_close(machine);
}

TEST_WITH(empty_variables_are_unset, clear_environment, clear_environment)
{
    for (size_t i = 0; i < 5; i++)
        setenv(variables[i], "", 1);
    mb_machine *machine = open_machine((mb_machine_options){0});
    assert_string_not_equal(mb_machine_describe(machine)->threads_from, "OMP_NUM_THREADS");
    assert_string_equal(mb_machine_describe(machine)->pin_policy, "core");
    mb_machine_close(machine);
}

static void get_affinity(const mb_worker *worker, void *context)
{
    (void)worker;
    assert_int_equal(mb_affinity_get(context), 0);
}

/* The caller's thread, too, is unpinned after close: a second machine sees all CPUs. */
TEST_WITH(closing_undoes_the_pins, clear_environment, clear_environment)
{
    mb_affinity before, inside, after;
    assert_int_equal(mb_affinity_get(&before), 0);
    mb_machine *machine = open_machine((mb_machine_options){.threads = 1});
    const size_t allowed = mb_machine_describe(machine)->pus_allowed;
    mb_team_run(mb_machine_team(machine), get_affinity, &inside);
    if (mb_team_pin_failure(mb_machine_team(machine)) == 0 && allowed > 1 &&
        omp_get_num_places() == 0)
        assert_memory_not_equal(&inside, &before, sizeof before);
    mb_machine_close(machine);
    assert_int_equal(mb_affinity_get(&after), 0);
    assert_memory_equal(&after, &before, sizeof after);
    machine = open_machine((mb_machine_options){0});
    assert_int_equal(mb_machine_describe(machine)->pus_allowed, allowed);
    mb_machine_close(machine);
    mb_machine_close(NULL);
}
