#include "core/rng.h"
#include "support.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/classifier.h>
#include <mnist_blas/evaluation.h>
#include <stdlib.h>

/* More images than two of the evaluator's batches, not a multiple. */
enum { IMAGES = 570, ROWS = 3, COLUMNS = 4, PIXELS = ROWS * COLUMNS, CLASSES = 5 };

/* A network of one layer with known weights, and images for it. No image is of class 3, and class 4
 * is never predicted. */
typedef struct fixture {
    mb_machine *machine;
    mb_network *network;
    float weights[CLASSES * PIXELS], biases[CLASSES];
    uint8_t images[IMAGES * PIXELS], labels[IMAGES];
    mb_split split;
} fixture;

static void draw(fixture *f)
{
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    for (size_t i = 0; i < CLASSES * PIXELS; i++)
        f->weights[i] = 4.0f * mb_rng_uniform(&rng) - 2.0f;
    f->biases[4] = -100.0f;
    for (size_t i = 0; i < IMAGES; i++) {
        f->labels[i] = (uint8_t)mb_rng_below(&rng, CLASSES - 1);
        if (f->labels[i] == 3)
            f->labels[i] = 4;
        for (size_t p = 0; p < PIXELS; p++)
            f->images[i * PIXELS + p] =
                (uint8_t)(mb_rng_below(&rng, 3) == 0 ? mb_rng_below(&rng, 256) : 0);
    }
    f->split = (mb_split){{f->images, IMAGES, 1, ROWS, COLUMNS}, f->labels};
}

static int open_fixture(void **state)
{
    fixture *f = *state = calloc(1, sizeof *f);
    const mb_shape input = {1, ROWS, COLUMNS};
    draw(f);
    f->machine = mb_test_machine(2);
    assert_int_equal(mb_network_open(f->machine, "dense:5", input, CLASSES, &f->network, NULL),
                     MB_OK);
    mb_network_set_tensor(f->network, 0, f->weights);
    mb_network_set_tensor(f->network, 1, f->biases);
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    mb_network_close(f->network);
    mb_machine_close(f->machine);
    free(f);
    return 0;
}

static mb_evaluation *evaluate(const fixture *f)
{
    mb_evaluation *evaluation = NULL;
    mb_error error = {0};
    if (mb_evaluate(f->machine, f->network, &f->split, &evaluation, &error) != MB_OK)
        fail_msg("%s", error.text);
    return evaluation;
}

/* Class, loss and confidence of one image, in double. */
static size_t classify(const fixture *f, size_t image, double *loss, double *confidence)
{
    double z[CLASSES], sum = 0.0;
    size_t best = 0;
    for (size_t c = 0; c < CLASSES; c++) {
        z[c] = (double)f->biases[c];
        for (size_t p = 0; p < PIXELS; p++)
            z[c] +=
                (double)f->weights[c * PIXELS + p] * (double)f->images[image * PIXELS + p] / 255.0;
        if (z[c] > z[best])
            best = c;
    }
    for (size_t c = 0; c < CLASSES; c++)
        sum += exp(z[c]);
    *loss = log(sum) - z[f->labels[image]];
    *confidence = exp(z[best]) / sum;
    return best;
}

TEST_WITH(confusion_and_loss_equal_a_naive_count, open_fixture, close_fixture)
{
    const fixture *f = *state;
    size_t confusion[CLASSES * CLASSES] = {0}, correct = 0;
    double sum = 0.0;
    for (size_t i = 0; i < IMAGES; i++) {
        double loss, confidence;
        const size_t predicted = classify(f, i, &loss, &confidence);
        confusion[f->labels[i] * CLASSES + predicted]++;
        correct += predicted == f->labels[i];
        sum += loss;
    }
    mb_evaluation *evaluation = evaluate(f);
    assert_int_equal(evaluation->classes, CLASSES);
    assert_int_equal(evaluation->samples, IMAGES);
    assert_memory_equal(evaluation->confusion, confusion, sizeof confusion);
    assert_int_equal(evaluation->correct, correct);
    assert_in_range(correct, 1, IMAGES - 1);
    assert_true(evaluation->accuracy == (double)correct / IMAGES);
    assert_true(fabs(evaluation->loss - sum / IMAGES) < 1e-6 * sum / IMAGES);
    mb_evaluation_free(evaluation);
}

TEST_WITH(calibration_error_equals_a_naive_count, open_fixture, close_fixture)
{
    const fixture *f = *state;
    mb_confidence_bin bins[MB_CONFIDENCE_BINS] = {0};
    double loss, confidence, expected = 0.0;
    for (size_t i = 0; i < IMAGES; i++) {
        const bool correct = classify(f, i, &loss, &confidence) == f->labels[i];
        for (size_t b = 0; b < MB_CONFIDENCE_BINS; b++) {
            if (confidence * MB_CONFIDENCE_BINS < (double)b ||
                confidence * MB_CONFIDENCE_BINS >= (double)b + 1.0)
                continue;
            bins[b].samples++;
            bins[b].correct += correct;
            bins[b].confidence += confidence;
        }
    }
    mb_evaluation *evaluation = evaluate(f);
    for (size_t b = 0; b < MB_CONFIDENCE_BINS; b++) {
        assert_int_equal(evaluation->bins[b].samples, bins[b].samples);
        assert_int_equal(evaluation->bins[b].correct, bins[b].correct);
        assert_true(fabs(evaluation->bins[b].confidence - bins[b].confidence) < 1e-4);
        if (bins[b].samples > 0)
            expected += fabs((double)bins[b].correct / (double)bins[b].samples -
                             bins[b].confidence / (double)bins[b].samples) *
                        (double)bins[b].samples / IMAGES;
    }
    assert_true(expected > 0.01);
    assert_true(fabs(evaluation->calibration_error - expected) < 1e-6);
    mb_evaluation_free(evaluation);
}

static double divided(double part, double whole) { return whole > 0.0 ? part / whole : 0.0; }

TEST_WITH(scores_follow_from_the_confusion, open_fixture, close_fixture)
{
    mb_evaluation *evaluation = evaluate(*state);
    double recalls = 0.0, precisions = 0.0;
    for (size_t class = 0; class < CLASSES; class ++) {
        const mb_class_score *score = &evaluation->scores[class];
        size_t truly = 0, guessed = 0;
        for (size_t other = 0; other < CLASSES; other++) {
            truly += evaluation->confusion[class * CLASSES + other];
            guessed += evaluation->confusion[other * CLASSES + class];
        }
        const double right = (double)evaluation->confusion[class * CLASSES + class];
        const double precision = divided(right, (double)guessed);
        const double recall = divided(right, (double)truly);
        recalls += recall;
        precisions += truly > 0 ? precision : 0.0;
        assert_int_equal(score->support, truly);
        assert_true(score->precision == precision);
        assert_true(score->recall == recall);
        assert_true(fabs(score->f1 - divided(2 * precision * recall, precision + recall)) < 1e-15);
    }
    assert_int_equal(evaluation->scores[3].support, 0);
    assert_true(evaluation->scores[3].recall == 0.0);
    assert_true(evaluation->scores[4].precision == 0.0 && evaluation->scores[4].f1 == 0.0);
    assert_true(evaluation->scores[0].f1 > 0.0);
    assert_int_equal(evaluation->macro.support, IMAGES); /* four classes have images */
    assert_true(fabs(evaluation->macro.recall - recalls / 4.0) < 1e-15);
    assert_true(fabs(evaluation->macro.precision - precisions / 4.0) < 1e-15);
    mb_evaluation_free(evaluation);
}

static mb_classifier *open_classifier(const fixture *f, const mb_network *network, size_t max_batch)
{
    mb_classifier *classifier = NULL;
    assert_int_equal(mb_classifier_open(f->machine, network, max_batch, &classifier, NULL), MB_OK);
    return classifier;
}

/* Consecutive calls with any number of images, more or fewer than a batch. */
TEST_WITH(probabilities_equal_a_naive_softmax, open_fixture, close_fixture)
{
    const fixture *f = *state;
    fixture other = *f;
    float probabilities[IMAGES * CLASSES];
    static const size_t batches[] = {1, 7, 64, IMAGES, 1000}, counts[] = {1, 2, 64, 65, 6, IMAGES};
    for (size_t b = 0; b < TEST_COUNT(batches); b++) {
        mb_classifier *classifier = open_classifier(f, f->network, batches[b]);
        for (size_t n = 0; n < TEST_COUNT(counts); n++) {
            const size_t first = IMAGES - counts[n];
            const mb_images images = mb_images_slice(&f->split.images, first, counts[n]);
            assert_int_equal(mb_classifier_probabilities(classifier, &images, probabilities, NULL),
                             MB_OK);
            for (size_t i = 0; i < counts[n] * CLASSES; i++) {
                double loss, confidence;
                other.labels[first + i / CLASSES] = (uint8_t)(i % CLASSES);
                classify(&other, first + i / CLASSES, &loss, &confidence);
                assert_true(fabs((double)probabilities[i] - exp(-loss)) < 1e-5);
            }
        }
        mb_classifier_close(classifier);
    }
}

/* A network without sparse input: the same logits in batches of any size. */
TEST_WITH(batches_of_any_size_give_the_same_logits, open_fixture, close_fixture)
{
    const fixture *f = *state;
    static float one[IMAGES * CLASSES], many[IMAGES * CLASSES];
    mb_network *network = NULL;
    assert_int_equal(mb_network_open(f->machine, "conv2d:6x3/pad1,relu,maxpool2d:2,flatten,dense:5",
                                     (mb_shape){1, ROWS, COLUMNS}, CLASSES, &network, NULL),
                     MB_OK);
    mb_network_initialise(network, 3);
    mb_classifier *single = open_classifier(f, network, 1);
    mb_classifier *batch = open_classifier(f, network, 100);
    assert_int_equal(mb_classifier_logits(single, &f->split.images, one, NULL), MB_OK);
    assert_int_equal(mb_classifier_logits(batch, &f->split.images, many, NULL), MB_OK);
    for (size_t i = 0; i < IMAGES * CLASSES; i++)
        assert_true(fabsf(one[i] - many[i]) < 1e-5f);
    mb_classifier_close(single);
    mb_classifier_close(batch);
    mb_network_close(network);
}

TEST_WITH(a_classifier_refuses_what_does_not_fit, open_fixture, close_fixture)
{
    fixture *f = *state;
    static const struct {
        size_t count, channels, rows, columns;
        const char *why;
    } cases[] = {{0, 1, ROWS, COLUMNS, "there are no images"},
                 {1, 1, 1, PIXELS, "images are 1x1x12, the network takes 1x3x4"},
                 {1, 3, ROWS, COLUMNS, "images are 3x"}};
    float logits[CLASSES];
    mb_error error = {0};
    mb_classifier *classifier = NULL;
    assert_int_equal(mb_classifier_open(f->machine, f->network, 0, &classifier, &error),
                     MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "max_batch must be 1 to ");
    classifier = open_classifier(f, f->network, 2);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const mb_images images = {f->images, cases[i].count, cases[i].channels, cases[i].rows,
                                  cases[i].columns};
        assert_int_equal(mb_classifier_logits(classifier, &images, logits, &error),
                         MB_ERROR_INVALID);
        mb_test_check_error(&error, MB_ERROR_INVALID, cases[i].why);
    }
    f->biases[2] = NAN;
    mb_network_set_tensor(f->network, 1, f->biases);
    const mb_images one = mb_images_slice(&f->split.images, 0, 1);
    assert_int_equal(mb_classifier_logits(classifier, &one, logits, &error), MB_ERROR_DIVERGED);
    mb_test_check_error(&error, MB_ERROR_DIVERGED, "output is not finite");
    mb_classifier_close(classifier);
    mb_classifier_close(NULL);
}

TEST_WITH(the_lower_of_equal_classes_wins, open_fixture, close_fixture)
{
    fixture *f = *state;
    static const float zeros[CLASSES * PIXELS];
    size_t first = 0;
    mb_network_set_tensor(f->network, 0, zeros);
    mb_network_set_tensor(f->network, 1, zeros);
    for (size_t i = 0; i < IMAGES; i++)
        first += f->labels[i] == 0;
    mb_evaluation *evaluation = evaluate(f);
    assert_int_equal(evaluation->correct, first);
    assert_true(fabs(evaluation->loss - log(CLASSES)) < 1e-6);
    mb_evaluation_free(evaluation);
}

TEST_WITH(result_does_not_depend_on_threads, open_fixture, close_fixture)
{
    fixture *f = *state;
    mb_evaluation *two = evaluate(f);
    for (size_t threads = 1; threads <= 4; threads++) {
        fixture other = *f;
        other.machine = mb_test_machine(threads);
        mb_evaluation *evaluation = evaluate(&other);
        assert_memory_equal(evaluation->confusion, two->confusion,
                            CLASSES * CLASSES * sizeof *two->confusion);
        assert_true(evaluation->loss == two->loss);
        mb_evaluation_free(evaluation);
        mb_machine_close(other.machine);
    }
    mb_evaluation_free(two);
}

TEST_WITH(small_splits_are_whole, open_fixture, close_fixture)
{
    fixture *f = *state;
    static const size_t counts[] = {1, 2, 255, 256, 257, 512};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        size_t correct = 0;
        double loss, confidence;
        f->split.images.count = counts[i];
        for (size_t image = 0; image < counts[i]; image++)
            correct += classify(f, image, &loss, &confidence) == f->labels[image];
        mb_evaluation *evaluation = evaluate(f);
        assert_int_equal(evaluation->samples, counts[i]);
        assert_int_equal(evaluation->correct, correct);
        mb_evaluation_free(evaluation);
    }
}

static void fails(const fixture *f, size_t rows, size_t columns, mb_status status, const char *why)
{
    mb_split split = f->split;
    split.images.rows = rows;
    split.images.columns = columns;
    mb_evaluation *evaluation = NULL;
    mb_error error = {0};
    assert_int_equal(mb_evaluate(f->machine, f->network, &split, &evaluation, &error), status);
    mb_test_check_error(&error, status, why);
    assert_null(evaluation);
}

TEST_WITH(what_does_not_fit_the_network_is_refused, open_fixture, close_fixture)
{
    fixture *f = *state;
    fails(f, COLUMNS, ROWS, MB_ERROR_INVALID, "images are 1x4x3, the network takes 1x3x4");
    fails(f, 1, PIXELS, MB_ERROR_INVALID, "images are 1x1x12");
    f->labels[500] = CLASSES;
    fails(f, ROWS, COLUMNS, MB_ERROR_INVALID, "label 5 at item 500, the network has 5 classes");
    f->split.images.count = 500;
    mb_evaluation_free(evaluate(f));
    f->split.images.count = 0;
    fails(f, ROWS, COLUMNS, MB_ERROR_INVALID, "evaluation: there are no images");
}

TEST_WITH(images_have_the_channels_of_the_network, open_fixture, close_fixture)
{
    fixture *f = *state, other = *f;
    assert_int_equal(mb_network_open(f->machine, "dense:5", (mb_shape){3, ROWS, COLUMNS}, CLASSES,
                                     &other.network, NULL),
                     MB_OK);
    fails(&other, ROWS, COLUMNS, MB_ERROR_INVALID, "images are 1x3x4");
    mb_network_close(other.network);
    other.network = f->network;
    other.split.images.channels = 3;
    fails(&other, ROWS, COLUMNS, MB_ERROR_INVALID, "images are 3x3x4, the network takes 1x3x4");
}

TEST_WITH(a_network_that_is_not_finite_has_no_evaluation, open_fixture, close_fixture)
{
    fixture *f = *state;
    f->biases[2] = NAN;
    mb_network_set_tensor(f->network, 1, f->biases);
    fails(f, ROWS, COLUMNS, MB_ERROR_DIVERGED, "evaluation: the network's output is not finite");
}
