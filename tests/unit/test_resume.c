/* A run stopped after any step and resumed from a file on any number of threads gives the result of
 * an uninterrupted run. With MB_LONG_TESTS each run of the table has three seeds and all
 * optimizers, and stops after 20 random steps with 1, 2 and 4 threads; else a subset of that. */
#include "interrupted.h"
#include "random.h"
#include "support.h"
#include "test.h"

#include <mnist_blas/options.h>
#include <stdlib.h>

#ifdef MB_LONG_TESTS
enum { STOPS = 20 };
#else
enum { STOPS = 2 };
#endif

static const char plain[] = "dense:40,relu,dense:20,relu,dense:4";
static const size_t threads[] = {1, 2, 4};

/* Stops after `stop` steps on `threads_before`, and again later, and resumes on other thread
 * counts. */
static void check_stop(const char *spec, const mb_training_options *options, mb_test_run *whole,
                       size_t stop, size_t threads_before, const char *path)
{
    mb_test_run before, after;
    const size_t last = options->epochs * MB_TEST_STEPS, again = mb_test_random_size(stop, last);
    mb_test_run_open(spec, options, threads_before, &before);
    mb_test_run_on(&before, stop);
    assert_int_equal(before.trainer->epoch * MB_TEST_STEPS + before.trainer->step, stop);
    mb_test_run_save(&before, path);
    mb_test_run_open(spec, options, threads[mb_test_random_size(0, 2)], &after);
    mb_test_run_restore(&after, path);
    mb_test_runs_equal(&before, &after);
    mb_test_run_close(&before);
    mb_test_run_on(&after, again);
    mb_test_run_save(&after, path);
    mb_test_run_close(&after);
    mb_test_run_open(spec, options, threads[mb_test_random_size(0, 2)], &after);
    mb_test_run_restore(&after, path);
    mb_test_run_on(&after, SIZE_MAX);
    mb_test_runs_equal(whole, &after);
    mb_test_run_close(&after);
}

/* Stops at random steps with each thread count. */
static void check_run(const char *spec, const mb_training_options *options)
{
    char *folder = mb_test_make_folder(), *path = mb_path_join(folder, "checkpoint");
    mb_test_run whole;
    mb_test_run_open(spec, options, 1, &whole);
    mb_test_run_on(&whole, SIZE_MAX);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++)
        for (size_t i = 0; i < STOPS; i++)
            check_stop(spec, options, &whole,
                       mb_test_random_size(0, options->epochs * MB_TEST_STEPS - 1), threads[t],
                       path);
    mb_test_run_close(&whole);
    free(path);
    mb_test_remove_folder(folder);
}

#define CONSTANT MB_SCHEDULE_CONSTANT
#define COSINE MB_SCHEDULE_COSINE
#define ONECYCLE MB_SCHEDULE_ONECYCLE
#define PLATEAU MB_SCHEDULE_PLATEAU
#define CONV "conv2d:6x3,batchnorm2d,relu,"

/* All features of a run. seed 0: three optimizers with three seeds each, as all rows with
 * MB_LONG_TESTS. */
static const struct resumed {
    const char *spec;
    mb_optimizer_kind optimizer;
    uint64_t seed;
    mb_schedule_kind schedule;
    mb_augmentation_kind augmentation;
    size_t plain_epochs;
    double smoothing, ema;
    size_t validation, patience;
} runs[] = {
    {plain, MB_OPTIMIZER_ADAMW, 0, .schedule = ONECYCLE},
    {plain, MB_OPTIMIZER_ADAMW, 1, .schedule = CONSTANT},
    {plain, MB_OPTIMIZER_ADAMW, 1, .schedule = COSINE},
    {plain, MB_OPTIMIZER_ADAMW, 1, ONECYCLE, .validation = 5},
    {plain, MB_OPTIMIZER_ADAM, 1, PLATEAU, .validation = 5, .patience = 1},
    {CONV "flatten,dense:4", MB_OPTIMIZER_SGD, 2, ONECYCLE, .validation = 5, .patience = 1},
    {"dense:40,relu,dropout:0.5,dense:20,relu,dropout:0.1,dense:4", MB_OPTIMIZER_ADAMW, 2,
     .schedule = ONECYCLE},
    {plain, MB_OPTIMIZER_ADAM, 3, ONECYCLE, .smoothing = 0.1},
    {plain, MB_OPTIMIZER_ADAMW, 2, ONECYCLE, .ema = 0.9},
    {CONV "flatten,dense:4", MB_OPTIMIZER_SGD, 1, ONECYCLE, .ema = 0.9},
    {CONV "maxpool2d:2,flatten,dense:4", MB_OPTIMIZER_SGD, 1, .schedule = ONECYCLE},
    {CONV "maxpool2d:2,dropout:0.3,flatten,dense:4", MB_OPTIMIZER_ADAM, 2, .schedule = ONECYCLE},
    {plain, MB_OPTIMIZER_ADAMW, 1, .schedule = ONECYCLE, .augmentation = MB_AUGMENT_AFFINE},
    {plain, MB_OPTIMIZER_ADAMW, 2, .schedule = ONECYCLE, .augmentation = MB_AUGMENT_ELASTIC},
    {plain, MB_OPTIMIZER_ADAMW, 1, .schedule = ONECYCLE, .augmentation = MB_AUGMENT_AFFINE,
     .plain_epochs = 1},
    {plain, MB_OPTIMIZER_ADAMW, 2, .schedule = ONECYCLE, .augmentation = MB_AUGMENT_ELASTIC,
     .plain_epochs = 1},
    {"conv2d:6x3,relu,flatten,dense:4", MB_OPTIMIZER_SGD, 1, .schedule = ONECYCLE,
     .augmentation = MB_AUGMENT_AFFINE, .plain_epochs = 1},
    {"conv2d:6x3,relu,flatten,dense:4", MB_OPTIMIZER_SGD, 2, .schedule = ONECYCLE,
     .augmentation = MB_AUGMENT_ELASTIC, .plain_epochs = 1},
    {CONV "maxpool2d:2,dropout:0.3,flatten,dense:12,relu,dropout:0.5,dense:4", MB_OPTIMIZER_ADAMW,
     1, COSINE, MB_AUGMENT_AFFINE, 0, 0.1, 0.95, 5, 2},
    {CONV "maxpool2d:2,dropout:0.3,flatten,dense:12,relu,dropout:0.5,dense:4", MB_OPTIMIZER_ADAMW,
     1, COSINE, MB_AUGMENT_ELASTIC, 0, 0.1, 0.95, 5, 2},
};

static void check_resumed(const struct resumed *run, mb_optimizer_kind optimizer, uint64_t seed)
{
    mb_training_options options = mb_test_options(optimizer, seed);
    options.schedule = run->schedule;
    options.augmentation.kind = run->augmentation;
    options.augmentation.plain_epochs = run->plain_epochs;
    options.label_smoothing = run->smoothing;
    options.ema = run->ema;
    options.validation = run->validation;
    options.patience = run->patience;
    check_run(run->spec, &options);
}

TEST(a_resumed_run_ends_as_the_whole_one)
{
    for (size_t i = 0; i < TEST_COUNT(runs); i++)
#ifndef MB_LONG_TESTS
        if (runs[i].seed != 0)
            check_resumed(&runs[i], runs[i].optimizer, runs[i].seed);
        else
#endif
            for (uint64_t seed = 1; seed <= 3; seed++)
                for (size_t kind = 0; kind < mb_optimizer_names.count; kind++)
                    check_resumed(&runs[i], (mb_optimizer_kind)kind, seed);
}

/* Every step of a run, and before and after an epoch's evaluation. */
TEST(every_step)
{
    const mb_training_options options = mb_test_options(MB_OPTIMIZER_ADAM, 1);
    char *folder = mb_test_make_folder(), *path = mb_path_join(folder, "checkpoint");
    mb_test_run whole;
    mb_test_run_open(plain, &options, 2, &whole);
    mb_test_run_on(&whole, SIZE_MAX);
    for (size_t stop = 0; stop < 2 * MB_TEST_STEPS; stop++)
        check_stop(plain, &options, &whole, stop, 2, path);
    mb_test_run_close(&whole);
    free(path);
    mb_test_remove_folder(folder);
}

/* With a constant learning rate, an extended run equals one of that length, even if it had
 * finished. */
TEST(more_epochs)
{
    char *folder = mb_test_make_folder(), *path = mb_path_join(folder, "checkpoint");
    mb_training_options options = mb_test_options(MB_OPTIMIZER_ADAMW, 1), longer;
    options.schedule = MB_SCHEDULE_CONSTANT;
    longer = options;
    longer.epochs = 3;
    mb_test_run whole, run;
    mb_test_run_open(plain, &longer, 1, &whole);
    mb_test_run_on(&whole, SIZE_MAX);
    for (size_t stop = 13; stop <= 2 * MB_TEST_STEPS; stop += 7) {
        mb_test_run_open(plain, &options, 1, &run);
        mb_test_run_on(&run, stop < 2 * MB_TEST_STEPS ? stop : SIZE_MAX);
        mb_test_run_save(&run, path);
        mb_test_run_close(&run);
        mb_test_run_open(plain, &longer, 2, &run);
        mb_test_run_restore(&run, path);
        mb_test_run_on(&run, SIZE_MAX);
        mb_test_runs_equal(&whole, &run);
        mb_test_run_close(&run);
    }
    mb_test_run_close(&whole);
    free(path);
    mb_test_remove_folder(folder);
}

static bool second_time(void *context)
{
    size_t *asked = context;
    return ++*asked == 2;
}

/* A step may take a second: the first interval has one. */
TEST(stopping_is_asked_for_after_the_first_step)
{
    const mb_training_options options = mb_test_options(MB_OPTIMIZER_ADAMW, 1);
    mb_test_run run;
    size_t asked = 0;
    mb_test_run_open(plain, &options, 2, &run);
    run.events = (mb_training_events){.context = &asked, .stop = second_time};
    run.trainer->interval_multiple = 0;
    assert_int_equal(mb_trainer_run(run.trainer, NULL), MB_OK);
    assert_true(run.trainer->stopped);
    assert_int_equal(run.trainer->epoch, 0);
    assert_int_equal(run.trainer->step, 1);
    mb_test_run_close(&run);
}

/* A run stopped during an evaluation repeats it. */
TEST(stopping_within_an_evaluation)
{
    const mb_training_options options = mb_test_options(MB_OPTIMIZER_ADAMW, 1);
    mb_test_run whole, run;
    size_t asked = 0;
    mb_test_run_open(plain, &options, 2, &whole);
    mb_test_run_on(&whole, SIZE_MAX);
    mb_test_run_open(plain, &options, 2, &run);
    mb_test_run_on(&run, MB_TEST_STEPS - 1);
    run.events = (mb_training_events){.context = &asked, .stop = second_time};
    asked = SIZE_MAX; /* so that it is 0 before the step, 1 after it, 2 within the evaluation */
    assert_int_equal(mb_trainer_run(run.trainer, NULL), MB_OK);
    assert_true(asked == 2 && run.trainer->stopped);
    assert_int_equal(run.trainer->epoch, 0);
    assert_int_equal(run.trainer->step, MB_TEST_STEPS);
    run.events = whole.events;
    run.events.context = &run;
    mb_test_run_on(&run, SIZE_MAX);
    mb_test_runs_equal(&whole, &run);
    mb_test_run_close(&run);
    mb_test_run_close(&whole);
}

TEST_GROUP(mb_test_open_data, mb_test_close_data);
