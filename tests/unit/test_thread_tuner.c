#include "test.h"
#include "train/thread_tuner.h"

enum { USUAL = 1000, EPOCH = 100000 };

/* Records steps of threads that were never interrupted. */
static void record(mb_thread_tuner *tuner, size_t steps, double seconds)
{
    mb_thread_tuner_record(tuner, steps, seconds, seconds * (double)tuner->threads);
}

/* Runs an epoch in which a step takes seconds[i] with the tuner's i-th thread count; returns the
 * final thread count and the number of trial steps. */
static size_t run_epoch(mb_thread_tuner *tuner, const double *seconds, size_t *steps)
{
    mb_thread_tuner_start_epoch(tuner, EPOCH);
    for (*steps = 0; tuner->is_trying;) {
        size_t size = 0;
        while (tuner->max_threads >> size > tuner->threads)
            size++;
        const size_t now = mb_thread_tuner_steps(tuner, USUAL);
        record(tuner, now, seconds[size] * (double)now);
        *steps += now;
        assert_in_range(*steps, 1, USUAL);
    }
    assert_int_equal(mb_thread_tuner_steps(tuner, USUAL), USUAL);
    return tuner->threads;
}

TEST(the_fastest_size_wins)
{
    static const struct {
        size_t max_threads;
        double seconds[4];
        size_t wanted;
    } cases[] = {{2, {30e-6, 20e-6}, 1},
                 {2, {20e-6, 30e-6}, 2},
                 {2, {20e-6, 20e-6}, 2},
                 {8, {40e-6, 30e-6, 20e-6, 50e-6}, 2},
                 {8, {10e-6, 30e-6, 20e-6, 50e-6}, 8},
                 {6, {40e-6, 30e-6, 35e-6}, 3},
                 {7, {40e-6, 30e-6, 25e-6}, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mb_thread_tuner tuner = mb_thread_tuner_init(cases[i].max_threads, false);
        size_t steps;
        assert_int_equal(run_epoch(&tuner, cases[i].seconds, &steps), cases[i].wanted);
        assert_int_equal(run_epoch(&tuner, cases[i].seconds, &steps), cases[i].wanted); /* anew */
    }
}

/* A thread count is rated by its fastest trial: a disturbance of one trial has no effect. */
TEST(one_disturbed_trial_does_not_matter)
{
    for (size_t disturbed = 1; disturbed < 6; disturbed++) {
        mb_thread_tuner tuner = mb_thread_tuner_init(2, false);
        mb_thread_tuner_start_epoch(&tuner, EPOCH);
        for (size_t trial = 0; tuner.is_trying; trial++) {
            const double each = trial == disturbed ? 1.0 : tuner.threads == 2 ? 20e-6 : 30e-6;
            record(&tuner, 16, 16 * each);
        }
        assert_int_equal(tuner.threads, 2);
    }
}

TEST(a_clear_case_takes_one_trial_of_each)
{
    mb_thread_tuner tuner = mb_thread_tuner_init(2, false);
    size_t steps;
    assert_int_equal(run_epoch(&tuner, (const double[]){20e-6, 24e-6}, &steps), 2);
    assert_int_equal(steps, 2 * 16);
    assert_int_equal(run_epoch(&tuner, (const double[]){20e-6, 22e-6}, &steps), 2);
    assert_int_equal(steps, 6 * 16);
    assert_int_equal(run_epoch(&tuner, (const double[]){400e-6, 300e-6}, &steps), 1);
    assert_int_equal(steps, 6 * 16);
}

TEST(long_steps_are_left_to_all)
{
    mb_thread_tuner tuner = mb_thread_tuner_init(4, false);
    size_t steps;
    assert_int_equal(run_epoch(&tuner, (const double[]){1e-3, 1e-6, 1e-6}, &steps), 4);
    assert_int_equal(steps, 16);
}

TEST(a_number_that_was_asked_for_stays)
{
    mb_thread_tuner tuners[] = {mb_thread_tuner_init(4, true), mb_thread_tuner_init(1, false),
                                mb_thread_tuner_init(1, true)};
    for (size_t i = 0; i < 3; i++) {
        const size_t threads = tuners[i].max_threads;
        mb_thread_tuner_start_epoch(&tuners[i], EPOCH);
        assert_false(tuners[i].is_trying);
        assert_int_equal(mb_thread_tuner_steps(&tuners[i], USUAL), USUAL);
        record(&tuners[i], USUAL, 1e-3);
        assert_int_equal(tuners[i].threads, threads);
    }
}

TEST(few_steps_are_no_more_for_a_trial)
{
    mb_thread_tuner tuner = mb_thread_tuner_init(2, false);
    mb_thread_tuner_start_epoch(&tuner, EPOCH);
    assert_int_equal(mb_thread_tuner_steps(&tuner, 3), 3);
}

/* Trials of two thread counts take 96 steps. */
TEST(a_short_epoch_has_no_trials)
{
    mb_thread_tuner tuner = mb_thread_tuner_init(2, false);
    mb_thread_tuner_start_epoch(&tuner, 8 * 96 - 1);
    assert_false(tuner.is_trying);
    assert_int_equal(tuner.threads, 2);
    mb_thread_tuner_start_epoch(&tuner, 8 * 96);
    assert_true(tuner.is_trying);
}

/* Trains `seconds` in intervals of 50 ms, with `each` seconds per step on all threads, half of
 * them, and so on; a team of more than `undisturbed` threads runs for half of the time. Returns the
 * seconds on `threads` threads. */
static double run_busy(mb_thread_tuner *tuner, double seconds, const double *each,
                       size_t undisturbed, size_t threads)
{
    const double interval = 0.05;
    double with_threads = 0.0;
    for (double t = 0.0; t < seconds; t += interval) {
        const size_t now = tuner->threads;
        size_t candidate = 0;
        while (tuner->max_threads >> candidate > now)
            candidate++;
        with_threads += now == threads ? interval : 0.0;
        const double cpu = interval * (double)now * (now > undisturbed ? 0.5 : 1.0);
        mb_thread_tuner_record(tuner, (size_t)(interval / each[candidate]), interval, cpu);
    }
    return with_threads;
}

TEST(on_a_busy_machine_the_fastest_thread_count_trains)
{
    static const double calm[] = {20e-6, 30e-6, 50e-6, 90e-6},
                        busy[] = {200e-6, 100e-6, 50e-6, 90e-6}, all[] = {40e-6, 60e-6, 90e-6, 1};
    mb_thread_tuner tuner = mb_thread_tuner_init(8, false);
    size_t steps;
    assert_int_equal(run_epoch(&tuner, calm, &steps), 8);
    assert_true(run_busy(&tuner, 10.0, calm, 8, 8) > 9.9);
    assert_true(run_busy(&tuner, 10.0, busy, 2, 2) > 8.0);
    mb_thread_tuner_start_epoch(&tuner, EPOCH); /* short trials would take all 8 */
    assert_false(tuner.is_trying);
    assert_true(run_busy(&tuner, 10.0, busy, 2, 2) > 8.0);
    assert_true(run_busy(&tuner, 10.0, calm, 8, 8) > 6.0); /* the others ended */
    assert_int_equal(tuner.threads, 8);
    assert_true(run_busy(&tuner, 10.0, all, 1, 8) > 8.0); /* busy, but all are the fastest */
    mb_thread_tuner_start_epoch(&tuner, EPOCH);
    assert_false(tuner.is_trying);
    assert_true(run_busy(&tuner, 10.0, calm, 8, 8) > 9.0);
    mb_thread_tuner_start_epoch(&tuner, EPOCH);
    assert_true(tuner.is_trying);
}

/* A small network that trains fastest on one thread goes back to short trials. */
TEST(a_search_ends_where_more_threads_are_undisturbed_and_slower)
{
    static const double calm[] = {60e-6, 30e-6}, busy[] = {300e-6, 30e-6};
    mb_thread_tuner tuner = mb_thread_tuner_init(2, false);
    assert_true(run_busy(&tuner, 2.0, busy, 1, 1) > 1.0);
    mb_thread_tuner_start_epoch(&tuner, EPOCH);
    assert_false(tuner.is_trying);
    assert_true(run_busy(&tuner, 4.0, calm, 2, 1) > 3.0);
    assert_int_equal(tuner.threads, 1);
    mb_thread_tuner_start_epoch(&tuner, EPOCH);
    assert_true(tuner.is_trying);
}

TEST(a_fixed_thread_count_stays_on_a_busy_machine)
{
    static const double busy[] = {300e-6, 30e-6};
    mb_thread_tuner tuner = mb_thread_tuner_init(2, true);
    assert_true(run_busy(&tuner, 2.0, busy, 1, 2) > 1.9);
}
