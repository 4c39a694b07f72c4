#include "support.h"
#include "test.h"
#include "train/option_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* An option that differs from the default in whichever way its text has. */
static void change(mb_training_options *options, size_t number)
{
    static const char *const texts[] = {"7", "0.03125", "on", "sgd", "cosine", "affine"};
    char before[MB_OPTION_TEXT_SIZE], after[MB_OPTION_TEXT_SIZE];
    mb_option_format(options, number, before);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (mb_option_parse(options, number, texts[i])) {
            mb_option_format(options, number, after);
            assert_string_equal(after, texts[i]);
            if (strcmp(before, after) != 0)
                return;
        }
    fail_msg("--%s cannot be changed from %s", mb_option_name(number), before);
}

/* A new member of mb_training_options that nobody names would be lost in every checkpoint. Padding
 * is shorter than the members that it aligns. */
TEST(every_option_has_a_name)
{
    bool covered[sizeof(mb_training_options)] = {0};
    size_t gap = 0;
    for (size_t i = 0; i < mb_option_count(); i++) {
        size_t size;
        const size_t place = mb_option_offset(i, &size);
        for (size_t byte = 0; byte < size; byte++)
            covered[place + byte] = true;
    }
    for (size_t byte = 0; byte < sizeof covered; byte++) {
        gap = covered[byte] ? 0 : gap + 1;
        assert_in_range(gap, 0, 7);
    }
}

TEST(values_read_back)
{
    static const double numbers[] = {0.1, 1.0 / 3, 1e-8, 8e-3, 6.02214076e23, 1e-300, 0.0, 1.0};
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW), copy;
    memset(&copy, 0, sizeof copy);
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        options.lr = numbers[n];
        options.seed = UINT64_MAX - n;
        options.nesterov = n % 2 == 0;
        for (size_t i = 0; i < mb_option_count(); i++) {
            char text[MB_OPTION_TEXT_SIZE];
            mb_option_format(&options, i, text);
            assert_true(mb_option_parse(&copy, i, text));
        }
        assert_true(copy.lr == options.lr && copy.seed == options.seed);
        assert_int_equal(mb_training_options_compare("", &options, &copy, NULL), MB_OK);
    }
}

TEST(nonsense_is_not_read)
{
    static const char *const texts[] = {
        "", "-1", "x", "1x", " 1", "nan", "inf", "1e999", "ON", "99999999999999999999999", "adam,"};
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAM);
    char before[MB_OPTION_TEXT_SIZE], after[MB_OPTION_TEXT_SIZE];
    for (size_t i = 0; i < mb_option_count(); i++)
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
            mb_option_format(&options, i, before);
            if (!mb_option_parse(&options, i, texts[t])) {
                mb_option_format(&options, i, after);
                assert_string_equal(before, after);
            } else
                assert_non_null(strchr("-9", texts[t][0])); /* numbers, but not for a count */
        }
}

TEST(the_first_difference_is_named)
{
    for (mb_optimizer_kind kind = MB_OPTIMIZER_SGD; kind <= MB_OPTIMIZER_ADAMW; kind++)
        for (size_t i = 0; i < mb_option_count(); i++) {
            mb_training_options held = mb_training_defaults(kind);
            held.augmentation.kind =
                kind == MB_OPTIMIZER_ADAM ? MB_AUGMENT_ELASTIC : MB_AUGMENT_NONE;
            mb_training_options asked = held;
            mb_error error = {0};
            char part[100];
            const char *name = mb_option_name(i);
            const bool of_sgd = strcmp(name, "momentum") == 0 || strcmp(name, "nesterov") == 0;
            const bool of_adam = strncmp(name, "beta", 4) == 0 || strcmp(name, "epsilon") == 0;
            if (strcmp(name, "optimizer") == 0 && kind == MB_OPTIMIZER_SGD)
                continue;
            change(&asked, i);
            const bool of_images = strncmp(name, "elastic", 7) == 0 ||
                                   strcmp(name, "rotate") == 0 || strcmp(name, "scale") == 0 ||
                                   strcmp(name, "shear") == 0 || strcmp(name, "shift") == 0 ||
                                   strcmp(name, "plain-epochs") == 0;
            const bool same = (of_images && held.augmentation.kind == MB_AUGMENT_NONE) ||
                              (of_sgd && kind != MB_OPTIMIZER_SGD) ||
                              (of_adam && kind == MB_OPTIMIZER_SGD) ||
                              (strcmp(name, "epochs") == 0 && asked.epochs > held.epochs);
            assert_int_equal(
                mb_training_options_compare("the file", &held, &asked, &error) == MB_OK, same);
            if (same)
                continue;
            snprintf(part, sizeof part, "--%s: ", name);
            mb_test_check_error(&error, MB_ERROR_INVALID, part);
            mb_test_check_error(&error, MB_ERROR_INVALID,
                                " would give another result: the run in the file has ");
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
                        "--epochs: 4 would give another result: the run in f has 5");
}
