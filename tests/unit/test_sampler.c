#include "data/sampler.h"
#include "support.h"
#include "test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void check_permutation(size_t count)
{
    uint32_t *order = mb_test_alloc(count + 1, sizeof *order);
    bool *seen = mb_test_alloc(count + 1, sizeof *seen);
    order[count] = 0xdeadbeef;
    mb_sampler_shuffle(3, 1, count, order);
    for (size_t i = 0; i < count; i++) {
        assert_true(order[i] < count);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
    }
    assert_int_equal(order[count], 0xdeadbeef);
}

TEST(order_is_a_permutation)
{
    static const size_t counts[] = {0, 1, 2, 3, 64, 1000, 60000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        check_permutation(counts[i]);
}

/* Computed with Python's integers from the definitions in rng.h and sampler.h. */
TEST(orders_have_fixed_values)
{
    static const struct {
        uint64_t seed, epoch;
        uint32_t order[10];
    } orders[] = {
        {1, 0, {9, 4, 0, 1, 8, 7, 2, 3, 5, 6}},
        {1, 1, {8, 4, 3, 0, 1, 7, 9, 6, 5, 2}},
        {2, 0, {8, 6, 7, 9, 1, 0, 2, 3, 5, 4}},
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        uint32_t order[10];
        mb_sampler_shuffle(orders[i].seed, orders[i].epoch, 10, order);
        assert_memory_equal(order, orders[i].order, sizeof order);
    }
    static const uint32_t first[] = {32917, 135, 55205, 25819, 14621, 15675, 20196, 35854};
    uint32_t *order = mb_test_alloc(60000, sizeof *order);
    mb_sampler_shuffle(1, 0, 60000, order);
    assert_memory_equal(order, first, sizeof first);
}

/* Two thirds of the images are of class 0, one of 60 of class 2, the others of class 1. */
TEST(a_class_is_held_out_in_its_proportion)
{
    static const struct {
        size_t held_out, of_class[3]; /* largest remainders of held_out * (39, 20, 1) / 60 */
    } cases[] = {{0, {0, 0, 0}},    {1, {1, 0, 0}},    {2, {1, 1, 0}},   {20, {13, 7, 0}},
                 {30, {20, 10, 0}}, {59, {38, 20, 1}}, {60, {39, 20, 1}}};
    uint8_t labels[60];
    for (size_t i = 0; i < 60; i++)
        labels[i] = i == 33 ? 2 : i % 3 == 1;
    for (size_t k = 0; k < TEST_COUNT(cases); k++) {
        uint32_t order[60], other[60];
        size_t of_class[3] = {0};
        bool seen[60] = {false};
        const size_t first = 60 - cases[k].held_out;
        mb_sampler_hold_out(1, MB_RNG_VALIDATION, labels, 60, cases[k].held_out, order);
        for (size_t i = 0; i < 60; i++) {
            assert_true(order[i] < 60 && !seen[order[i]]);
            assert_true(i == 0 || i == first || order[i] > order[i - 1]);
            seen[order[i]] = true;
            of_class[labels[order[i]]] += i >= first;
        }
        assert_memory_equal(of_class, cases[k].of_class, sizeof of_class);
        mb_sampler_hold_out(2, MB_RNG_VALIDATION, labels, 60, cases[k].held_out, other);
        assert_int_equal(memcmp(order, other, sizeof order) == 0, first == 0 || first == 60);
    }
}

TEST(order_depends_on_seed_and_epoch_alone)
{
    uint32_t one[100], other[100];
    mb_sampler_shuffle(5, 7, 100, one);
    memset(other, 0xff, sizeof other);
    mb_sampler_shuffle(5, 7, 100, other); /* independent of the previous contents */
    assert_memory_equal(one, other, sizeof one);
    mb_sampler_shuffle(5, 8, 100, other);
    assert_memory_not_equal(one, other, sizeof one);
    mb_sampler_shuffle(6, 7, 100, other);
    assert_memory_not_equal(one, other, sizeof one);
    mb_sampler_shuffle(7, 5, 100, other);
    assert_memory_not_equal(one, other, sizeof one);
}

/* Each of the 24 orders of 4, over 24,000 epochs; chi-squared exceeds 49.73 with probability 0.001.
 */
TEST(all_orders_are_equally_likely)
{
    enum { ORDERS = 24, EACH = 1000 };
    size_t counts[256] = {0}, seen = 0;
    double chi_square = 0.0;
    for (uint64_t epoch = 0; epoch < ORDERS * EACH; epoch++) {
        uint32_t o[4];
        mb_sampler_shuffle(1, epoch, 4, o);
        counts[o[0] | o[1] << 2 | o[2] << 4 | o[3] << 6]++;
    }
    for (size_t i = 0; i < 256; i++)
        if (counts[i] > 0) {
            seen++;
            chi_square += ((double)counts[i] - EACH) * ((double)counts[i] - EACH) / EACH;
        }
    assert_int_equal(seen, ORDERS);
    assert_true(chi_square < 49.73);
}

TEST(evaluation_goes_in_order)
{
    uint32_t order[70];
    mb_sampler_sequential(70, order);
    for (size_t i = 0; i < 70; i++)
        assert_int_equal(order[i], i);
}
