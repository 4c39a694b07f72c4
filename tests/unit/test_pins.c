#include "machine/claims.h"
#include "machine/pins.h"
#include "support.h"
#include "test.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Four cores of two threads each, numbered as Linux often does. */
static int read_topology(void **state)
{
    static mb_topology topology;
    *state = &topology;
    return mb_topology_read("core:4 pu:2(indexes=0,4,1,5,2,6,3,7)", &topology, NULL);
}

static int free_topology(void **state)
{
    mb_topology_free(*state);
    return 0;
}

/* Claims a CPU in another process, which ends. */
static bool another_process_claims(unsigned cpu)
{
    int status = 0;
    mb_claims claims = {0};
    const pid_t child = fork();
    if (child == 0)
        _exit(mb_claim_cpu(&claims, cpu) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

/* A CPU that no machine has, so that no run claims it. */
TEST(a_claim_lasts_until_it_is_freed)
{
    const unsigned cpu = 4000000000;
    mb_claims first = {0}, second = {0};
    assert_true(mb_claim_cpu(&first, cpu));
    assert_true(mb_claim_cpu(&second, cpu)); /* both are of this process */
    assert_false(another_process_claims(cpu));
    assert_true(another_process_claims(cpu + 1));
    mb_claims_free(&second);
    assert_false(another_process_claims(cpu));
    mb_claims_free(&first);
    assert_true(another_process_claims(cpu));
    mb_claims_free(&first);
}

TEST(policies)
{
    static const struct {
        const char *option, *variable;
        bool openmp_binds;
        size_t threads;
        const char *policy, *cpus; /* NULL: not pinned */
    } cases[] = {
        {NULL, NULL, false, 3, "core", "0,1,2"},
        {NULL, "core", false, 6, "core", "0,1,2,3,0,1"},
        {NULL, "pu", false, 9, "pu", "0,4,1,5,2,6,3,7,0"},
        {NULL, "none", false, 2, "none", NULL},
        {NULL, "7,0,2-4", false, 7, "list", "7,0,2,3,4,7,0"},
        {NULL, "0-7", false, 8, "list", "0,1,2,3,4,5,6,7"},
        {NULL, "5", false, 2, "list", "5,5"},
        {NULL, "5-5", false, 2, "list", "5,5"},
        /* OpenMP has priority over the variable and the default, the option over all. */
        {NULL, NULL, true, 2, "OpenMP", NULL},
        {NULL, "core", true, 2, "OpenMP", NULL},
        {NULL, "pu", true, 2, "OpenMP", NULL},
        {NULL, "none", true, 2, "OpenMP", NULL},
        {NULL, "0-3", true, 2, "OpenMP", NULL},
        {"3,1", "not looked at", true, 2, "list", "3,1"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_pins pins;
        char text[64] = "";
        assert_int_equal(mb_pins_choose(cases[i].option, cases[i].variable, cases[i].openmp_binds,
                                        *state, cases[i].threads, &pins, NULL),
                         MB_OK);
        assert_string_equal(pins.policy, cases[i].policy);
        assert_int_equal(pins.cpus != NULL, cases[i].cpus != NULL);
        for (size_t t = 0, used = 0; pins.cpus != NULL && t < cases[i].threads; t++)
            used += (size_t)snprintf(text + used, sizeof text - used, t > 0 ? ",%u" : "%u",
                                     pins.cpus[t]);
        assert_string_equal(text, cases[i].cpus != NULL ? cases[i].cpus : "");
        mb_pins_free(&pins);
        assert_null(pins.cpus);
    }
}

static void is_refused(const mb_topology *topology, const char *variable, const char *text)
{
    mb_pins pins = {0};
    mb_error error;
    for (int openmp_binds = 0; openmp_binds <= 1; openmp_binds++) {
        assert_int_equal(mb_pins_choose(NULL, variable, openmp_binds, topology, 2, &pins, &error),
                         MB_ERROR_INVALID);
        assert_int_equal(error.status, MB_ERROR_INVALID);
        assert_string_equal(error.text, text);
        assert_null(pins.cpus);
    }
}

TEST(cpus_that_may_not_be_used)
{
    is_refused(*state, "9", "MNIST_BLAS_PIN: CPU 9: this process may use 0-7");
    is_refused(*state, "0,6-4294967295", "MNIST_BLAS_PIN: CPU 8: this process may use 0-7");
    static unsigned cpus[] = {6, 2, 0, 1};
    const mb_topology few = {.core_pus = cpus, .cores_allowed = 4, .pus = cpus, .pus_allowed = 4};
    is_refused(&few, "3", "MNIST_BLAS_PIN: CPU 3: this process may use 0-2,6");
}

/* The message stays short on a machine with many scattered CPUs; it names the option. */
TEST(long_lists_of_cpus_are_truncated)
{
    unsigned cpus[300];
    mb_topology many = {.core_pus = cpus, .cores_allowed = 300, .pus = cpus, .pus_allowed = 300};
    for (unsigned i = 0; i < 300; i++)
        cpus[i] = 2 * i;
    mb_pins pins;
    mb_error error;
    assert_int_equal(mb_pins_choose("1", "core", false, &many, 1, &pins, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "pin: CPU 1: this process may use 0,2,4,");
    assert_string_equal(error.text + strlen(error.text) - 3, "...");
    assert_in_range(strlen(error.text), 100, 400);
}

TEST(invalid_lists)
{
    static const char *const texts[] = {
        "",           "cores", "Core", ",",      "0,",
        ",0",         "0,,1",  "0-",   "-1",     "0--1",
        "0 1",        "0, 1",  " 0",   "0 ",     "0x1",
        "1-2-3",      "1.5",   "a-b",  "0;1",    "+1",
        "1e1",        "0-1,",  "0,x",  "core,0", "99999999999999999999",
        "4294967296",
    };
    for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
        char wanted[160];
        snprintf(
            wanted, sizeof wanted,
            "MNIST_BLAS_PIN: must be core, pu, none or a list of CPUs such as 0,2,4-7, got '%s'",
            texts[i]);
        is_refused(*state, texts[i], wanted);
    }
    is_refused(*state, "4-2", "MNIST_BLAS_PIN: the range 4-2 in '4-2' is reversed");
    is_refused(*state, "1,0,1", "MNIST_BLAS_PIN: CPU 1 is more than once in '1,0,1'");
    is_refused(*state, "0-3,2", "MNIST_BLAS_PIN: CPU 2 is more than once in '0-3,2'");
}

TEST(a_thread_is_pinned_and_released)
{
    mb_affinity before, pinned, after;
    mb_topology machine;
    assert_int_equal(mb_affinity_get(&before), 0);
    assert_int_equal(mb_topology_read(NULL, &machine, NULL), MB_OK);
    const unsigned cpu = machine.pus[machine.pus_allowed - 1];
    mb_topology_free(&machine);
    const int failure = mb_affinity_pin(cpu);
    if (failure == EPERM)
        skip(); /* forbidden in this container */
    assert_int_equal(failure, 0);
    assert_int_equal(sched_getcpu(), (int)cpu);
    assert_int_equal(mb_affinity_get(&pinned), 0);
    assert_int_equal(mb_affinity_set(&before), 0);
    assert_int_equal(mb_affinity_get(&after), 0);
    assert_memory_equal(&after, &before, sizeof after);
    size_t bits = 0;
    for (size_t i = 0; i < MB_COUNT_OF(pinned.mask); i++)
        bits += (size_t)__builtin_popcountl(pinned.mask[i]);
    assert_int_equal(bits, 1);
}

TEST(pinning_where_there_is_no_cpu_fails)
{
    mb_affinity before, after;
    assert_int_equal(mb_affinity_get(&before), 0);
    assert_int_not_equal(mb_affinity_pin(8191), 0);
    assert_int_not_equal(mb_affinity_pin(8192), 0);
    assert_int_not_equal(mb_affinity_pin(4294967295u), 0);
    assert_int_equal(mb_affinity_get(&after), 0);
    assert_memory_equal(&after, &before, sizeof after);
}

TEST_GROUP(read_topology, free_topology);
