/* A run that was stopped after any step, and goes on from a file on any number of threads, ends as
 * the run that never stopped. With MB_LONG_TESTS everything with three seeds and three optimizers,
 * after 20 random steps of each combination with 1, 2 and 4 threads; else a sample of that. */
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

/* Stops after `stop` steps on `threads`, and once more later, and goes on on other numbers. */
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

/* One spec and its options at random steps, in stops and threads. */
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

/* What a run may have besides a network, a seed and an optimizer. */
typedef struct aids {
    mb_schedule_kind schedule;
    mb_augmentation_kind augmentation;
    double smoothing, ema;
    size_t validation, patience, plain_epochs;
} aids;

static void check_with(const char *spec, const aids *with, mb_optimizer_kind kind, uint64_t seed)
{
    mb_training_options options = mb_test_options(kind, seed);
    options.schedule = with->schedule;
    options.augmentation.kind = with->augmentation;
    options.label_smoothing = with->smoothing;
    options.ema = with->ema;
    options.validation = with->validation;
    options.patience = with->patience;
    options.augmentation.plain_epochs = with->plain_epochs;
    check_run(spec, &options);
}

static void check_all(const char *spec, const aids *with)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        for (mb_optimizer_kind kind = MB_OPTIMIZER_SGD; kind < mb_optimizer_names.count; kind++)
            check_with(spec, with, kind, seed);
}

static void check_sample(const char *spec, const aids *with, mb_optimizer_kind kind, uint64_t seed)
{
#ifdef MB_LONG_TESTS
    (void)kind;
    (void)seed;
    check_all(spec, with);
#else
    check_with(spec, with, kind, seed);
#endif
}

TEST(optimizers_and_seeds) { check_all(plain, &(aids){.schedule = MB_SCHEDULE_ONECYCLE}); }

TEST(schedules)
{
    for (mb_schedule_kind kind = MB_SCHEDULE_CONSTANT; kind <= MB_SCHEDULE_COSINE; kind++)
        check_sample(plain, &(aids){.schedule = kind}, MB_OPTIMIZER_ADAMW, 1);
}

TEST(held_out_images)
{
    check_sample(plain, &(aids){.schedule = MB_SCHEDULE_ONECYCLE, .validation = 5},
                 MB_OPTIMIZER_ADAMW, 1);
}

TEST(patience)
{
    const aids with = {.schedule = MB_SCHEDULE_ONECYCLE, .validation = 5, .patience = 1};
    check_sample(plain, &with, MB_OPTIMIZER_ADAM, 1);
    check_sample("conv2d:6x3,batchnorm2d,relu,flatten,dense:4", &with, MB_OPTIMIZER_SGD, 2);
}

TEST(dropout)
{
    check_sample("dense:40,relu,dropout:0.5,dense:20,relu,dropout:0.1,dense:4",
                 &(aids){.schedule = MB_SCHEDULE_ONECYCLE}, MB_OPTIMIZER_ADAMW, 2);
}

TEST(smooth_labels)
{
    check_sample(plain, &(aids){.schedule = MB_SCHEDULE_ONECYCLE, .smoothing = 0.1},
                 MB_OPTIMIZER_ADAM, 3);
}

TEST(running_average)
{
    const aids with = {.schedule = MB_SCHEDULE_ONECYCLE, .ema = 0.9};
    check_sample(plain, &with, MB_OPTIMIZER_ADAMW, 2);
    check_sample("conv2d:6x3,batchnorm2d,relu,flatten,dense:4", &with, MB_OPTIMIZER_SGD, 1);
}

TEST(convolution_and_running_statistics)
{
    const aids with = {.schedule = MB_SCHEDULE_ONECYCLE};
    check_sample("conv2d:6x3,batchnorm2d,relu,maxpool2d:2,flatten,dense:4", &with, MB_OPTIMIZER_SGD,
                 1);
    check_sample("conv2d:6x3,batchnorm2d,relu,maxpool2d:2,dropout:0.3,flatten,dense:4", &with,
                 MB_OPTIMIZER_ADAM, 2);
}

TEST(varied_images)
{
    for (mb_augmentation_kind kind = MB_AUGMENT_AFFINE; kind <= MB_AUGMENT_ELASTIC; kind++) {
        aids with = {.schedule = MB_SCHEDULE_ONECYCLE, .augmentation = kind};
        check_sample(plain, &with, MB_OPTIMIZER_ADAMW, kind);
        with.plain_epochs = 1;
        check_sample(plain, &with, MB_OPTIMIZER_ADAMW, kind);
        check_sample("conv2d:6x3,relu,flatten,dense:4", &with, MB_OPTIMIZER_SGD, kind);
    }
}

TEST(all_at_once)
{
    for (mb_augmentation_kind kind = MB_AUGMENT_AFFINE; kind <= MB_AUGMENT_ELASTIC; kind++)
        check_sample("conv2d:6x3,batchnorm2d,relu,maxpool2d:2,dropout:0.3,flatten,dense:12,relu,"
                     "dropout:0.5,dense:4",
                     &(aids){.schedule = MB_SCHEDULE_COSINE,
                             .augmentation = kind,
                             .smoothing = 0.1,
                             .ema = 0.95,
                             .validation = 5,
                             .patience = 2},
                     MB_OPTIMIZER_ADAMW, 1);
}

/* Each step on its own, and the moments before and after an epoch's evaluation. */
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

/* With a constant rate, a longer run is the one that was as long from its beginning; a finished run
 * can be made longer, too. */
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

/* A step may take a second: the first chunk has one. */
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

/* While an epoch is evaluated, too, which the run that goes on does again. */
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
