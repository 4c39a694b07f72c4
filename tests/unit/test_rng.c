#include "core/rng.h"
#include "support.h"
#include "test.h"

#include <stdlib.h>

/* Computed with Python's integers from the definition in rng.h. These numbers must not change: runs
 * must be repeatable with later versions. */
TEST(streams_have_fixed_values)
{
    static const struct {
        uint64_t seed;
        mb_rng_purpose purpose;
        uint64_t epoch, index, first[3];
    } streams[] = {
        {0, MB_RNG_TESTS, 0, 0, {0x3ae4ac29808e9a05, 0xecfbac98580e73a4, 0x511faa62376d9a97}},
        {1, MB_RNG_WEIGHTS, 0, 0, {0xca1975128ad73c10, 0x8a0e5d07ff005c8c, 0x3da36105f1055439}},
        {1, MB_RNG_SHUFFLE, 0, 0, {0xb039a4a7cdc4907f, 0x9660f9bc79bee032, 0x65764f236efe9d0d}},
        {1, MB_RNG_SHUFFLE, 1, 0, {0x3b21b8fb2eb7033b, 0x94b76b1bf393a264, 0xd7e3fa081fd28160}},
        {1, MB_RNG_SHUFFLE, 0, 1, {0x2a0e8ba61b964848, 0xee15e05e8fbfa18d, 0x53271346e4dedb83}},
        {UINT64_MAX,
         MB_RNG_TESTS,
         UINT64_MAX,
         UINT64_MAX,
         {0x9e58f8cd1b2d7bff, 0x532ff02785ec0bb6, 0x982bb14be5a6451e}},
    };
    for (size_t s = 0; s < MB_COUNT_OF(streams); s++) {
        mb_rng rng =
            mb_rng_at(streams[s].seed, streams[s].purpose, streams[s].epoch, streams[s].index);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(mb_rng_next(&rng), streams[s].first[i]);
    }
}

/* The streams of all 3 * 2 * 20 * 20 small arguments differ. Equal values would show that
 * arguments, such as epoch and index, are interchangeable; by chance they are practically
 * impossible. */
TEST(each_part_of_the_name_changes_the_stream)
{
    static const mb_rng_purpose purposes[] = {MB_RNG_WEIGHTS, MB_RNG_SHUFFLE};
    enum { SEEDS = 3, EPOCHS = 20, INDICES = 20, ALL = SEEDS * 2 * EPOCHS * INDICES };
    uint64_t first[ALL];
    for (size_t i = 0; i < ALL; i++) {
        mb_rng rng = mb_rng_at(i % SEEDS, purposes[i / SEEDS % 2], i / (2 * SEEDS) % EPOCHS,
                               i / (2 * SEEDS * EPOCHS));
        first[i] = mb_rng_next(&rng);
    }
    mb_test_all_differ(first, ALL);
}

TEST(equal_names_are_equal_streams)
{
    mb_rng one = mb_rng_at(7, MB_RNG_SHUFFLE, 3, 9), other = mb_rng_at(7, MB_RNG_SHUFFLE, 3, 9);
    mb_rng_next(&one);
    one = mb_rng_at(7, MB_RNG_SHUFFLE, 3, 9);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(mb_rng_next(&one), mb_rng_next(&other));
}

static double chi_square(const size_t *counts, size_t classes, size_t draws)
{
    const double expected = (double)draws / (double)classes;
    double sum = 0.0;
    for (size_t i = 0; i < classes; i++)
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    return sum;
}

/* A good generator exceeds `max` for one seed in a thousand. */
static void check_uniform(uint32_t bound, size_t classes, double max)
{
    enum { DRAWS = 200000 };
    size_t *counts = calloc(classes, sizeof *counts);
    mb_rng rng = mb_rng_at(11, MB_RNG_TESTS, bound, 0);
    for (size_t i = 0; i < DRAWS; i++) {
        const uint32_t drawn = mb_rng_below(&rng, bound);
        if (drawn >= bound)
            fail_msg("%u is not below %u", drawn, bound);
        counts[drawn % classes]++;
    }
    const double found = chi_square(counts, classes, DRAWS);
    free(counts);
    if (!(found < max))
        fail_msg("below %u: chi-square %g, expected less than %g", bound, found, max);
}

TEST(below_is_uniform)
{
    check_uniform(2, 2, 10.83);
    check_uniform(10, 10, 27.88);
    check_uniform(64, 64, 103.4);
    check_uniform(1000, 1000, 1143.9);
}

/* Without rejection, a bound of 3/4 of 2^32 would give every third value twice as often. */
TEST(below_has_no_bias_at_large_bounds)
{
    check_uniform(0xc0000000u, 3, 13.82);
    check_uniform(0xfffffffdu, 251, 325.9);
}

TEST(below_one_is_zero)
{
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(mb_rng_below(&rng, 1), 0);
}

TEST(unit_is_the_top_24_bits)
{
    mb_rng rng = mb_rng_at(5, MB_RNG_TESTS, 0, 0);
    assert_true(mb_rng_uniform(&rng) == 8741050.0f * 0x1p-24f);
    assert_true(mb_rng_uniform(&rng) == 6482729.0f * 0x1p-24f);
    assert_true(mb_rng_uniform(&rng) == 16193343.0f * 0x1p-24f);
}

TEST(unit_is_uniform_below_1)
{
    enum { DRAWS = 200000, TENTHS = 10 };
    size_t counts[TENTHS] = {0};
    mb_rng rng = mb_rng_at(12, MB_RNG_TESTS, 0, 0);
    for (size_t i = 0; i < DRAWS; i++) {
        const float drawn = mb_rng_uniform(&rng);
        assert_true(drawn >= 0.0f && drawn < 1.0f);
        counts[(size_t)(drawn * TENTHS)]++;
    }
    assert_true(chi_square(counts, TENTHS, DRAWS) < 27.88);
}
