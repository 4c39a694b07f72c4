#include "machine/threads.h"
#include "support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

/* The five things that decide, and what should come out. */
typedef struct {
    size_t asked;
    const char *variable;
    size_t cores;
    double quota;
    size_t limit, threads;
    const char *from;
} choice;

static void is_chosen(const choice *choices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const choice *c = &choices[i];
        size_t threads = 0;
        const char *from = NULL;
        assert_int_equal(mb_threads_choose(c->asked, c->variable, c->cores, c->quota, c->limit,
                                           &threads, &from, NULL),
                         MB_OK);
        assert_int_equal(threads, c->threads);
        assert_string_equal(from, c->from);
    }
}

#define ALL_OF(choices) choices, sizeof choices / sizeof choices[0]

TEST(one_thread_a_core)
{
    static const choice choices[] = {
        {0, NULL, 6, 0, 0, 6, "cores"},
        {0, NULL, 1, 0, 0, 1, "cores"},
        {0, NULL, 0, 0, 0, 1, "cores"},
    };
    is_chosen(ALL_OF(choices));
}

TEST(a_quota_is_rounded_down_to_at_least_one)
{
    static const choice choices[] = {
        {0, NULL, 8, 4.0, 0, 4, "quota"}, {0, NULL, 8, 3.999, 0, 3, "quota"},
        {0, NULL, 8, 1.5, 0, 1, "quota"}, {0, NULL, 8, 0.25, 0, 1, "quota"},
        {0, NULL, 1, 0.5, 0, 1, "cores"}, {0, NULL, 8, 8.0, 0, 8, "cores"},
        {0, NULL, 8, 1e9, 0, 8, "cores"},
    };
    is_chosen(ALL_OF(choices));
}

TEST(the_variable_wins_over_the_machine)
{
    static const choice choices[] = {
        {0, "3", 8, 1.5, 0, 3, "OMP_NUM_THREADS"},
        {0, "4,2", 8, 0, 0, 4, "OMP_NUM_THREADS"},
        {0, " 2 \t", 8, 0, 0, 2, "OMP_NUM_THREADS"},
        {0, " 5 , 1,7", 8, 0, 0, 5, "OMP_NUM_THREADS"},
        {0, "65536", 8, 0, 0, 65536, "OMP_NUM_THREADS"},
        {0, "007", 8, 0, 0, 7, "OMP_NUM_THREADS"},
    };
    is_chosen(ALL_OF(choices));
}

TEST(the_option_wins_over_all)
{
    static const choice choices[] = {
        {5, "3", 8, 1.5, 0, 5, "--threads"},
        {1, "not looked at", 8, 0, 0, 1, "--threads"},
        {65536, NULL, 8, 0, 0, 65536, "--threads"},
    };
    is_chosen(ALL_OF(choices));
}

TEST(the_limit_cuts_each_of_them)
{
    static const choice choices[] = {
        {100, NULL, 8, 0, 64, 64, "limit"},    {0, "65", 8, 0, 64, 64, "limit"},
        {0, NULL, 96, 0, 64, 64, "limit"},     {0, NULL, 96, 80, 64, 64, "limit"},
        {64, NULL, 8, 0, 64, 64, "--threads"}, {0, NULL, 96, 12, 64, 12, "quota"},
    };
    is_chosen(ALL_OF(choices));
}

TEST(what_is_no_number_of_threads_is_refused)
{
    static const char *const values[] = {
        "",   " ",  "abc", "0",   "-1",  "+2",  "1e9",  "2.5",     "0x4",
        "4,", ",4", "4 2", "4;2", "4,x", "4,0", "4,,2", "2 cores", "99999999999999999999999",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
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
