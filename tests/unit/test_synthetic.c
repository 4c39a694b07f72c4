#include "machine/machine.h"
#include "support.h"
#include "synthetic/digits.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/evaluation.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = MB_SYNTHETIC_SIDE, PIXELS = MB_SYNTHETIC_PIXELS, FEW = 1000 };

#define HASH_START 0xcbf29ce484222325u

/* The data set of seed 1, for tests that only read it. */
static mb_dataset *whole;

static int make_whole(void **state)
{
    (void)state;
    mb_machine *machine = mb_test_machine(2);
    const mb_status status = mb_dataset_synthesize(machine, 1, &whole, NULL);
    mb_machine_close(machine); /* the dataset does not depend on it */
    return status == MB_OK ? 0 : -1;
}

static int close_whole(void **state)
{
    (void)state;
    mb_dataset_close(whole);
    return 0;
}

typedef struct digits {
    uint8_t images[FEW * PIXELS], labels[FEW];
} digits;

static digits *make_few(size_t threads, uint64_t seed)
{
    digits *made = mb_test_alloc(1, sizeof *made);
    memset(made, 0xa5, sizeof *made);
    mb_machine *machine = mb_test_machine(threads);
    mb_synthetic_digits(mb_machine_team(machine), seed, FEW, made->images, made->labels);
    mb_machine_close(machine);
    return made;
}

TEST(bytes_are_the_same_at_any_thread_count)
{
    digits *once = make_few(1, 5);
    static const size_t counts[] = {1, 2, 3, 7};
    for (size_t i = 0; i < TEST_COUNT(counts); i++)
        assert_memory_equal(once, make_few(counts[i], 5), sizeof *once);
}

TEST(another_seed_gives_others)
{
    digits *one = make_few(1, 5), *other = make_few(1, 6);
    size_t same_labels = 0;
    for (size_t i = 0; i < FEW; i++) {
        assert_memory_not_equal(one->images + i * PIXELS, other->images + i * PIXELS, PIXELS);
        same_labels += one->labels[i] == other->labels[i];
    }
    assert_in_range(same_labels, FEW / 20, FEW / 5); /* expected: one in ten */
}

TEST(an_image_depends_on_no_other)
{
    static const size_t indices[] = {69999, 0, 60000, 12345, 59999, 0};
    for (size_t i = 0; i < sizeof indices / sizeof indices[0]; i++) {
        uint8_t pixels[PIXELS];
        memset(pixels, 0xa5, sizeof pixels);
        const uint8_t label = mb_synthetic_digit(1, indices[i], pixels);
        const bool test = indices[i] >= MB_SYNTHETIC_TRAIN;
        const mb_split *split = test ? &whole->test : &whole->train;
        const size_t item = indices[i] - (test ? MB_SYNTHETIC_TRAIN : 0);
        assert_int_equal(label, split->labels[item]);
        assert_memory_equal(pixels, split->images.pixels + item * PIXELS, PIXELS);
    }
}

/* Binomial with p = 0.1: five standard deviations are 367 of 60,000 and 150 of 10,000. */
static void check_classes(const mb_split *split, size_t deviation)
{
    size_t counts[256] = {0};
    for (size_t i = 0; i < split->images.count; i++)
        counts[split->labels[i]]++;
    for (size_t digit = 0; digit < 10; digit++)
        assert_in_range(counts[digit], split->images.count / 10 - deviation,
                        split->images.count / 10 + deviation);
    for (size_t label = 10; label < 256; label++)
        assert_int_equal(counts[label], 0);
}

TEST(a_data_set_as_large_as_mnist)
{
    assert_null(whole->folder);
    assert_int_equal(whole->train.images.rows, SIDE);
    assert_int_equal(whole->train.images.columns, SIDE);
    assert_int_equal(whole->classes, 10);
    assert_int_equal(whole->train.images.count, 60000);
    assert_int_equal(whole->test.images.count, 10000);
    check_classes(&whole->train, 367);
    check_classes(&whole->test, 150);
}

/* Consecutive labels are independent: each of 100 pairs occurs 600 times in 60,000; five standard
 * deviations are 122. */
TEST(labels_are_in_random_order)
{
    size_t pairs[100] = {0};
    for (size_t i = 1; i < whole->train.images.count; i++)
        pairs[whole->train.labels[i - 1] * 10 + whole->train.labels[i]]++;
    for (size_t pair = 0; pair < 100; pair++)
        assert_in_range(pairs[pair], 600 - 122, 600 + 122);
}

/* Measurements of an image. */
typedef struct look {
    size_t inked;         /* pixels that are not 0 */
    size_t full;          /* ... that are 250 or more */
    double mass, x, y;    /* sum of the grays / 255, and its centre */
    size_t width, height; /* of the bounding box */
    double edge;          /* length of the outline: the sum of the gradient */
} look;

static look look_at(const uint8_t *pixels)
{
    look seen = {0};
    size_t left = SIDE, right = 0, top = SIDE, bottom = 0;
    for (size_t y = 0; y < SIDE; y++)
        for (size_t x = 0; x < SIDE; x++) {
            const double gray = pixels[y * SIDE + x] / 255.0;
            if (x + 1 < SIDE && y + 1 < SIDE)
                seen.edge += hypot(pixels[y * SIDE + x + 1] / 255.0 - gray,
                                   pixels[(y + 1) * SIDE + x] / 255.0 - gray);
            if (gray == 0.0)
                continue;
            seen.inked++;
            seen.full += pixels[y * SIDE + x] >= 250;
            seen.mass += gray;
            seen.x += gray * (double)x;
            seen.y += gray * (double)y;
            left = x < left ? x : left;
            right = x >= right ? x + 1 : right;
            top = y < top ? y : top;
            bottom = y >= bottom ? y + 1 : bottom;
        }
    assert_true(seen.inked > 0);
    seen.x /= seen.mass;
    seen.y /= seen.mass;
    seen.width = right - left;
    seen.height = bottom - top;
    return seen;
}

/* MNIST's own preparation: 20 pixels in the longer direction, the centre of mass in the middle to
 * half a pixel. Blank margins of the square come where soft ends of strokes round to 0. */
TEST(every_image_is_prepared_as_mnist)
{
    for (size_t i = 0; i < whole->train.images.count; i++) {
        const look seen = look_at(whole->train.images.pixels + i * PIXELS);
        const size_t longer = seen.width > seen.height ? seen.width : seen.height;
        assert_in_range(longer, 18, 20);
        assert_true(fabs(seen.x - 14.0) <= 0.51);
        assert_true(fabs(seen.y - 14.0) <= 0.51);
        assert_true(seen.full > 0);
        assert_in_range(seen.inked, 20, 380);
    }
}

/* MNIST's training images have ink in 0.191 of their pixels, which is 250 or more in 0.386 of
 * those, and their lines are 2.47 wide on average (twice the mass by the length of its outline). */
TEST(statistics_are_those_of_mnist)
{
    const mb_split *split = &whole->test;
    double inked = 0.0, full = 0.0, width = 0.0;
    for (size_t i = 0; i < split->images.count; i++) {
        const look seen = look_at(split->images.pixels + i * PIXELS);
        inked += (double)seen.inked;
        full += (double)seen.full;
        width += 2.0 * seen.mass / seen.edge;
    }
    assert_true(fabs(inked / (double)(split->images.count * PIXELS) - 0.191) < 0.01);
    assert_true(fabs(full / inked - 0.386) < 0.03);
    assert_true(fabs(width / (double)split->images.count - 2.47) < 0.12);
}

/* In MNIST's training images the lines of digits of at most 12 pixels in width, except 1, are on
 * average 0.85 as wide as those of others: bolder ones would fill the bows. */
TEST(narrow_digits_have_thinner_lines)
{
    const mb_split *split = &whole->test;
    double widths[2] = {0.0, 0.0};
    size_t counts[2] = {0, 0};
    for (size_t i = 0; i < split->images.count; i++) {
        const look seen = look_at(split->images.pixels + i * PIXELS);
        const bool narrow = seen.width <= 12;
        if (split->labels[i] == 1)
            continue;
        widths[narrow] += 2.0 * seen.mass / seen.edge;
        counts[narrow]++;
    }
    assert_true(counts[0] > 0 && counts[1] > 0);
    const double ratio =
        widths[true] / (double)counts[true] / (widths[false] / (double)counts[false]);
    assert_true(fabs(ratio - 0.85) < 0.04);
}

/* FNV-1a. */
static uint64_t hash(uint64_t value, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        value = (value ^ bytes[i]) * 0x100000001b3u;
    return value;
}

/* A seed gives the same digits in every version, so that models stay reproducible. */
TEST(bytes_of_a_seed)
{
    const mb_split *split = &whole->train;
    uint64_t value = hash(HASH_START, split->images.pixels, split->images.count * PIXELS);
    value = hash(value, split->labels, split->images.count);
    assert_true(value == 0xcdf8fed428beb769u);
}

TEST(no_image_comes_twice)
{
    const size_t count = whole->train.images.count + whole->test.images.count;
    uint64_t *hashes = mb_test_alloc(count, sizeof *hashes);
    for (size_t i = 0; i < count; i++)
        hashes[i] = i < whole->train.images.count
                        ? hash(HASH_START, whole->train.images.pixels + i * PIXELS, PIXELS)
                        : hash(HASH_START,
                               whole->test.images.pixels + (i - whole->train.images.count) * PIXELS,
                               PIXELS);
    mb_test_all_differ(hashes, count);
}

/* The accuracy on `split` of a network trained with default options on synthetic digits. */
static double accuracy_on(const mb_split *split)
{
    mb_machine *machine = mb_test_machine(2);
    mb_network *network = NULL;
    mb_evaluation *evaluation = NULL;
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    options.seed = 1;
    assert_int_equal(mb_network_open(machine, "mlp", (mb_shape){1, SIDE, SIDE}, 10, &network, NULL),
                     MB_OK);
    mb_network_initialise(network, options.seed);
    assert_int_equal(mb_train(machine, network, whole, &options, NULL, NULL), MB_OK);
    assert_int_equal(mb_evaluate(machine, network, split, &evaluation, NULL), MB_OK);
    const double accuracy = evaluation->accuracy;
    mb_evaluation_free(evaluation);
    mb_network_close(network);
    mb_machine_close(machine);
    return accuracy;
}

/* Uses MNIST's training images: its test images must not influence choices, tests included. */
TEST(real_digits_after_training_on_synthetic_ones)
{
    mb_dataset *real = NULL;
    assert_int_equal(mb_dataset_open(mb_test_real_mnist(), MB_SPLIT_TRAIN, NULL, &real, NULL), MB_OK);
    assert_true(accuracy_on(&real->train) > 0.972);
    mb_dataset_close(real);
}

TEST(null_arguments_are_refused)
{
    mb_machine *machine = mb_test_machine(1);
    mb_dataset *dataset = NULL;
    mb_error error;
    assert_int_equal(mb_dataset_synthesize(NULL, 1, &dataset, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "must not be NULL");
    assert_int_equal(mb_dataset_synthesize(machine, 1, NULL, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "must not be NULL");
    assert_null(dataset);
    mb_machine_close(machine);
}

TEST_GROUP(make_whole, close_whole);
