#include "support.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 1000, MAX_VALUES = 8 };

static const mb_dataset training_set = {.train.images.count = SAMPLES};

/* Expected rules of the options, and values on both sides of their limits. */
static const struct expectation {
    const char *name, *range;
    const char *good[MAX_VALUES], *bad[MAX_VALUES];
} expectations[] = {
    {"validation",
     "0 to 4294967295, or a percentage below 100%",
     {"0", "4294967295", "10%", "0.5%", "-0%"},
     {"4294967296", "-1", "100%", "-1%", "%"}},
    {"patience", "0 to 1000000", {"0", "1000000"}, {"1000001"}},
    {"epochs",
     "1 to 1000000",
     {"1", "1000000"},
     {"0", "1000001", "-1", "1e3", "0x5", "2.5", "99999999999999999999"}},
    {"batch-size", "1 to 4294967295", {"1", "4294967295"}, {"0", "4294967296"}},
    {"optimizer", "sgd, adam", {"sgd", "adam", "adamw"}, {"rmsprop", "SGD", "adam,"}},
    {"lr", "above 0 and at most 1e+06", {"1e-300", "1e6"}, {"0", "-0.1", "1.1e6"}},
    {"label-smoothing", "at least 0 and below 1", {"0", "0.999"}, {"-0.1", "1", "1.5"}},
    {"class-weights", "off or balanced", {"off", "balanced"}, {"on", "inverse"}},
    {"ema", "at least 0 and below 1", {"0", "0.9999"}, {"-1e-9", "1"}},
    {"schedule", "constant, cosine", {"constant", "cosine"}, {"linear", "0"}},
    {"weight-decay", "0 to 1e+06", {"0", "-0", "1e6"}, {"-1e-9", "1.1e6"}},
    {"seed",
     "0 to 9223372036854775807",
     {"0", "9223372036854775807"},
     {"9223372036854775808", "-1"}},
    {"augment", "off, shift", {"off", "shift", "elastic"}, {"mixup", "on"}},
    {"rotate", "0 to 180", {"0", "180"}, {"-1", "180.1"}},
    {"scale", "0 to 0.9", {"0", "0.9"}, {"-0.1", "0.91"}},
    {"shear", "0 to 2", {"0", "2"}, {"-0.1", "2.1"}},
    {"shift", "0 to 1000", {"0", "1000"}, {"-0.1", "1000.1"}},
    {"elastic-alpha", "0 to 10000", {"0", "1e4"}, {"-0.1", "10001"}},
    {"elastic-sigma", "0.1 to 100", {"0.1", "100"}, {"0", "0.09", "100.1"}},
    {"padding-mode", "auto, constant", {"auto", "constant", "reflect"}, {"zeros", "edge"}},
    {"flip", "on or off", {"on", "off"}, {"yes", "left"}},
    {"cutout", "0 to 1000", {"0", "1000"}, {"-1", "1001", "0.5"}},
    {"plain-epochs", "0 to 1000000", {"0", "1000000"}, {"1000001"}},
    {"momentum", "at least 0 and below 1", {"0", "0.99999"}, {"-0.1", "1"}},
    {"nesterov", "on or off", {"on", "off"}, {"yes", "ON", "1"}},
    {"beta1", "at least 0 and below 1", {"0", "0.5"}, {"-0.1", "1"}},
    {"beta2", "at least 0 and below 1", {"0", "0.5"}, {"-0.1", "1"}},
    {"epsilon", "above 0", {"1e-300", "1e300"}, {"0", "-1e-8"}},
};

static mb_optimizer_kind optimizer_at(unsigned i) { return (mb_optimizer_kind)i; }

/* Each member has an entry, or checkpoints would lose it; gaps below 8 bytes are padding. */
TEST(every_member_has_an_entry)
{
    unsigned char ones[sizeof(mb_training_options)], covered[sizeof ones] = {0};
    size_t gap = 0;
    memset(ones, 0xff, sizeof ones);
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++)
        mb_option_copy(option, ones, covered);
    for (size_t byte = 0; byte < sizeof covered; byte++) {
        gap = covered[byte] ? 0 : gap + 1;
        assert_in_range(gap, 0, 7);
    }
}

TEST(defaults_are_within_their_ranges)
{
    for (unsigned i = 0; i < mb_optimizer_names.count; i++) {
        const mb_training_options options = mb_training_defaults(optimizer_at(i));
        assert_int_equal(options.optimizer, i);
        assert_int_equal(options.epochs, 5);
        assert_int_equal(options.batch_size, 64);
        assert_int_equal(mb_validation_count(&options, &training_set), 0);
        assert_int_equal(options.seed, 1);
        assert_int_equal(options.schedule, MB_SCHEDULE_ONECYCLE);
        assert_int_equal(options.augmentation.kind, MB_AUGMENT_NONE);
        assert_int_equal(mb_training_options_check(&options, &training_set, NULL), MB_OK);
    }
    assert_true(mb_training_defaults(MB_OPTIMIZER_SGD).momentum > 0.0);
    assert_true(mb_training_defaults(MB_OPTIMIZER_ADAMW).weight_decay > 0.0);
    assert_string_equal(mb_optimizer_name(MB_OPTIMIZER_ADAMW), "adamw");
    assert_string_equal(mb_schedule_name(MB_SCHEDULE_ONECYCLE), "onecycle");
    assert_string_equal(mb_augmentation_name(MB_AUGMENT_ELASTIC), "elastic");
}

/* The message starts with "NAME: must be RANGE" and contains the value. */
static void check_refusal(const char *name, const char *range, const mb_error *error)
{
    char text[256];
    snprintf(text, sizeof text, "%s: must be %s", name, range);
    assert_int_equal(error->status, MB_ERROR_INVALID);
    assert_memory_equal(error->text, text, strlen(text));
    assert_non_null(strstr(error->text, ", got "));
}

static const mb_option *option_named(const char *name)
{
    const mb_option *option = mb_training_option_table;
    while (option->name != NULL && strcmp(option->name, name) != 0)
        option++;
    assert_non_null(option->name);
    return option;
}

/* A copy of the entry without limits. */
static mb_option unlimited(const mb_option *option)
{
    mb_option loose = *option;
    loose.min = -DBL_MAX;
    loose.max = DBL_MAX;
    loose.min_size = 0;
    loose.max_size = UINT64_MAX;
    loose.min_excluded = loose.max_excluded = false;
    return loose;
}

/* Refused as text; and, if text is read without limits, by the check of all options. */
static void check_bad_value(const mb_option *option, const char *range, const char *text)
{
    const mb_option loose = unlimited(option);
    const mb_training_options before = mb_training_defaults(MB_OPTIMIZER_SGD);
    mb_training_options options = before;
    mb_error error = {0};
    assert_int_equal(mb_option_parse(option, &options, text, &error), MB_ERROR_INVALID);
    check_refusal(option->name, range, &error);
    assert_memory_equal(&options, &before, sizeof options);
    if (mb_option_parse(&loose, &options, text, NULL) != MB_OK)
        return;
    memset(&error, 0, sizeof error);
    assert_int_equal(mb_training_options_check(&options, &training_set, &error), MB_ERROR_INVALID);
    check_refusal(option->name, range, &error);
}

/* Values that no text gives. */
static void check_bad_reals(const mb_option *option)
{
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < TEST_COUNT(values); i++) {
        mb_training_options options = mb_training_defaults(MB_OPTIMIZER_SGD);
        mb_error error = {0};
        memcpy((char *)&options + option->offset, &values[i], sizeof *values);
        assert_int_equal(mb_training_options_check(&options, &training_set, &error),
                         MB_ERROR_INVALID);
        check_refusal(option->name, "", &error);
    }
}

TEST(limits_are_taken_and_what_is_beyond_is_refused)
{
    for (size_t i = 0; i < TEST_COUNT(expectations); i++) {
        const struct expectation *expected = &expectations[i];
        const mb_option *option = option_named(expected->name);
        for (size_t v = 0; v < MAX_VALUES && expected->good[v] != NULL; v++) {
            mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAM);
            assert_int_equal(mb_option_parse(option, &options, expected->good[v], NULL), MB_OK);
            assert_int_equal(mb_option_check(option, &options, NULL), MB_OK);
            mb_training_options again = options;
            char text[MB_OPTION_TEXT_SIZE];
            mb_option_format(option, &options, text, sizeof text);
            assert_int_equal(mb_option_parse(option, &again, text, NULL), MB_OK);
            assert_memory_equal(&again, &options, sizeof options);
        }
        for (size_t v = 0; v < MAX_VALUES && expected->bad[v] != NULL; v++)
            check_bad_value(option, expected->range, expected->bad[v]);
    }
}

/* Every entry, also those without an expected rule above. */
TEST(nonsense_is_refused)
{
    static const char *const texts[] = {"",    "x",   "1x",    " 1", "0.1x",
                                        "nan", "inf", "1e999", "-",  "99999999999999999999x"};
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
        for (size_t t = 0; t < TEST_COUNT(texts); t++)
            check_bad_value(option, "", texts[t]);
        if (option->kind == MB_OPTION_REAL)
            check_bad_reals(option);
    }
}

TEST(values_read_back)
{
    static const double values[] = {0.1, 1.0 / 3, 1e-8, 8e-3, 1e-300, 0.99};
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW), copy;
    memset(&copy, 0, sizeof copy);
    for (size_t n = 0; n < sizeof values / sizeof *values; n++) {
        options.lr = options.beta1 = options.weight_decay = values[n];
        options.seed = INT64_MAX - n;
        options.nesterov = n % 2 == 0;
        for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
            char text[MB_OPTION_TEXT_SIZE];
            mb_option_format(option, &options, text, sizeof text);
            assert_int_equal(mb_option_parse(option, &copy, text, NULL), MB_OK);
        }
        assert_true(copy.lr == options.lr && copy.seed == options.seed);
        assert_true(copy.beta1 == options.beta1 && copy.nesterov == options.nesterov);
        assert_int_equal(mb_training_options_compare("", &options, &copy, NULL), MB_OK);
    }
}

TEST(names_in_reports)
{
    static const struct {
        const char *name, *key, *label;
    } cases[] = {{"batch-size", "batch_size", "Batch size"},
                 {"lr", "lr", "Learning rate"},
                 {"elastic-alpha", "elastic_alpha", "Elastic alpha"},
                 {"rotate", "rotate", "Rotation, degrees"}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const mb_option *option = option_named(cases[i].name);
        char text[MB_OPTION_TEXT_SIZE];
        assert_string_equal(mb_option_key(option, text), cases[i].key);
        assert_string_equal(mb_option_label(option, text), cases[i].label);
    }
}

/* ---- options that a resumed run may change ---- */

/* Sets the option to another valid value; false if there is none. */
static bool change(mb_training_options *options, const mb_option *option)
{
    static const char *const texts[] = {"7",      "0.03125", "on",      "sgd",
                                        "cosine", "affine",  "reflect", "balanced"};
    char before[MB_OPTION_TEXT_SIZE], after[MB_OPTION_TEXT_SIZE];
    mb_option_format(option, options, before, sizeof before);
    for (size_t i = 0; i < TEST_COUNT(texts); i++)
        if (mb_option_parse(option, options, texts[i], NULL) == MB_OK) {
            mb_option_format(option, options, after, sizeof after);
            assert_string_equal(after, texts[i]);
            if (strcmp(before, after) != 0)
                return true;
        }
    return false;
}

TEST(options_apply_where_they_have_an_effect)
{
    static const struct {
        const char *name;
        bool sgd, adam, adamw, shift, affine, elastic;
    } cases[] = {
        {"momentum", true, false, false, false, false, false},
        {"nesterov", true, false, false, false, false, false},
        {"beta1", false, true, true, false, false, false},
        {"beta2", false, true, true, false, false, false},
        {"epsilon", false, true, true, false, false, false},
        {"rotate", false, false, false, false, true, true},
        {"scale", false, false, false, false, true, true},
        {"shear", false, false, false, false, true, true},
        {"shift", false, false, false, true, true, true},
        {"plain-epochs", false, false, false, true, true, true},
        {"padding-mode", false, false, false, true, true, true},
        {"flip", false, false, false, true, true, true},
        {"cutout", false, false, false, true, true, true},
        {"elastic-alpha", false, false, false, false, false, true},
        {"elastic-sigma", false, false, false, false, false, true},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const mb_option *option = option_named(cases[i].name);
        const bool optimizers[] = {cases[i].sgd, cases[i].adam, cases[i].adamw},
                   augmentations[] = {false, cases[i].shift, cases[i].affine, cases[i].elastic};
        for (unsigned o = 0; o < 3; o++)
            for (unsigned a = 0; a < TEST_COUNT(augmentations); a++) {
                mb_training_options options = mb_training_defaults(optimizer_at(o));
                options.augmentation.kind = (mb_augmentation_kind)a;
                assert_int_equal(mb_option_applies(option, &options),
                                 optimizers[o] || augmentations[a]);
            }
    }
    const mb_training_options plain = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    assert_true(mb_option_applies(option_named("weight-decay"), &plain));
}

TEST(the_first_difference_is_named)
{
    for (unsigned k = 0; k < mb_optimizer_names.count; k++)
        for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
            mb_training_options held = mb_training_defaults(optimizer_at(k));
            held.augmentation.kind = k == 1 ? MB_AUGMENT_ELASTIC : MB_AUGMENT_NONE;
            mb_training_options asked = held;
            mb_error error = {0};
            char part[100];
            if (!change(&asked, option)) {
                assert_string_equal(option->name, "optimizer"); /* is sgd already */
                continue;
            }
            const bool same =
                !mb_option_applies(option, &held) || strcmp(option->name, "epochs") == 0;
            assert_int_equal(
                mb_training_options_compare("the file", &held, &asked, &error) == MB_OK, same);
            if (same)
                continue;
            snprintf(part, sizeof part, "--%s ", option->name);
            mb_test_check_error(&error, MB_ERROR_INVALID, part);
            mb_test_check_error(&error, MB_ERROR_INVALID,
                                " conflicts with the file, which was trained with ");
        }
}

TEST(fewer_epochs_are_a_difference)
{
    const mb_training_options held = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    mb_training_options asked = held;
    mb_error error = {0};
    asked.epochs--;
    assert_int_equal(mb_training_options_compare("f", &held, &asked, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID,
                        "--epochs 4 conflicts with f, which was trained with 5");
}

/* ---- options that mb_train refuses without a change ---- */

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
    training_is_refused(&data, &options, "images are 1x3x2, the network takes 1x2x3");
    data = data_of(2, 3, 3);
    data.test.images.count = 0;
    training_is_refused(&data, &options, "there are no images");
    data = data_of(2, 3, 3);
    options.lr = NAN;
    training_is_refused(&data, &options, "lr: must be above 0");
    data.train.images.count = 0;
    options.lr = 0.1;
    training_is_refused(&data, &options, "validation: must be less than the 0 training images");
}
