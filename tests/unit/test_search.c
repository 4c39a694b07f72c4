#include "test.h"

#include <mnist_blas/sweep.h>
#include <stdlib.h>
#include <string.h>

TEST(a_sample_is_ascending_and_depends_on_the_seed)
{
    size_t chosen[20], again[20], other[20];
    for (size_t count = 0; count <= 20; count++) {
        mb_sample_combinations(20, count, 7, chosen);
        for (size_t i = 0; i < count; i++) {
            assert_true(chosen[i] < 20);
            assert_true(i == 0 || chosen[i] > chosen[i - 1]);
        }
    }
    mb_sample_combinations(20, 10, 7, chosen);
    mb_sample_combinations(20, 10, 7, again);
    mb_sample_combinations(20, 10, 8, other);
    assert_memory_equal(chosen, again, 10 * sizeof *chosen);
    assert_memory_not_equal(chosen, other, 10 * sizeof *chosen);
}

/* Each of the 10 pairs of 5 is as frequent as another: 1000 of 10,000 samples, sigma 30. */
TEST(samples_are_uniform)
{
    size_t pairs[5][5] = {{0}}, chosen[2];
    for (uint64_t seed = 0; seed < 10000; seed++) {
        mb_sample_combinations(5, 2, seed, chosen);
        pairs[chosen[0]][chosen[1]]++;
    }
    for (size_t a = 0; a < 5; a++)
        for (size_t b = a + 1; b < 5; b++)
            assert_in_range(pairs[a][b], 850, 1150);
}

static void check_rungs(size_t configurations, size_t epochs, const mb_rung *expected, size_t count)
{
    mb_rung rungs[MB_MAX_RUNGS];
    assert_int_equal(mb_halving_rungs(configurations, epochs, rungs), count);
    assert_memory_equal(rungs, expected, count * sizeof *expected);
}

TEST(rungs)
{
    check_rungs(27, 27, (mb_rung[]){{27, 1}, {9, 3}, {3, 9}, {1, 27}}, 4);
    check_rungs(30, 10, (mb_rung[]){{30, 1}, {10, 3}, {3, 10}}, 3);
    check_rungs(5, 100, (mb_rung[]){{5, 33}, {1, 100}}, 2);
    check_rungs(100, 2, (mb_rung[]){{100, 2}}, 1);
    check_rungs(1, 50, (mb_rung[]){{1, 50}}, 1);
}

/* The largest numbers have as many rungs as there is space for. */
TEST(rungs_fit)
{
    mb_rung rungs[MB_MAX_RUNGS];
    assert_int_equal(mb_halving_rungs(MB_MAX_COMBINATIONS, 1000000, rungs), MB_MAX_RUNGS);
    assert_int_equal(rungs[0].configurations, MB_MAX_COMBINATIONS);
    assert_int_equal(rungs[MB_MAX_RUNGS - 1].epochs, 1000000);
    assert_int_equal(rungs[MB_MAX_RUNGS - 1].configurations, 1);
}
