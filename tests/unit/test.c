#include "test.h"

#include "random.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_TESTS = 128 };

static struct {
    struct CMUnitTest tests[MAX_TESTS];
    int lines[MAX_TESTS];
    size_t count, skipped;
    CMFixtureFunction setup, teardown;
} registry;

/* Constructors run in any order; tests are sorted by line. */
void mb_test_add(int line, const struct CMUnitTest *test)
{
    if (registry.count == MAX_TESTS)
        abort();
    size_t place = registry.count++;
    for (; place > 0 && registry.lines[place - 1] > line; place--) {
        registry.tests[place] = registry.tests[place - 1];
        registry.lines[place] = registry.lines[place - 1];
    }
    registry.tests[place] = *test;
    if (test->setup_func == NULL)
        registry.tests[place].setup_func = mb_test_seed;
    if (test->teardown_func == NULL)
        registry.tests[place].teardown_func = mb_test_finish;
    registry.lines[place] = line;
}

void mb_test_set_group(CMFixtureFunction setup, CMFixtureFunction teardown)
{
    registry.setup = setup;
    registry.teardown = teardown;
}

void mb_test_skip(const char *file, int line)
{
    registry.skipped++;
    _skip(file, line);
}

int mb_run_tests(void)
{
    enum { SKIPPED = 77 };
    const int failed = _cmocka_run_group_tests(program_invocation_short_name, registry.tests,
                                               registry.count, registry.setup, registry.teardown);
    return failed == 0 && registry.skipped == registry.count ? SKIPPED : failed;
}
