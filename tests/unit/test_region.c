#include "core/region.h"
#include "test.h"

#include "random.h"
#include "support.h"

#include <string.h>

enum { BYTES = 64 };

/* The bytes of a region, one flag each. */
static void mark(const mb_region *region, bool flags[BYTES])
{
    memset(flags, 0, BYTES * sizeof *flags);
    for (size_t i = 0; i < region->count; i++)
        for (size_t b = region->segments[i].begin; b < region->segments[i].end; b++)
            flags[b] = true;
}

static mb_region random_region(mb_rng *rng)
{
    mb_region region = {0};
    for (uint32_t n = mb_rng_below(rng, 8); n > 0; n--) {
        const size_t begin = mb_rng_below(rng, BYTES);
        mb_region_add(&region, begin, mb_rng_below(rng, (uint32_t)(BYTES - begin)));
    }
    return region;
}

TEST(normalising_sorts_and_joins_and_keeps_the_bytes)
{
    for (size_t n = 0; n < 1000; n++) {
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, n);
        mb_region region = random_region(&rng);
        bool before[BYTES], after[BYTES];
        size_t bytes = 0;
        mark(&region, before);
        mb_region_normalise(&region);
        mark(&region, after);
        assert_memory_equal(before, after, sizeof before);
        for (size_t i = 0; i + 1 < region.count; i++)
            assert_true(region.segments[i].end < region.segments[i + 1].begin);
        for (size_t b = 0; b < BYTES; b++)
            bytes += after[b];
        assert_int_equal(mb_region_bytes(&region), bytes);
        mb_region_free(&region);
    }
}

static void add_all(const mb_region *from, mb_region *to)
{
    for (size_t i = 0; i < from->count; i++)
        mb_region_add(to, from->segments[i].begin, from->segments[i].end - from->segments[i].begin);
}

TEST(an_intersection_has_the_bytes_of_both)
{
    for (size_t n = 0; n < 1000; n++) {
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 1, n);
        mb_region a = random_region(&rng), b = random_region(&rng), common = {0}, both = {0};
        bool in_a[BYTES], in_b[BYTES], in_common[BYTES], in_both[BYTES];
        mb_region_normalise(&a);
        mb_region_normalise(&b);
        mb_region_intersect(&a, &b, &common);
        add_all(&a, &both);
        add_all(&b, &both);
        mb_region_normalise(&both);
        mark(&a, in_a);
        mark(&b, in_b);
        mark(&common, in_common);
        mark(&both, in_both);
        for (size_t i = 0; i < BYTES; i++) {
            assert_int_equal(in_common[i], in_a[i] && in_b[i]);
            assert_int_equal(in_both[i], in_a[i] || in_b[i]);
        }
        mb_region_free(&a);
        mb_region_free(&b);
        mb_region_free(&common);
        mb_region_free(&both);
    }
}

TEST(neighbours_that_are_added_in_order_are_one_segment)
{
    mb_region region = {0};
    mb_region_add(&region, 3, 0);
    assert_int_equal(region.count, 0);
    mb_region_add(&region, 3, 4);
    mb_region_add(&region, 7, 1);
    assert_int_equal(region.count, 1);
    assert_int_equal(region.segments[0].end, 8);
    mb_region_free(&region);
}
