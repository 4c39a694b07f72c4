#include "data/sampler.h"
#include "test.h"
#include "train/validation.h"

#include <stdio.h>

TEST(validation_images_of_a_percentage)
{
    static const struct {
        const char *text;
        size_t samples, images;
    } cases[] = {{"70", 1000, 70}, {"10%", 60000, 6000}, {"0.5%", 1001, 5}, {"0.1%", 100, 1}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
        const mb_dataset data = {.train.images.count = cases[i].samples};
        char text[MB_OPTION_TEXT_SIZE];
        assert_int_equal(mb_option_parse(mb_training_option_table, &options, cases[i].text, NULL),
                         MB_OK);
        assert_string_equal(mb_option_format(mb_training_option_table, &options, text, sizeof text),
                            cases[i].text);
        assert_int_equal(mb_validation_count(&options, &data), cases[i].images);
    }
}

TEST(limits_that_depend_on_others)
{
    enum { SAMPLES = 1000 };
    const mb_dataset data = {.train.images.count = SAMPLES};
    static const struct {
        size_t validation, batch_size, patience, epochs, plain_epochs;
        const char *why; /* NULL: accepted */
    } cases[] = {
        {0, SAMPLES, 0, 5, 5, NULL},
        {SAMPLES - 1, 1, 1, 1, 0, NULL},
        {0, SAMPLES + 1, 0, 5, 0, "batch-size: must be 1 to 1000, the training images, got 1001"},
        {SAMPLES - 63, 64, 0, 5, 0, "batch-size: must be 1 to 63, the training images, got 64"},
        {SAMPLES, 64, 0, 5, 0, "validation: must be less than the 1000 training images, got 1000"},
        {SIZE_MAX, 64, 0, 5, 0,
         SIZE_MAX > UINT32_MAX
             ? "validation: must be 0 to 4294967295, or a percentage below 100%, got "
               "18446744073709551615"
             : "validation: must be less than the 1000 training images, got 4294967295"},
        {0, 64, 3, 5, 0, "patience: 3 needs held-out images, but validation is 0"},
        {0, 64, 0, 5, 6, "plain-epochs: must be 0 to 5, the epochs, got 6"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
        mb_error error = {0};
        options.validation = cases[i].validation;
        options.batch_size = cases[i].batch_size;
        options.patience = cases[i].patience;
        options.epochs = cases[i].epochs;
        options.augmentation.plain_epochs = cases[i].plain_epochs;
        const mb_status status = mb_training_options_check(&options, &data, &error);
        assert_int_equal(status, cases[i].why != NULL ? MB_ERROR_INVALID : MB_OK);
        if (cases[i].why != NULL)
            assert_string_equal(error.text, cases[i].why);
    }
}

TEST(a_temperature_needs_images)
{
    const mb_dataset data = {.train.images.count = 1000},
                     divided = {.train.images.count = 1000, .validation = 100};
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    mb_error error = {0};
    options.temperature = true;
    assert_int_equal(mb_training_options_check(&options, &data, &error), MB_ERROR_INVALID);
    assert_string_equal(error.text, "temperature: needs held-out images, but validation is 0");
    assert_int_equal(mb_training_options_check(&options, &divided, NULL), MB_OK);
    options.validation_percent = 10.0;
    assert_int_equal(mb_training_options_check(&options, &data, NULL), MB_OK);
}

TEST(validation_split_of_the_data)
{
    static const char why[] =
        "validation: the data have a validation split of 100 images: must be 0 or 100, got ";
    const mb_dataset divided = {.train.images.count = 1000, .validation = 100};
    static const struct {
        const char *validation, *got; /* NULL: accepted */
    } cases[] = {{"0", NULL}, {"100", NULL}, {"10%", NULL}, {"99", "99"}, {"20%", "200"}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
        mb_error error = {0};
        char whole[200];
        options.patience = 3;
        assert_int_equal(
            mb_option_parse(mb_training_option_table, &options, cases[i].validation, NULL), MB_OK);
        assert_int_equal(mb_validation_count(&options, &divided), 100);
        const mb_status status = mb_training_options_check(&options, &divided, &error);
        assert_int_equal(status, cases[i].got != NULL ? MB_ERROR_INVALID : MB_OK);
        snprintf(whole, sizeof whole, "%s%s", why, cases[i].got != NULL ? cases[i].got : "");
        assert_string_equal(error.text, cases[i].got != NULL ? whole : "");
    }
    const mb_dataset all = {.train.images.count = 100, .validation = 100};
    const mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    assert_int_equal(mb_training_options_check(&options, &all, NULL), MB_ERROR_INVALID);
}

TEST(order_of_training_and_validation_images)
{
    uint8_t labels[20];
    for (size_t i = 0; i < 20; i++)
        labels[i] = i % 2;
    mb_dataset data = {.train = {.images.count = 20, .labels = labels}};
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    uint32_t order[20], sample[20];
    options.validation = 6;
    mb_validation_order(&options, &data, order);
    mb_sampler_hold_out(options.seed, MB_RNG_VALIDATION, labels, 20, 6, sample);
    assert_memory_equal(order, sample, sizeof order);
    data.validation = 6;
    mb_validation_order(&options, &data, order);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(order[i], i);
}
