#include "test.h"

#include <math.h>
#include <mnist_blas/sweep.h>
#include <stdlib.h>

static const char *const options[] = {"lr", "seed"};
static const char *const values[][2] = {{"1", "1"}, {"1", "2"}, {"2", "1"},
                                        {"2", "2"}, {"3", "1"}, {"3", "2"}};
enum { RUNS = 6 };

/* Accuracies of the six runs; negative: failed, 0: waiting. Losses are as good as accuracies are
 * bad. */
static mb_sweep sweep_of(const double *accuracies, mb_sweep_run *runs, mb_sweep_metric by)
{
    for (size_t i = 0; i < RUNS; i++)
        runs[i] = (mb_sweep_run){.name = "run",
                                 .values = values[i],
                                 .state = accuracies[i] < 0.0   ? MB_SWEEP_FAILED
                                          : accuracies[i] > 0.0 ? MB_SWEEP_FINISHED
                                                                : MB_SWEEP_WAITING,
                                 .validation_accuracy = accuracies[i],
                                 .validation_loss = accuracies[i],
                                 .seconds = (double)i};
    return (mb_sweep){
        .options = options, .option_count = 2, .runs = runs, .run_count = RUNS, .by = by};
}

/* Checks the first runs of the ranked configurations, in their order. */
static void check_order(const mb_sweep *sweep, bool each_run, const size_t *expected, size_t count)
{
    mb_sweep_configuration *ranked;
    size_t found;
    assert_int_equal(mb_sweep_rank(sweep, each_run, &ranked, &found, NULL), MB_OK);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ranked[i].first, expected[i]);
    free(ranked);
}

TEST(configurations_by_their_means)
{
    static const double accuracies[RUNS] = {0.99, 0.5, 0.8, 0.9, 0.7, 0.9};
    mb_sweep_run runs[RUNS];
    mb_sweep sweep = sweep_of(accuracies, runs, MB_SWEEP_BY_ACCURACY);
    mb_sweep_configuration *ranked;
    size_t count;
    check_order(&sweep, false, (size_t[]){2, 4, 0}, 3);
    check_order(&sweep, true, (size_t[]){0, 3, 5, 2, 4, 1}, RUNS);
    assert_int_equal(mb_sweep_rank(&sweep, false, &ranked, &count, NULL), MB_OK);
    assert_float_equal(ranked[0].validation_accuracy, 0.85, 1e-12);
    assert_float_equal(ranked[0].accuracy_deviation, 0.1 / sqrt(2.0), 1e-12);
    assert_float_equal(ranked[0].seconds, 2.5, 1e-12);
    free(ranked);
    sweep.by = MB_SWEEP_BY_LOSS;
    check_order(&sweep, false, (size_t[]){0, 4, 2}, 3);
    sweep.by = MB_SWEEP_BY_NOTHING;
    check_order(&sweep, false, (size_t[]){0, 2, 4}, 3);
}

TEST(failed_and_waiting_runs)
{
    static const double accuracies[RUNS] = {0.99, -1.0, 0.8, 0.0, 0.0, 0.0};
    mb_sweep_run runs[RUNS];
    const mb_sweep sweep = sweep_of(accuracies, runs, MB_SWEEP_BY_ACCURACY);
    check_order(&sweep, false, (size_t[]){2, 0}, 2);
    check_order(&sweep, true, (size_t[]){0, 2, 1}, 3);
}

TEST(later_rungs_are_before_the_others)
{
    static const double accuracies[RUNS] = {0.9, 0.9, 0.5, 0.5, 0.8, 0.8};
    mb_sweep_run runs[RUNS];
    const mb_sweep sweep = sweep_of(accuracies, runs, MB_SWEEP_BY_ACCURACY);
    runs[2].rung = runs[3].rung = 1;
    check_order(&sweep, false, (size_t[]){2, 0, 4}, 3);
}

TEST(descriptions)
{
    static const double accuracies[RUNS] = {0.9, 0.9, 0.5, 0.5, 0.8, 0.8};
    mb_sweep_run runs[RUNS];
    const mb_sweep sweep = sweep_of(accuracies, runs, MB_SWEEP_BY_ACCURACY);
    char text[32];
    assert_string_equal(mb_sweep_describe(&sweep, &runs[3], false, text, sizeof text),
                        "lr 2, seed 2");
    assert_string_equal(mb_sweep_describe(&sweep, &runs[3], true, text, sizeof text), "lr 2");
}
