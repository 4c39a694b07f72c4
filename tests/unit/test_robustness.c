#include "data/distort.h"
#include "support.h"
#include "test.h"
#include "training.h"

#include "random.h"

#include <math.h>
#include <mnist_blas/evaluation.h>
#include <mnist_blas/robustness.h>
#include <string.h>

/* More images than two of the evaluator's batches, not a multiple. */
enum { IMAGES = 570, CLASSES = 5, MAX_PIXELS = 3 * 9 * 8 };

static uint8_t pixels[IMAGES * MAX_PIXELS], labels[IMAGES];

/* Images of random strokes on black, or dense ones, with the classes that a network predicts. */
static mb_split make_split(mb_machine *machine, const mb_network *network, bool dense)
{
    static float logits[IMAGES * CLASSES];
    const mb_split split = mb_test_split(network, pixels, labels, IMAGES);
    for (size_t i = 0; i < IMAGES * mb_images_stride(&split.images); i++)
        pixels[i] =
            dense || mb_rng_below(mb_test_rng(), 3) == 0 ? (uint8_t)mb_test_random_size(1, 255) : 0;
    mb_test_logits(machine, network, &split.images, logits);
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t c = labels[i] = 0; c < CLASSES; c++)
            if (logits[i * CLASSES + c] > logits[i * CLASSES + labels[i]])
                labels[i] = (uint8_t)c;
    return split;
}

static mb_robustness measure(mb_machine *machine, const mb_network *network, const mb_split *split,
                             const mb_robustness_options *options)
{
    mb_robustness robustness;
    mb_error error = {0};
    if (mb_evaluate_robustness(machine, network, split, options, &robustness, &error) != MB_OK)
        fail_msg("%s", error.text);
    return robustness;
}

static size_t count_correct(mb_machine *machine, const mb_network *network, const mb_split *split)
{
    mb_evaluation *evaluation = NULL;
    assert_int_equal(mb_evaluate(machine, network, split, &evaluation, NULL), MB_OK);
    const size_t correct = evaluation->correct;
    mb_evaluation_free(evaluation);
    return correct;
}

/* The split, distorted as a whole. */
static mb_split distort(const mb_split *split, mb_distortion distortion)
{
    const size_t stride = mb_images_stride(&split->images);
    uint8_t *distorted = mb_test_alloc(IMAGES, stride);
    mb_split changed = *split;
    mb_arena arena = {0};
    mb_sample_source source;
    mb_augmenter augmenter;
    assert_int_equal(mb_sample_source_open(split, NULL, false, &arena, &source, NULL), MB_OK);
    assert_int_equal(mb_distorter_open(&distortion, &source, &arena, &augmenter, NULL), MB_OK);
    void *scratch = mb_arena_alloc(&arena, augmenter.scratch, 1);
    for (size_t i = 0; i < IMAGES; i++)
        mb_augment_image(&augmenter, mb_kernels_best(), i, 0, scratch, distorted + i * stride);
    mb_arena_free(&arena);
    changed.images.pixels = distorted;
    return changed;
}

static void check_curves(mb_shape shape, bool dense)
{
    static const mb_robustness_options options = {.max = {3.0, 70.0, 0.6}, .seed = 9};
    mb_machine *machine = mb_test_machine(2);
    const mb_network *network = mb_test_network(machine, "dense:20,relu,dense:5", shape, CLASSES);
    const mb_split split = make_split(machine, network, dense);
    const mb_robustness robustness = measure(machine, network, &split, &options);
    assert_int_equal(robustness.samples, IMAGES);
    assert_int_equal(robustness.count, MB_DISTORTIONS);
    for (size_t kind = 0; kind < MB_DISTORTIONS; kind++) {
        const mb_robustness_curve *curve = &robustness.curves[kind];
        assert_int_equal(curve->kind, kind);
        for (size_t i = 0; i < MB_ROBUSTNESS_POINTS; i++) {
            const double strength = options.max[kind] * (double)i / 5.0;
            const mb_split distorted =
                distort(&split, (mb_distortion){(mb_distortion_kind)kind, strength, options.seed});
            assert_true(curve->strength[i] == strength);
            assert_int_equal(curve->correct[i], count_correct(machine, network, &distorted));
            assert_true(curve->accuracy[i] == (double)curve->correct[i] / IMAGES);
        }
        assert_int_equal(curve->correct[0], IMAGES);
        assert_in_range(curve->correct[MB_ROBUSTNESS_POINTS - 1], 1, IMAGES * 9 / 10);
    }
    mb_machine_close(machine);
}

TEST(accuracies_are_those_of_distorted_images)
{
    check_curves((mb_shape){1, 9, 8}, false);
    check_curves((mb_shape){1, 9, 8}, true);
    check_curves((mb_shape){3, 8, 9}, true);
}

TEST(threads_do_not_change_them)
{
    static const mb_robustness_options options = {.max = {3.0, 70.0, 0.6}};
    mb_robustness one;
    for (size_t threads = 1; threads <= 3; threads++) {
        mb_machine *machine = mb_test_machine(threads);
        const mb_network *network = mb_test_network(machine, "conv2d:4x3,relu,flatten,dense:5",
                                                    (mb_shape){1, 9, 8}, CLASSES);
        if (threads == 1)
            make_split(machine, network, false);
        const mb_split split = mb_test_split(network, pixels, labels, IMAGES);
        const mb_robustness robustness = measure(machine, network, &split, &options);
        one = threads == 1 ? robustness : one;
        for (size_t kind = 0; kind < MB_DISTORTIONS; kind++)
            assert_memory_equal(robustness.curves[kind].correct, one.curves[kind].correct,
                                sizeof one.curves[kind].correct);
        mb_machine_close(machine);
    }
}

TEST(kinds_without_a_maximum_are_left_out)
{
    mb_machine *machine = mb_test_machine(1);
    const mb_network *network = mb_test_network(machine, "dense:5", (mb_shape){1, 9, 8}, CLASSES);
    const mb_split split = make_split(machine, network, false);
    mb_robustness_options options = {.max = {[MB_DISTORTION_NOISE] = 0.1}};
    mb_robustness robustness = measure(machine, network, &split, &options);
    assert_int_equal(robustness.count, 1);
    assert_int_equal(robustness.curves[0].kind, MB_DISTORTION_NOISE);
    options.max[MB_DISTORTION_NOISE] = 0.0;
    assert_int_equal(measure(machine, network, &split, &options).count, 0);
    mb_machine_close(machine);
}

TEST(what_cannot_be_measured_is_refused)
{
    static const struct {
        double max[MB_DISTORTIONS];
        const char *why;
    } cases[] = {{{-1.0}, "shift: must be above 0 and at most 1000"},
                 {{0.0, 180.5}, "rotate: must be above 0 and at most 180"},
                 {{0.0, 0.0, 1.1}, "noise: must be above 0 and at most 1"},
                 {{0.0, 0.0, NAN}, "noise: must be above 0 and at most 1"}};
    mb_machine *machine = mb_test_machine(1);
    mb_network *network = mb_test_network(machine, "dense:5", (mb_shape){1, 9, 8}, CLASSES);
    mb_split split = make_split(machine, network, false);
    mb_robustness robustness;
    mb_error error = {0};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_robustness_options options = {0};
        memcpy(options.max, cases[i].max, sizeof options.max);
        mb_evaluate_robustness(machine, network, &split, &options, &robustness, &error);
        mb_test_check_error(&error, MB_ERROR_INVALID, cases[i].why);
    }
    const mb_robustness_options options = {.max = {1.0}};
    split.images.rows = 8;
    mb_evaluate_robustness(machine, network, &split, &options, &robustness, &error);
    mb_test_check_error(&error, MB_ERROR_INVALID, "images are 1x8x8, the network takes 1x9x8");
    static const float biases[CLASSES] = {NAN};
    split.images.rows = 9;
    mb_network_set_tensor(network, 1, biases);
    mb_evaluate_robustness(machine, network, &split, &options, &robustness, &error);
    mb_test_check_error(&error, MB_ERROR_DIVERGED, "output is not finite");
    mb_machine_close(machine);
}

TEST(without_curves_nothing_is_drawn)
{
    const mb_robustness robustness = {0};
    mb_error error = {0};
    mb_robustness_draw(&robustness, "never", &error);
    mb_test_check_error(&error, MB_ERROR_INVALID, "needs a curve");
}
