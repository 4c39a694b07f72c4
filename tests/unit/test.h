/* Unit tests with cmocka. A test is `TEST(name) { ... }`; nothing else lists it. The program runs
 * the tests of its file in their order (test.c). */
#ifndef MB_TESTS_TEST_H
#define MB_TESTS_TEST_H

#include "core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's, counted: a program whose tests are all skipped exits with 77, Meson's SKIP. */
#undef skip
#define skip() mb_test_skip(__FILE__, __LINE__)
void mb_test_skip(const char *file, int line);

/* A test. Before it random.h's stream is restarted; after it what support.h has deferred happens,
 * and mb_test_folder is removed. */
#define TEST(name) TEST_WITH(name, NULL, NULL)

/* A test with cmocka's `setup` and `teardown`, which provide its `state`. */
#define TEST_WITH(name, setup, teardown)                                                           \
    static void name(void **state);                                                                \
    __attribute__((constructor)) static void add_test_##name(void)                                 \
    {                                                                                              \
        mb_test_add(__LINE__, &(struct CMUnitTest){#name, name, setup, teardown, NULL});           \
    }                                                                                              \
    static void name(__attribute__((unused)) void **state)

/* The setup before the first test of the file and the teardown after the last; once per file. */
#define TEST_GROUP(setup, teardown)                                                                \
    __attribute__((constructor)) static void add_group(void)                                       \
    {                                                                                              \
        mb_test_set_group(setup, teardown);                                                        \
    }                                                                                              \
    struct mb_test_unused

#define TEST_COUNT(array) MB_COUNT_OF(array)

void mb_test_add(int line, const struct CMUnitTest *test);
void mb_test_set_group(CMFixtureFunction setup, CMFixtureFunction teardown);

/* Runs all tests that were added; returns the exit code. */
int mb_run_tests(void);

#endif
