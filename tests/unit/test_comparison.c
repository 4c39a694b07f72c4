/* McNemar's test, and which values of runs a comparison has. */
#include "report/comparison.h"
#include "report_fixture.h"
#include "support.h"
#include "test.h"

#include <math.h>
#include <mnist_blas/evaluation.h>
#include <string.h>

/* ---- McNemar's test ---- */

static void check_p_value(size_t only_first, size_t only_second, double expected)
{
    const double p = mb_mcnemar_p_value(only_first, only_second);
    if (fabs(p - expected) > 1e-9 * expected)
        fail_msg("%zu and %zu: %.15g instead of %.15g", only_first, only_second, p, expected);
}

/* By sums of integers in Python. */
TEST(p_values_of_counts)
{
    static const struct {
        size_t first, second;
        double p;
    } cases[] = {{0, 0, 1.0},
                 {0, 1, 1.0},
                 {0, 5, 0.0625},
                 {5, 5, 1.0},
                 {1, 9, 0.021484375},
                 {12, 25, 0.047031027439516},
                 {40, 57, 0.103769382872718},
                 {36, 123, 2.50087474020601e-12},
                 {21, 822, 1.475416969991e-212},
                 {500, 500, 1.0},
                 {480, 560, 0.014259079095386},
                 {3000, 3300, 0.00016475607669748}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        check_p_value(cases[i].first, cases[i].second, cases[i].p);
        check_p_value(cases[i].second, cases[i].first, cases[i].p);
    }
}

/* Against all 2^n outcomes of n images, counted row by row in Pascal's triangle. */
TEST(p_values_of_all_small_counts)
{
    double binomials[51] = {1.0}, outcomes = 1.0;
    for (size_t n = 0; n <= 50; n++, outcomes *= 2.0) {
        for (size_t k = n; n > 0 && k > 0; k--)
            binomials[k] += binomials[k - 1];
        for (size_t k = 0; k <= n; k++) {
            double extreme = 0.0;
            for (size_t i = 0; i <= n; i++)
                if (fabs((double)n - 2.0 * (double)i) >= fabs((double)n - 2.0 * (double)k))
                    extreme += binomials[i];
            check_p_value(k, n - k, extreme / outcomes);
        }
    }
}

/* ---- values ---- */

/* Runs of the fixture, written and read back. */
typedef struct fixture {
    mb_test_report *made[3];
    mb_evaluation *evaluations[3];
    mb_stored_run *stored[3];
} fixture;

static void open_run(fixture *f, size_t i, void (*change)(mb_training_options *options))
{
    const char *folder = mb_test_folder();
    mb_error error = {0};
    mb_test_report *made = f->made[i] = mb_test_report_open(NULL);
    mb_network_initialise(made->network, i + 1);
    assert_int_equal(
        mb_evaluate(made->machine, made->network, &made->dataset.test, &f->evaluations[i], NULL),
        MB_OK);
    made->run.evaluation = f->evaluations[i];
    change(&made->options);
    assert_int_equal(mb_summary_write(&made->run, folder, NULL), MB_OK);
    assert_int_equal(mb_metrics_write(&made->run, folder, NULL), MB_OK);
    if (mb_stored_run_read(folder, &f->stored[i], &error) != MB_OK)
        fail_msg("%s", error.text);
}

static void close_runs(fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mb_stored_run_close(f->stored[i]);
        mb_evaluation_free(f->evaluations[i]);
        mb_test_report_close(f->made[i]);
    }
}

static mb_comparison *compare(fixture *f, size_t count)
{
    static const char *const names[] = {"a", "b", "c"};
    mb_comparison *comparison = NULL;
    assert_int_equal(mb_comparison_open((const mb_stored_run *const *)f->stored, names, count,
                                        &comparison, NULL),
                     MB_OK);
    return comparison;
}

static const mb_compared_value *find(const mb_comparison *comparison, const char *key)
{
    for (size_t i = 0; i < comparison->value_count; i++)
        if (strcmp(comparison->values[i].key, key) == 0)
            return &comparison->values[i];
    return NULL;
}

static void leave(mb_training_options *options) { (void)options; }
static void set_lr(mb_training_options *options) { options->lr = 0.25; }
static void set_sgd(mb_training_options *options)
{
    *options = mb_training_defaults(MB_OPTIMIZER_SGD);
    options->epochs = 7;
}

TEST(results_and_options_that_differ)
{
    fixture f = {0};
    open_run(&f, 0, leave);
    open_run(&f, 1, set_lr);
    mb_comparison *comparison = compare(&f, 2);
    const mb_compared_value *lr = find(comparison, "lr");
    assert_non_null(lr);
    assert_true(lr->is_option);
    assert_string_equal(lr->texts[0], "0.005");
    assert_string_equal(lr->texts[1], "0.25");
    assert_string_equal(find(comparison, "parameters")->texts[0], "109,386");
    assert_string_equal(find(comparison, "train_seconds")->texts[1], "0.700");
    assert_string_equal(find(comparison, "samples_per_second")->texts[1], "402,000");
    assert_null(find(comparison, "validation_accuracy"));
    size_t options = 0;
    for (size_t i = 0; i < comparison->value_count; i++)
        options += comparison->values[i].is_option;
    assert_int_equal(options, 1);
    mb_comparison_close(comparison);
    close_runs(&f, 2);
}

/* Momentum has no effect with AdamW: that the optimizers differ says so. */
TEST(options_without_effect_do_not_differ)
{
    fixture f = {0};
    open_run(&f, 0, leave);
    open_run(&f, 1, set_sgd);
    mb_comparison *comparison = compare(&f, 2);
    assert_string_equal(find(comparison, "optimizer")->texts[1], "sgd");
    assert_string_equal(find(comparison, "epochs_requested")->texts[0], "5");
    assert_string_equal(find(comparison, "epochs_requested")->texts[1], "7");
    assert_null(find(comparison, "momentum"));
    assert_null(find(comparison, "beta1"));
    mb_comparison_close(comparison);
    close_runs(&f, 2);
}

/* ---- pairs ---- */

static mb_status classify(mb_comparison *comparison, const fixture *f, size_t run, size_t data,
                          mb_error *error)
{
    const mb_test_report *made = f->made[run];
    return mb_comparison_classify(comparison, run, made->machine, made->network,
                                  &f->made[data]->dataset, error);
}

TEST(pairs_have_the_first_run_and_the_same_images)
{
    fixture f = {0};
    mb_error error = {0};
    for (size_t i = 0; i < 3; i++)
        open_run(&f, i, leave);
    mb_comparison *comparison = compare(&f, 3);
    assert_int_equal(classify(comparison, &f, 1, 1, &error), MB_ERROR_INVALID);
    assert_int_equal(classify(comparison, &f, 0, 0, NULL), MB_OK);
    assert_int_equal(classify(comparison, &f, 0, 0, NULL), MB_ERROR_INVALID);
    assert_int_equal(comparison->pair_count, 0);
    assert_int_equal(classify(comparison, &f, 1, 1, NULL), MB_OK);
    /* another network than the run's */
    assert_int_equal(mb_comparison_classify(comparison, 2, f.made[0]->machine, f.made[0]->network,
                                            &f.made[2]->dataset, &error),
                     MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, "c: predictions are not those in summary.json");
    assert_int_equal(comparison->pair_count, 1);
    const mb_run_pair *pair = comparison->pairs;
    assert_int_equal(pair->run, 1);
    assert_int_equal(pair->both + pair->only_first, f.evaluations[0]->correct);
    assert_int_equal(pair->both + pair->only_run, f.evaluations[1]->correct);
    assert_int_equal(pair->both + pair->only_first + pair->only_run + pair->neither, 200);
    assert_true(pair->p_value == mb_mcnemar_p_value(pair->only_first, pair->only_run));
    mb_comparison_close(comparison);
    close_runs(&f, 3);
}

/* One bit of a pixel differs, which changes no prediction. */
TEST(runs_on_other_images_are_excluded)
{
    fixture f = {0};
    open_run(&f, 0, leave);
    open_run(&f, 1, leave);
    mb_comparison *comparison = compare(&f, 2);
    mb_dataset *data = &f.made[1]->dataset;
    uint8_t *pixels = (uint8_t *)(uintptr_t)data->test.images.pixels;
    pixels[0] ^= 1;
    assert_int_equal(classify(comparison, &f, 0, 0, NULL), MB_OK);
    assert_int_equal(classify(comparison, &f, 1, 1, NULL), MB_OK);
    assert_int_equal(comparison->pair_count, 0);
    assert_string_equal(comparison->excluded[1], "its test images, their form or the names of classes are not those of the first run");
    mb_comparison_close(comparison);
    close_runs(&f, 2);
}

TEST(one_run_cannot_be_compared)
{
    fixture f = {0};
    mb_error error = {0};
    mb_comparison *comparison = NULL;
    open_run(&f, 0, leave);
    const char *name = "a";
    assert_int_equal(
        mb_comparison_open((const mb_stored_run *const *)f.stored, &name, 1, &comparison, &error),
        MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "comparison: needs at least 2 runs, got 1");
    assert_null(comparison);
    close_runs(&f, 1);
}
