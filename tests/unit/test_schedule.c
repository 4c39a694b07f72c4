#include "nn/schedule.h"
#include "test.h"

#include <mnist_blas/options.h>

#include <math.h>

static mb_training_options options_of(mb_schedule_kind schedule, double lr)
{
    return (mb_training_options){.schedule = schedule, .lr = lr};
}

static void is_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-14 * fabs(expected) + 1e-18))
        fail_msg("%.17g, expected %.17g", found, expected);
}

TEST(constant_stays)
{
    const mb_training_options options = options_of(MB_SCHEDULE_CONSTANT, 0.3);
    for (size_t step = 0; step < 20; step++)
        assert_true(mb_schedule_lr(&options, step, 20) == 0.3);
}

TEST(plateau_decays_along_a_line)
{
    const mb_training_options options = options_of(MB_SCHEDULE_PLATEAU, 0.4);
    static const double rates[] = {0.4, 0.4, 0.4, 0.3, 0.2, 0.1, 0.0};
    for (size_t step = 0; step < 7; step++)
        is_near(mb_schedule_plateau_lr(&options, step, 2, 4), rates[step]);
    assert_true(mb_schedule_plateau_lr(&options, 1000, SIZE_MAX, 4) == 0.4);
}

/* lr * (1 + cos(pi * step / steps)) / 2. */
TEST(cosine_falls_towards_0)
{
    const mb_training_options options = options_of(MB_SCHEDULE_COSINE, 0.2);
    is_near(mb_schedule_lr(&options, 0, 12), 0.2);
    is_near(mb_schedule_lr(&options, 2, 12), 0.1 * (1.0 + sqrt(3.0) / 2.0));
    is_near(mb_schedule_lr(&options, 4, 12), 0.15);
    is_near(mb_schedule_lr(&options, 6, 12), 0.1);
    is_near(mb_schedule_lr(&options, 8, 12), 0.05);
    for (size_t step = 1; step < 12; step++)
        assert_true(mb_schedule_lr(&options, step, 12) < mb_schedule_lr(&options, step - 1, 12));
    assert_true(mb_schedule_lr(&options, 11, 12) > 0.0);
}

/* The values that PyTorch 2.13 gives: CosineAnnealingLR(optimizer, T_max=5, eta_min=0.02) at 0.1.
 */
TEST(cosine_falls_to_min_lr_as_pytorchs)
{
    static const double pytorch[] = {0.1, 0.09236067977499791, 0.07236067977499789,
                                     0.0476393202250021, 0.0276393202250021};
    mb_training_options options = options_of(MB_SCHEDULE_COSINE, 0.1);
    const mb_dataset data = {.train.images.count = 100};
    mb_error error;
    options.min_lr = 0.02;
    for (size_t step = 0; step < 5; step++)
        is_near(mb_schedule_lr(&options, step, 5), pytorch[step]);
    options = mb_training_defaults(MB_OPTIMIZER_SGD);
    options.min_lr = 0.2;
    assert_int_equal(mb_training_options_check(&options, &data, &error), MB_OK);
    options.schedule = MB_SCHEDULE_COSINE;
    assert_int_equal(mb_training_options_check(&options, &data, &error), MB_ERROR_INVALID);
    assert_string_equal(error.text, "min-lr: must be 0 to lr, 0.1, got 0.2");
}

/* The values that PyTorch 2.13 gives: OneCycleLR(optimizer, max_lr=0.008, total_steps=10), the
 * rate read before each step. */
TEST(onecycle_of_10_steps_is_pytorchs)
{
    static const double pytorch[] = {0.00031999999999999997,
                                     0.0041600000000000005,
                                     0.008,
                                     0.007603877056107789,
                                     0.006493965231598104,
                                     0.004890096175490313,
                                     0.003109935824509686,
                                     0.0015060667684018958,
                                     0.0003961549438922103,
                                     3.2e-08};
    const mb_training_options options = options_of(MB_SCHEDULE_ONECYCLE, 0.008);
    for (size_t step = 0; step < 10; step++)
        is_near(mb_schedule_lr(&options, step, 10), pytorch[step]);
}

/* The same with max_lr=0.1, total_steps=100, and total_steps=4. */
TEST(onecycle_of_100_and_4_steps_is_pytorchs)
{
    static const struct {
        size_t step;
        double lr;
    } hundred[] = {{0, 0.0040000000000000036},
                   {1, 0.004281378056590748},
                   {15, 0.05459866761210004},
                   {28, 0.09971862194340926},
                   {29, 0.1},
                   {30, 0.09994965352845243},
                   {31, 0.09979871550490317},
                   {60, 0.05892800902855288},
                   {98, 5.07464715475788e-05},
                   {99, 4e-07}};
    static const double four[] = {0.0040000000000000036, 0.0811745653949763, 0.028306099820869922,
                                  4e-07};
    const mb_training_options options = options_of(MB_SCHEDULE_ONECYCLE, 0.1);
    for (size_t i = 0; i < sizeof hundred / sizeof hundred[0]; i++)
        is_near(mb_schedule_lr(&options, hundred[i].step, 100), hundred[i].lr);
    for (size_t step = 0; step < 4; step++)
        is_near(mb_schedule_lr(&options, step, 4), four[step]);
}

/* A warm-up that ends before the first step, and a run of one step. */
TEST(the_shortest_runs_have_rates)
{
    for (mb_schedule_kind kind = MB_SCHEDULE_CONSTANT; kind <= MB_SCHEDULE_ONECYCLE; kind++) {
        const mb_training_options options = options_of(kind, 0.1);
        for (size_t steps = 1; steps <= 8; steps++)
            for (size_t step = 0; step < steps; step++) {
                const double lr = mb_schedule_lr(&options, step, steps);
                assert_true(isfinite(lr) && lr > 0.0 && lr <= 0.1);
            }
    }
    const mb_training_options options = options_of(MB_SCHEDULE_ONECYCLE, 0.1);
    for (size_t steps = 1; steps <= 3; steps++)
        assert_true(mb_schedule_lr(&options, 0, steps) == 0.1);
    for (size_t steps = 2; steps <= 3; steps++)
        is_near(mb_schedule_lr(&options, steps - 1, steps), 0.1 / 250000);
}

TEST(onecycle_rises_then_falls)
{
    const mb_training_options options = options_of(MB_SCHEDULE_ONECYCLE, 1.0);
    static const size_t lengths[] = {5, 7, 33, 469, 4690};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const size_t steps = lengths[i];
        size_t turns = 0;
        for (size_t step = 2; step < steps; step++) {
            const double before = mb_schedule_lr(&options, step - 2, steps);
            const double at = mb_schedule_lr(&options, step - 1, steps);
            const double after = mb_schedule_lr(&options, step, steps);
            turns += (at > before) != (after > at);
        }
        assert_int_equal(turns, 1);
        is_near(mb_schedule_lr(&options, 0, steps), 0.04);
        is_near(mb_schedule_lr(&options, steps - 1, steps), 4e-6);
    }
}

TEST(names_are_those_of_the_options)
{
    assert_string_equal(mb_optimizer_name(MB_OPTIMIZER_SGD), "sgd");
    assert_string_equal(mb_optimizer_name(MB_OPTIMIZER_ADAM), "adam");
    assert_string_equal(mb_optimizer_name(MB_OPTIMIZER_ADAMW), "adamw");
    assert_string_equal(mb_schedule_name(MB_SCHEDULE_CONSTANT), "constant");
    assert_string_equal(mb_schedule_name(MB_SCHEDULE_COSINE), "cosine");
    assert_string_equal(mb_schedule_name(MB_SCHEDULE_ONECYCLE), "onecycle");
}
