#include "support.h"
#include "test.h"
#include "train/options.h"

#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <string.h>

enum { SAMPLES = 1000 };

TEST(defaults_are_within_their_ranges)
{
    for (mb_optimizer_kind kind = MB_OPTIMIZER_SGD; kind <= MB_OPTIMIZER_ADAMW; kind++) {
        const mb_training_options options = mb_training_defaults(kind);
        assert_int_equal(options.optimizer, kind);
        assert_int_equal(options.epochs, 5);
        assert_int_equal(options.batch_size, 64);
        assert_int_equal(options.validation, 0);
        assert_int_equal(options.seed, 1);
        assert_int_equal(options.schedule, MB_SCHEDULE_ONECYCLE);
        assert_int_equal(mb_training_options_check(&options, SAMPLES, NULL), MB_OK);
    }
    assert_true(mb_training_defaults(MB_OPTIMIZER_SGD).momentum > 0.0);
    assert_true(mb_training_defaults(MB_OPTIMIZER_ADAMW).weight_decay > 0.0);
}

/* The ends of the ranges that belong to them. */
TEST(ends_of_the_ranges_are_taken)
{
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    options.epochs = 1;
    options.batch_size = 1;
    options.validation = SAMPLES - 1;
    options.lr = 1e6;
    options.momentum = options.weight_decay = options.beta1 = options.beta2 = 0.0;
    options.epsilon = 1e-300;
    options.seed = UINT64_MAX;
    assert_int_equal(mb_training_options_check(&options, SAMPLES, NULL), MB_OK);
    options.epochs = MB_MAX_EPOCHS;
    options.validation = 0;
    options.batch_size = SAMPLES;
    options.lr = 1e-300;
    options.momentum = options.beta1 = options.beta2 = nextafter(1.0, 0.0);
    options.weight_decay = 1e6;
    options.epsilon = 1e300;
    assert_int_equal(mb_training_options_check(&options, SAMPLES, NULL), MB_OK);
}

static void is_refused(const mb_training_options *options, const char *name)
{
    mb_error error = {0};
    assert_int_equal(mb_training_options_check(options, SAMPLES, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, name);
    assert_ptr_equal(strstr(error.text, name), error.text); /* what is wrong comes first */
}

TEST(counts_out_of_range_are_refused_by_name)
{
    const mb_training_options fine = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    mb_training_options options = fine;
    options.epochs = 0;
    is_refused(&options, "epochs: 0 is not in 1 to 1000000");
    options.epochs = MB_MAX_EPOCHS + 1;
    is_refused(&options, "epochs: 1000001 ");
    options = fine;
    options.batch_size = 0;
    is_refused(&options, "batch size: 0 is not in 1 to 1000, the training images");
    options.batch_size = SAMPLES + 1;
    is_refused(&options, "batch size: 1001 ");
    options.batch_size = 64;
    options.validation = SAMPLES - 63;
    is_refused(&options, "batch size: 64 is not in 1 to 63");
    options.validation = SAMPLES;
    is_refused(&options, "validation: 1000 images cannot be held out of 1000");
    options.validation = SIZE_MAX;
    is_refused(&options, "validation: 18446744073709551615 ");
}

/* Each of the numbers below for this option, one after the other. */
static void check_numbers(size_t offset, const char *name, const double *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mb_training_options options = mb_training_defaults(MB_OPTIMIZER_SGD);
        *(double *)((char *)&options + offset) = bad[i];
        is_refused(&options, name);
    }
}

TEST(numbers_out_of_range_are_refused_by_name)
{
    static const double rates[] = {0.0, -0.1, 1.1e6, INFINITY, -INFINITY, NAN};
    static const double shares[] = {-0.1, 1.0, 1.5, INFINITY, NAN};
    static const double decays[] = {-1e-9, 1.1e6, INFINITY, NAN};
    static const double epsilons[] = {0.0, -1e-8, INFINITY, NAN};
    check_numbers(offsetof(mb_training_options, lr), "learning rate: ", rates, 6);
    check_numbers(offsetof(mb_training_options, momentum), "momentum: ", shares, 5);
    check_numbers(offsetof(mb_training_options, weight_decay), "weight decay: ", decays, 4);
    check_numbers(offsetof(mb_training_options, beta1), "betas: ", shares, 5);
    check_numbers(offsetof(mb_training_options, beta2), "betas: ", shares, 5);
    check_numbers(offsetof(mb_training_options, epsilon), "epsilon: ", epsilons, 4);
}

TEST(strengths_out_of_range_are_refused_by_name)
{
    static const double degrees[] = {-1.0, 180.1, INFINITY, NAN};
    static const double shares[] = {-0.1, 0.91, NAN};
    static const double slants[] = {-0.1, 2.1, NAN};
    static const double pixels[] = {-0.1, 1000.1, INFINITY, NAN};
    static const double alphas[] = {-0.1, 10001.0, NAN};
    static const double sigmas[] = {0.0, 0.09, 100.1, NAN};
    const size_t at = offsetof(mb_training_options, augmentation);
    check_numbers(at + offsetof(mb_augmentation, rotate), "rotate: ", degrees, 4);
    check_numbers(at + offsetof(mb_augmentation, scale), "scale: ", shares, 3);
    check_numbers(at + offsetof(mb_augmentation, shear), "shear: ", slants, 3);
    check_numbers(at + offsetof(mb_augmentation, shift), "shift: ", pixels, 4);
    check_numbers(at + offsetof(mb_augmentation, elastic_alpha), "elastic alpha: ", alphas, 3);
    check_numbers(at + offsetof(mb_augmentation, elastic_sigma), "elastic sigma: ", sigmas, 4);
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    assert_int_equal(options.augmentation.kind, MB_AUGMENT_NONE);
    options.augmentation =
        (mb_augmentation){MB_AUGMENT_ELASTIC, 180.0, 0.9, 2.0, 1000.0, 1e4, 100.0, 5};
    assert_int_equal(mb_training_options_check(&options, SAMPLES, NULL), MB_OK);
    options.augmentation = (mb_augmentation){MB_AUGMENT_ELASTIC, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0};
    assert_int_equal(mb_training_options_check(&options, SAMPLES, NULL), MB_OK);
    mb_error error;
    options.augmentation.plain_epochs = options.epochs + 1;
    assert_int_equal(mb_training_options_check(&options, SAMPLES, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "plain epochs: 6 is not in 0 to 5, the epochs");
}

/* --- what mb_train itself refuses: nothing is tried, and nothing changed --- */

static uint8_t images[40 * 6], labels[40];

static mb_dataset data_of(size_t rows, size_t columns, size_t classes)
{
    for (size_t i = 0; i < 40; i++)
        labels[i] = (uint8_t)(i % classes);
    const mb_split split = {{images, 40, 1, rows, columns}, labels};
    return (mb_dataset){.folder = "made up", .classes = classes, .train = split, .test = split};
}

static mb_machine *open_machine(void)
{
    mb_machine *machine = NULL;
    const mb_machine_options options = {.threads = 1, .pin = "none"};
    assert_int_equal(mb_machine_open(&options, &machine, NULL), MB_OK);
    return machine;
}

/* Training a network for 3 classes of 2x3 pixels. */
static void training_is_refused(const mb_dataset *data, const mb_training_options *options,
                                const char *why)
{
    mb_machine *machine = open_machine();
    mb_network *network = NULL;
    mb_error error = {0};
    float bias[3] = {1, 2, 3};
    assert_int_equal(mb_network_open(machine, "dense:3", (mb_shape){1, 2, 3}, 3, &network, NULL),
                     MB_OK);
    mb_network_set_tensor(network, 1, bias);
    assert_int_equal(mb_train(machine, network, data, options, NULL, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, why);
    mb_network_get_tensor(network, 1, bias);
    assert_true(bias[0] == 1 && bias[1] == 2 && bias[2] == 3);
    mb_network_close(network);
    mb_machine_close(machine);
}

TEST(training_refuses_what_does_not_fit)
{
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    options.batch_size = 8;
    mb_dataset data = data_of(2, 3, 4);
    training_is_refused(&data, &options, "training: 4 classes of images, the network has 3");
    data = data_of(3, 2, 3);
    training_is_refused(&data, &options, "images are 3x2, the network takes 1x2x3");
    data = data_of(2, 3, 3);
    data.test.images.count = 0;
    training_is_refused(&data, &options, "there are no images");
    data = data_of(2, 3, 3);
    options.lr = NAN;
    training_is_refused(&data, &options, "learning rate: ");
    data.train.images.count = 0;
    options.lr = 0.1;
    training_is_refused(&data, &options, "validation: 0 images cannot be held out of 0");
}
