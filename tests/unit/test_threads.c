#include "machine/threads.h"
#include "support.h"
#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static size_t startable = SIZE_MAX; /* threads that the system still starts */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    __typeof__(&pthread_create) create;
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    if (startable == 0)
        return EAGAIN;
    startable--;
    return create(thread, attributes, run, argument);
}

TEST(threads_that_the_system_starts)
{
    static const struct {
        size_t threads, system, startable;
    } cases[] = {{1, 0, 1}, {4, 0, 1}, {4, 2, 3}, {4, 3, 4}, {4, 100, 4}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        startable = cases[i].system;
        assert_int_equal(mb_threads_startable(cases[i].threads), cases[i].startable);
    }
    startable = SIZE_MAX;
}

TEST(what_decides_the_thread_count)
{
    static const struct {
        size_t requested;
        const char *variable;
        size_t cores;
        double quota;
        size_t limit, threads;
        const char *from;
    } cases[] = {
        {0, NULL, 6, 0, 0, 6, "cores"},
        {0, NULL, 1, 0, 0, 1, "cores"},
        {0, NULL, 0, 0, 0, 1, "cores"},
        /* A quota is rounded down, to at least 1. */
        {0, NULL, 8, 4.0, 0, 4, "quota"},
        {0, NULL, 8, 3.999, 0, 3, "quota"},
        {0, NULL, 8, 1.5, 0, 1, "quota"},
        {0, NULL, 8, 0.25, 0, 1, "quota"},
        {0, NULL, 1, 0.5, 0, 1, "cores"},
        {0, NULL, 8, 8.0, 0, 8, "cores"},
        {0, NULL, 8, 1e9, 0, 8, "cores"},
        /* The variable has priority over the machine, */
        {0, "3", 8, 1.5, 0, 3, "OMP_NUM_THREADS"},
        {0, "4,2", 8, 0, 0, 4, "OMP_NUM_THREADS"},
        {0, " 2 \t", 8, 0, 0, 2, "OMP_NUM_THREADS"},
        {0, " 5 , 1,7", 8, 0, 0, 5, "OMP_NUM_THREADS"},
        {0, "65536", 8, 0, 0, 65536, "OMP_NUM_THREADS"},
        {0, "007", 8, 0, 0, 7, "OMP_NUM_THREADS"},
        /* and the option over all. */
        {5, "3", 8, 1.5, 0, 5, "--threads"},
        {1, "not looked at", 8, 0, 0, 1, "--threads"},
        {65536, NULL, 8, 0, 0, 65536, "--threads"},
        /* The limit applies to each. */
        {100, NULL, 8, 0, 64, 64, "limit"},
        {0, "65", 8, 0, 64, 64, "limit"},
        {0, NULL, 96, 0, 64, 64, "limit"},
        {0, NULL, 96, 80, 64, 64, "limit"},
        {64, NULL, 8, 0, 64, 64, "--threads"},
        {0, NULL, 96, 12, 64, 12, "quota"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        size_t threads = 0;
        const char *from = NULL;
        assert_int_equal(mb_threads_choose(cases[i].requested, cases[i].variable, cases[i].cores,
                                           cases[i].quota, cases[i].limit, &threads, &from, NULL),
                         MB_OK);
        assert_int_equal(threads, cases[i].threads);
        assert_string_equal(from, cases[i].from);
    }
}

TEST(values_that_are_no_thread_count)
{
    static const char *const values[] = {
        "",   " ",  "abc", "0",   "-1",  "+2",  "1e9",  "2.5",     "0x4",
        "4,", ",4", "4 2", "4;2", "4,x", "4,0", "4,,2", "2 cores", "99999999999999999999999",
    };
    for (size_t i = 0; i < MB_COUNT_OF(values); i++) {
        char wanted[128];
        size_t threads = 77;
        const char *from = NULL;
        mb_error error;
        assert_int_equal(mb_threads_choose(0, values[i], 8, 0, 0, &threads, &from, &error),
                         MB_ERROR_INVALID);
        snprintf(wanted, sizeof wanted, "OMP_NUM_THREADS: '%s' is not a thread count", values[i]);
        assert_int_equal(error.status, MB_ERROR_INVALID);
        assert_string_equal(error.text, wanted);
        assert_int_equal(threads, 77);
        assert_null(from);
    }
}

TEST(too_many_are_refused)
{
    size_t threads;
    const char *from;
    mb_error error;
    assert_int_equal(mb_threads_choose(65537, NULL, 8, 0, 64, &threads, &from, &error),
                     MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID,
                        "--threads: 65537 threads: must be at most 65536");
    assert_int_equal(mb_threads_choose(0, "1000000000", 8, 0, 64, &threads, &from, &error),
                     MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID,
                        "OMP_NUM_THREADS: 1000000000 threads: must be at most 65536");
}
