#include "core/file.h"
#include "nn/network.h"
#include "support.h"
#include "test.h"
#include "train/trainer.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <stdlib.h>
#include <string.h>

/* The EMA of the parameters, compared with one in double precision; it is evaluated, and is in the
 * network after training. */

enum { TRAIN = 200, TEST = 90, ROWS = 8, COLUMNS = 7, CLASSES = 4, EPOCHS = 3 };

/* Relative to the largest parameter, after all steps. */
static const double tolerance = 5e-7;

static const char *const specs[] = {
    "dense:40,relu,dense:4",
    "conv2d:6x3,batchnorm2d,relu,conv2d:20x3,relu,dropout:0.2,flatten,dense:4",
    "conv2d:6x3/pad1,relu,maxpool2d:2,conv2d:20x2/pad1,maxpool2d:2,relu,flatten,dense:4"};
enum { SPECS = 3, WITH_STATE = 1 };

static mb_dataset *dataset; /* one for all tests */
static mb_machine *machine;

static int open_all(void **state)
{
    (void)state;
    dataset =
        mb_test_dataset_open(&(mb_test_dataset){TRAIN, TEST, ROWS, COLUMNS, CLASSES, 3, false});
    machine = mb_test_machine(2);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    mb_machine_close(machine);
    mb_dataset_close(dataset);
    return 0;
}

static mb_network *open_network(const char *spec)
{
    return mb_test_network(machine, spec, (mb_shape){1, ROWS, COLUMNS}, CLASSES);
}

static mb_training_options options_of(mb_optimizer_kind kind, double ema)
{
    mb_training_options options = mb_training_defaults(kind);
    options.epochs = EPOCHS;
    options.batch_size = 8;
    options.ema = ema;
    options.validation = 20;
    return options;
}

/* ---- comparison with a naive EMA ---- */

/* The naive EMA: parameters, then running statistics, layer by layer. */
typedef struct follower {
    mb_trainer *trainer;
    mb_network *network;
    double *average, largest, worst;
    size_t steps;
} follower;

/* ema = decay * ema + (1 - decay) * parameters; the decay rises from a low start. */
static void follow(void *context, const mb_progress *progress)
{
    (void)progress;
    follower *f = context;
    const double t = (double)f->steps++, ema = f->trainer->options->ema;
    const double decay = (1.0 + t) / (10.0 + t) < ema ? (1.0 + t) / (10.0 + t) : ema;
    for (size_t l = 0; l < f->network->count; l++) {
        const mb_layer *layer = &f->network->layers[l];
        for (size_t i = 0; i < layer->parameter_count; i++) {
            const size_t at = layer->parameter_offset + i;
            f->average[at] =
                decay * f->average[at] + (1.0 - decay) * (double)f->network->parameters[at];
            const double apart = fabs(f->average[at] - (double)f->trainer->trainable.ema[at]);
            f->worst = fmax(f->worst, apart);
            f->largest = fmax(f->largest, fabs(f->average[at]));
        }
    }
}

static void check_average(const char *spec, const mb_training_options *options)
{
    follower f = {.network = open_network(spec)};
    const mb_training_events events = {.context = &f, .progress = follow};
    f.average = mb_test_alloc(f.network->parameter_elements, sizeof *f.average);
    for (size_t i = 0; i < f.network->parameter_elements; i++)
        f.average[i] = (double)f.network->parameters[i];
    assert_int_equal(
        mb_trainer_open(machine, f.network, dataset, options, &events, &f.trainer, NULL), MB_OK);
    f.trainer->interval_multiple = 1; /* progress after each step */
    assert_int_equal(mb_trainer_run(f.trainer, NULL), MB_OK);
    assert_int_equal(f.steps, EPOCHS * 23);
    print_message("%s, decay %g: within %.1e of the largest\n", spec, options->ema,
                  f.worst / f.largest);
    assert_true(f.worst <= tolerance * f.largest);
    mb_trainer_close(f.trainer);
}

TEST(the_average_is_the_naive_one)
{
    static const double decays[] = {0.05, 0.3, 0.8, 0.999};
    for (size_t s = 0; s < SPECS; s++)
        for (size_t d = 0; d < sizeof decays / sizeof *decays; d++) {
            const mb_training_options sgd = options_of(MB_OPTIMIZER_SGD, decays[d]),
                                      adamw = options_of(MB_OPTIMIZER_ADAMW, decays[d]);
            check_average(specs[s], &sgd);
            check_average(specs[s], &adamw);
        }
}

/* ---- use of the EMA ---- */

static mb_trainer *trainer;

/* Trains all epochs; the network has the trained parameters, not the EMA. */
static mb_network *train(const char *spec, const mb_training_options *options)
{
    mb_network *network = open_network(spec);
    assert_int_equal(mb_trainer_open(machine, network, dataset, options, NULL, &trainer, NULL),
                     MB_OK);
    assert_int_equal(mb_trainer_run(trainer, NULL), MB_OK);
    return network;
}

TEST(it_has_no_part_in_the_training)
{
    const mb_training_options with = options_of(MB_OPTIMIZER_ADAMW, 0.95),
                              without = options_of(MB_OPTIMIZER_ADAMW, 0);
    for (size_t s = 0; s < SPECS; s++) {
        mb_network *plain = train(specs[s], &without);
        assert_null(trainer->trainable.ema);
        assert_ptr_equal(trainer->evaluated, plain);
        const double loss = trainer->history.epochs[EPOCHS - 1].train_loss;
        assert_int_equal(mb_trainer_finalize(trainer, NULL), MB_OK); /* no effect */
        mb_trainer_close(trainer);
        mb_network *averaged = train(specs[s], &with);
        const size_t bytes = plain->parameter_elements * sizeof(float);
        assert_memory_equal(averaged->parameters, plain->parameters, bytes);
        assert_memory_not_equal(trainer->trainable.ema, plain->parameters, bytes);
        assert_true(trainer->history.epochs[EPOCHS - 1].train_loss == loss);
        mb_trainer_close(trainer);
    }
}

/* A second network with the EMA, and the running statistics of the one in training. */
static mb_network *copy_of_average(const char *spec, const mb_network *trained)
{
    mb_network *copy = open_network(spec);
    memcpy(copy->parameters, trainer->trainable.ema, copy->parameter_elements * sizeof(float));
    for (size_t l = 0; l < copy->count; l++) {
        const mb_layer *from = &trained->layers[l], *to = &copy->layers[l];
        for (size_t i = to->parameter_count; i < to->parameter_count + to->state_count; i++)
            to->parameters[i] = from->parameters[i];
    }
    return copy;
}

static double loss_of(const mb_network *network)
{
    mb_evaluation *evaluation = NULL;
    assert_int_equal(mb_evaluate(machine, network, &dataset->test, &evaluation, NULL), MB_OK);
    const double loss = evaluation->loss;
    mb_evaluation_free(evaluation);
    return loss;
}

TEST(it_is_what_is_evaluated)
{
    const mb_training_options options = options_of(MB_OPTIMIZER_ADAMW, 0.98);
    for (size_t s = 0; s < SPECS; s++) {
        mb_network *trained = train(specs[s], &options);
        mb_network *average = copy_of_average(specs[s], trained);
        const mb_epoch_stats *test = &trainer->test.epoch.stats,
                             *held = &trainer->validation.epoch.stats;
        const double seen = test->loss / TEST;
        assert_true(seen == loss_of(average));
        assert_true(seen != loss_of(trained));
        const mb_split validation = trainer->validation.source.split;
        mb_evaluation *evaluation = NULL;
        assert_int_equal(mb_evaluate(machine, average, &validation, &evaluation, NULL), MB_OK);
        assert_true(evaluation->loss == held->loss / 20);
        mb_evaluation_free(evaluation);
        mb_trainer_close(trainer);
    }
}

TEST(it_is_what_training_leaves_and_a_model_has)
{
    const mb_training_options options = options_of(MB_OPTIMIZER_SGD, 0.9);
    char *folder = mb_test_make_folder(), *path = mb_path_join(folder, "model.safetensors");
    for (size_t s = 0; s < SPECS; s++) {
        mb_network *trained = train(specs[s], &options), *loaded = NULL;
        mb_network *average = copy_of_average(specs[s], trained), *left = open_network(specs[s]);
        const size_t bytes = average->parameter_elements * sizeof(float);
        assert_memory_not_equal(trained->parameters, average->parameters, bytes);
        assert_int_equal(mb_trainer_finalize(trainer, NULL), MB_OK);
        assert_memory_equal(trained->parameters, average->parameters, bytes);
        mb_trainer_close(trainer);
        assert_int_equal(mb_train(machine, left, dataset, &options, NULL, NULL), MB_OK);
        assert_memory_equal(left->parameters, average->parameters, bytes);
        assert_int_equal(mb_model_save(left, path, NULL), MB_OK);
        assert_int_equal(mb_model_load(machine, path, &loaded, NULL), MB_OK);
        assert_memory_equal(loaded->parameters, average->parameters, bytes);
        mb_network_close(loaded);
    }
    free(path);
    mb_test_remove_folder(folder);
}

/* Running statistics have no EMA, being averages: evaluation uses those of the network. */
TEST(statistics_are_not_averaged_twice)
{
    const mb_training_options options = options_of(MB_OPTIMIZER_SGD, 0.98);
    mb_network *trained = train(specs[WITH_STATE], &options);
    const mb_layer *batchnorm = &trained->layers[1], *averaged = &trainer->evaluated->layers[1];
    assert_int_equal(batchnorm->state_count, 2 * 6 + 1);
    assert_memory_equal(batchnorm->parameters + batchnorm->parameter_count,
                        averaged->parameters + averaged->parameter_count,
                        batchnorm->state_count * sizeof(float));
    assert_memory_not_equal(batchnorm->parameters, averaged->parameters,
                            batchnorm->parameter_count * sizeof(float));
    mb_trainer_close(trainer);
}

TEST_GROUP(open_all, close_all);
