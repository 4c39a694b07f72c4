#include "data/sampler.h"
#include "nn/schedule.h"
#include "support.h"
#include "test.h"
#include "train/trainer.h"
#include "training.h"

#include <float.h>
#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <mnist_blas/options.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* 330 training images are 10 batches of 32 and one of 10. */
enum { TRAIN = 330, TEST_IMAGES = 90, ROWS = 8, COLUMNS = 7, PIXELS = ROWS * COLUMNS, CLASSES = 4 };

static const char layers[] = "dense:40,relu,dense:20,relu,dense:4";

static mb_dataset *dataset; /* of all tests, like the machines: [n] has n threads */
static mb_machine *machines[5];

static int open_all(void **state)
{
    (void)state;
    dataset = mb_test_dataset_open(
        &(mb_test_dataset){TRAIN, TEST_IMAGES, ROWS, COLUMNS, CLASSES, 3, false});
    for (size_t threads = 1; threads < TEST_COUNT(machines); threads++)
        machines[threads] = mb_test_machine(threads);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    mb_dataset_close(dataset);
    for (size_t threads = 1; threads < TEST_COUNT(machines); threads++)
        mb_machine_close(machines[threads]);
    return 0;
}

static mb_network *open_network(size_t threads, const char *spec)
{
    return mb_test_network(machines[threads], spec, (mb_shape){1, ROWS, COLUMNS}, CLASSES);
}

static mb_training_options options_of(mb_optimizer_kind kind)
{
    mb_training_options options = mb_training_defaults(kind);
    options.epochs = 2;
    options.batch_size = 32;
    return options;
}

static bool all_finite(const mb_network *network)
{
    bool finite = true;
    float *all = mb_test_parameters(network);
    for (size_t i = 0; i < mb_network_parameter_count(network); i++)
        finite = finite && isfinite(all[i]);
    return finite;
}

/* A fresh network after training on `data`. */
static mb_network *train_fresh(const mb_dataset *data, const mb_training_options *options,
                               size_t threads)
{
    mb_error error = {0};
    const mb_training_events silent = {0};
    mb_network *network = open_network(threads, layers);
    if (mb_train(machines[threads], network, data, options, &silent, &error) != MB_OK)
        fail_msg("%s", error.text);
    return network;
}

/* True if two such trainings give the same bits. */
static bool same_end(const mb_dataset *data, const mb_training_options *options, size_t threads,
                     const mb_dataset *other_data, const mb_training_options *other_options,
                     size_t other_threads)
{
    mb_network *one = train_fresh(data, options, threads);
    mb_network *other = train_fresh(other_data, other_options, other_threads);
    float *a = mb_test_parameters(one), *b = mb_test_parameters(other);
    const bool same = memcmp(a, b, mb_network_parameter_count(one) * sizeof *a) == 0;
    return same;
}

/* The values that the events reported. */
typedef struct account {
    const mb_training_options *options;
    const mb_network *network;
    size_t samples, epochs, calls, done; /* epochs reported, progress in the running one */
    double last_loss, first_loss, train_accuracy, test_accuracy, validation_accuracy;
} account;

/* The mean loss of the epoch so far is the mean of the steps' losses, weighted by samples. */
static void note_step_losses(const mb_progress *progress, size_t batch_size)
{
    double sum = 0.0;
    assert_int_equal(progress->steps, mb_divide_up(progress->samples, batch_size));
    assert_in_range(progress->steps_done, 1, progress->steps);
    for (size_t step = 0; step < progress->steps_done; step++) {
        const size_t left = progress->samples_done - step * batch_size;
        sum += (double)progress->step_loss[step] * (double)mb_min_size(left, batch_size);
    }
    const double mean = sum / (double)progress->samples_done;
    assert_true(fabs(mean - progress->loss) <= 1e-6 * progress->loss);
}

static void note_progress(void *context, const mb_progress *progress)
{
    account *a = context;
    assert_int_equal(progress->epoch, a->epochs + 1);
    assert_int_equal(progress->epochs, a->options->epochs);
    assert_int_equal(progress->samples, a->samples);
    assert_in_range(progress->samples_done, a->done + 1, a->samples);
    assert_true(progress->seconds >= 0.0);
    assert_true(isfinite(progress->loss) && progress->loss >= 0.0);
    a->done = progress->samples_done;
    note_step_losses(progress, a->options->batch_size);
    a->calls++;
}

static bool is_near(double found, double wanted) { return fabs(found - wanted) < 1e-9 * wanted; }

static void note_epoch(void *context, const mb_epoch_metrics *metrics)
{
    account *a = context;
    const size_t batch = a->options->batch_size, steps = mb_divide_up(a->samples, batch);
    assert_int_equal(metrics->epoch, ++a->epochs);
    assert_int_equal(metrics->epochs, a->options->epochs);
    assert_int_equal(a->done, a->samples); /* progress has reached the end */
    assert_true(isfinite(metrics->train_loss) && metrics->train_loss > 0.0);
    assert_true(metrics->train_accuracy >= 0.0 && metrics->train_accuracy <= 1.0);
    assert_true(metrics->test_accuracy >= 0.0 && metrics->test_accuracy <= 1.0);
    assert_int_equal(isnan(metrics->validation_accuracy), a->samples == TRAIN);
    assert_true(metrics->lr ==
                mb_schedule_lr(a->options, a->epochs * steps - 1, a->options->epochs * steps));
    assert_true(is_near(metrics->samples_per_second * metrics->seconds, (double)a->samples));
    assert_true(is_near(metrics->gflops * metrics->seconds * 1e9,
                        (double)a->samples * mb_network_training_flops(a->network)));
    if (a->epochs == 1)
        a->first_loss = metrics->train_loss;
    a->last_loss = metrics->train_loss;
    a->train_accuracy = metrics->train_accuracy;
    a->test_accuracy = metrics->test_accuracy;
    a->validation_accuracy = metrics->validation_accuracy;
    a->done = 0;
}

static double accuracy_on_test(const mb_network *network)
{
    mb_evaluation *evaluation = NULL;
    assert_int_equal(mb_evaluate(machines[2], network, &dataset->test, &evaluation, NULL), MB_OK);
    const double accuracy = evaluation->accuracy;
    mb_evaluation_free(evaluation);
    return accuracy;
}

/* Each optimizer and schedule learns these images, and the reports are consistent. */
TEST(training_learns_and_reports_how_it_goes)
{
    static const struct {
        mb_optimizer_kind optimizer;
        mb_schedule_kind schedule;
        size_t validation;
    } cases[] = {{MB_OPTIMIZER_ADAMW, MB_SCHEDULE_ONECYCLE, 0},
                 {MB_OPTIMIZER_ADAM, MB_SCHEDULE_COSINE, 0},
                 {MB_OPTIMIZER_SGD, MB_SCHEDULE_CONSTANT, 0},
                 {MB_OPTIMIZER_ADAMW, MB_SCHEDULE_ONECYCLE, 51}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_training_options options = options_of(cases[i].optimizer);
        options.epochs = 8;
        options.schedule = cases[i].schedule;
        options.validation = cases[i].validation;
        options.label_smoothing = 0.0; /* otherwise the loss cannot approach 0 */
        mb_network *network = open_network(2, layers);
        account a = {
            .options = &options, .network = network, .samples = TRAIN - options.validation};
        const mb_training_events events = {
            .context = &a, .progress = note_progress, .epoch = note_epoch};
        assert_true(accuracy_on_test(network) < 0.6);
        assert_int_equal(mb_train(machines[2], network, dataset, &options, &events, NULL), MB_OK);
        assert_int_equal(a.epochs, 8);
        assert_true(a.calls >= 8);
        assert_true(a.last_loss < 0.1 * a.first_loss);
        assert_true(a.test_accuracy > 0.97);
        assert_true(options.validation == 0 || a.validation_accuracy > 0.97);
        assert_true(a.test_accuracy == accuracy_on_test(network));
    }
}

/* At learning rate 0, the means of an epoch equal those of an evaluation of all images. */
TEST(an_epoch_visits_each_image_once)
{
    mb_network *network = open_network(2, layers);
    mb_evaluation *whole = NULL;
    mb_training_options options = options_of(MB_OPTIMIZER_SGD);
    options.lr = 1e-300;
    account a = {.options = &options, .network = network, .samples = TRAIN};
    const mb_training_events events = {
        .context = &a, .progress = note_progress, .epoch = note_epoch};
    assert_int_equal(mb_train(machines[2], network, dataset, &options, &events, NULL), MB_OK);
    assert_int_equal(mb_evaluate(machines[2], network, &dataset->train, &whole, NULL), MB_OK);
    assert_true(fabs(a.last_loss - whole->loss) < 1e-6);
    assert_true(a.train_accuracy == whole->accuracy);
    mb_evaluation_free(whole);
}

/* Batches of one block, of several, of one sample, of all, and with a smaller last one. */
TEST(parameters_do_not_depend_on_threads)
{
    static const struct {
        size_t batch_size;
        mb_optimizer_kind optimizer;
        size_t min_threads, max_threads;
    } cases[] = {{32, MB_OPTIMIZER_ADAMW, 2, 4},    {100, MB_OPTIMIZER_SGD, 2, 4},
                 {150, MB_OPTIMIZER_ADAMW, 2, 4},   {7, MB_OPTIMIZER_SGD, 2, 4},
                 {TRAIN, MB_OPTIMIZER_ADAMW, 2, 4}, {1, MB_OPTIMIZER_ADAM, 3, 3}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_training_options options = options_of(cases[i].optimizer);
        options.batch_size = cases[i].batch_size;
        options.nesterov = true;
        for (size_t n = cases[i].min_threads; n <= cases[i].max_threads; n++)
            assert_true(same_end(dataset, &options, 1, dataset, &options, n));
    }
}

TEST(parameters_depend_on_seed_and_options)
{
    const mb_training_options options = options_of(MB_OPTIMIZER_ADAMW);
    mb_training_options other = options;
    other.seed++;
    assert_false(same_end(dataset, &options, 2, dataset, &other, 2)); /* another order */
    other = options;
    other.weight_decay *= 2;
    assert_false(same_end(dataset, &options, 2, dataset, &other, 2));
    other = options;
    other.momentum = 0.5; /* is sgd's */
    other.nesterov = true;
    assert_true(same_end(dataset, &options, 2, dataset, &other, 2));
}

/* Validation and test images do not affect training; training ones do. */
TEST(held_out_images_are_not_trained_on)
{
    mb_training_options options = options_of(MB_OPTIMIZER_ADAMW);
    options.validation = 30;
    uint32_t order[TRAIN];
    uint8_t *images = mb_test_alloc(TRAIN, PIXELS);
    mb_sampler_hold_out(options.seed, MB_RNG_VALIDATION, dataset->train.labels, TRAIN, 30, order);
    memcpy(images, dataset->train.images.pixels, TRAIN * PIXELS);
    mb_dataset other = *dataset;
    other.train.images.pixels = images;
    other.test.images.count = 1;
    for (size_t i = TRAIN - 30; i < TRAIN; i++)
        memset(images + order[i] * PIXELS, 255, PIXELS);
    assert_true(same_end(dataset, &options, 2, &other, &options, 2));
    memset(images + order[0] * PIXELS, 255, PIXELS);
    assert_false(same_end(dataset, &options, 2, &other, &options, 2));
}

/* The data's own validation split is their last images, at any seed. */
TEST(a_validation_split_of_the_data_is_not_trained_on)
{
    mb_training_options options = options_of(MB_OPTIMIZER_ADAMW);
    options.epochs = 8;
    mb_dataset divided = *dataset, shorter = *dataset, other = *dataset;
    uint8_t *images = mb_test_alloc(TRAIN, PIXELS);
    divided.validation = other.validation = 51;
    shorter.train.images.count = TRAIN - 51;
    assert_true(same_end(&divided, &options, 2, &shorter, &options, 2));
    memcpy(images, dataset->train.images.pixels, TRAIN * PIXELS);
    memset(images + (TRAIN - 51) * PIXELS, 255, 51 * PIXELS);
    other.train.images.pixels = images;
    assert_true(same_end(&divided, &options, 2, &other, &options, 2));
    memset(images + (TRAIN - 52) * PIXELS, 255, PIXELS);
    assert_false(same_end(&divided, &options, 2, &other, &options, 2));

    mb_network *network = open_network(2, layers);
    mb_evaluation *alone = NULL;
    account a = {.options = &options, .network = network, .samples = TRAIN - 51};
    const mb_training_events events = {
        .context = &a, .progress = note_progress, .epoch = note_epoch};
    const mb_split split = {mb_images_slice(&dataset->train.images, TRAIN - 51, 51),
                            dataset->train.labels + TRAIN - 51};
    assert_int_equal(mb_train(machines[2], network, &divided, &options, &events, NULL), MB_OK);
    assert_int_equal(mb_evaluate(machines[2], network, &split, &alone, NULL), MB_OK);
    assert_true(a.validation_accuracy > 0.97 && a.validation_accuracy == alone->accuracy);
    mb_evaluation_free(alone);
}

TEST(a_blank_training_set_trains)
{
    uint8_t *images = mb_test_alloc(TRAIN * PIXELS, 1);
    const mb_training_options options = options_of(MB_OPTIMIZER_ADAMW);
    mb_dataset blank = *dataset;
    blank.train.images.pixels = images;
    mb_network *network = train_fresh(&blank, &options, 2);
    assert_true(all_finite(network));
}

/* With a far too large learning rate, parameters stay finite, and the error names the step. */
TEST(a_loss_that_is_not_finite_ends_the_training)
{
    size_t diverged = 0;
    for (mb_optimizer_kind kind = MB_OPTIMIZER_SGD; kind < mb_optimizer_names.count; kind++) {
        mb_error error = {0};
        mb_training_options options = options_of(kind);
        options.schedule = MB_SCHEDULE_CONSTANT;
        options.lr = 1e6;
        options.weight_decay = 0.0;
        options.epochs = 20;
        mb_network *network = open_network(2, layers);
        const mb_status status = mb_train(machines[2], network, dataset, &options, NULL, &error);
        if (status == MB_ERROR_DIVERGED) {
            diverged++;
            mb_test_check_error(&error, MB_ERROR_DIVERGED, "the loss is not finite at step ");
            mb_test_check_error(&error, MB_ERROR_DIVERGED, " of epoch ");
            mb_test_check_error(&error, MB_ERROR_DIVERGED, "learning rate 1e+06");
        } else
            assert_int_equal(status, MB_OK);
        if (!all_finite(network))
            fail_msg("optimizer %d: parameters that are not finite (%s)", kind, error.text);
    }
    assert_true(diverged > 0);
}

/* No loss follows the last step that would show divergence. Decay multiplies these weights by -1e7
 * per step, so that they overflow in the last of six steps. */
TEST(training_does_not_succeed_with_parameters_that_are_not_finite)
{
    mb_error error = {0};
    mb_training_options options = options_of(MB_OPTIMIZER_SGD);
    options.schedule = MB_SCHEDULE_CONSTANT;
    options.lr = 1e4;
    options.weight_decay = 1e3;
    options.epochs = 1;
    options.batch_size = 64;
    mb_network *network = open_network(2, "dense:4");
    const mb_status status = mb_train(machines[2], network, dataset, &options, NULL, &error);
    assert_true(status != MB_OK || all_finite(network));
}

/* Weights that make the first loss infinite: no parameter changes. */
TEST(parameters_are_those_before_the_step)
{
    mb_error error = {0};
    const mb_training_options options = options_of(MB_OPTIMIZER_ADAMW);
    mb_network *network = open_network(2, layers);
    float bias[40];
    for (size_t i = 0; i < 40; i++)
        bias[i] = FLT_MAX;
    mb_network_set_tensor(network, 1, bias);
    float *before = mb_test_parameters(network);
    assert_int_equal(mb_train(machines[2], network, dataset, &options, NULL, &error),
                     MB_ERROR_DIVERGED);
    mb_test_check_error(&error, MB_ERROR_DIVERGED,
                        "not finite at step 1 of epoch 1, learning rate 0.0002:");
    float *after = mb_test_parameters(network);
    assert_memory_equal(before, after, mb_network_parameter_count(network) * sizeof *before);
}

TEST_GROUP(open_all, close_all);

/* Class 3 has no images, class 0 most; the weights are those of the images that are not held out,
 * and the mean weight of these is 1. */
TEST(balanced_weights_are_of_the_trained_images)
{
    mb_dataset uneven = *dataset;
    uint8_t labels[TRAIN];
    size_t counts[CLASSES] = {0};
    double weights = 0.0;
    for (size_t i = 0; i < TRAIN; i++)
        labels[i] = (uint8_t)(i % 10 < 7 ? 0 : i % 10 < 9 ? 1 : 2);
    uneven.train.labels = labels;
    mb_network *network = open_network(1, layers);
    mb_training_options options = options_of(MB_OPTIMIZER_ADAMW);
    options.validation = 100;
    options.class_weights = MB_CLASS_WEIGHTS_BALANCED;
    mb_trainer *trainer = NULL;
    assert_int_equal(mb_trainer_open(machines[1], network, &uneven, &options, NULL, &trainer, NULL),
                     MB_OK);
    for (size_t i = 0; i < TRAIN - 100; i++)
        counts[labels[trainer->split[i]]]++;
    const float *w = trainer->trainable.class_weights;
    for (size_t c = 0; c < 3; c++) {
        assert_true(fabs((double)w[c] * 3.0 * (double)counts[c] / (TRAIN - 100) - 1.0) < 1e-6);
        weights += (double)w[c] * (double)counts[c];
    }
    assert_true(w[3] == 0.0f);
    assert_true(fabs(weights - (TRAIN - 100)) < 1e-3);
    assert_int_equal(mb_trainer_run(trainer, NULL), MB_OK);
    assert_true(all_finite(network));
    const mb_epoch_metrics *last = mb_trainer_selected_epoch(trainer);
    assert_true(last->train_excess_loss > 0.0 && last->train_excess_loss < last->train_loss);
    mb_trainer_close(trainer);
}
