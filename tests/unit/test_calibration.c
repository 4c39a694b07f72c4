#include "core/rng.h"
#include "support.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <mnist_blas/calibration.h>
#include <mnist_blas/evaluation.h>
#include <string.h>

/* Images of one bright pixel: the logits of image i are column `pixel` of the only layer's weights,
 * for any logits that a test needs. */
enum { PIXELS = 8, CLASSES = 4, MAX_IMAGES = 4000 };

static mb_machine *machines[5]; /* [n] has n threads */

static uint8_t pixels[MAX_IMAGES * PIXELS], labels[MAX_IMAGES];
static size_t images;

static int open_machines(void **state)
{
    (void)state;
    for (size_t threads = 1; threads < TEST_COUNT(machines); threads++)
        machines[threads] = mb_test_machine(threads);
    return 0;
}

static int close_machines(void **state)
{
    (void)state;
    for (size_t threads = 1; threads < TEST_COUNT(machines); threads++)
        mb_machine_close(machines[threads]);
    return 0;
}

TEST_GROUP(open_machines, close_machines);

/* logits: (PIXELS, CLASSES) */
static mb_network *open_network(size_t threads, const double *logits)
{
    mb_network *network =
        mb_test_network(machines[threads], "dense:4", (mb_shape){1, 1, PIXELS}, CLASSES);
    float weights[CLASSES * PIXELS];
    for (size_t p = 0; p < PIXELS; p++)
        for (size_t c = 0; c < CLASSES; c++)
            weights[c * PIXELS + p] = (float)logits[p * CLASSES + c];
    mb_network_set_tensor(network, 0, weights);
    images = 0;
    memset(pixels, 0, sizeof pixels);
    return network;
}

static void add_images(size_t pixel, size_t label, size_t count)
{
    for (size_t i = 0; i < count; i++, images++) {
        assert_in_range(images, 0, MAX_IMAGES - 1);
        pixels[images * PIXELS + pixel] = 255;
        labels[images] = (uint8_t)label;
    }
}

static mb_split split_of(const mb_network *network)
{
    return mb_test_split(network, pixels, labels, images);
}

static mb_calibration calibrate(size_t threads, mb_network *network, bool temperature)
{
    const mb_split split = split_of(network);
    mb_calibration calibration = {0};
    mb_error error = {0};
    if (mb_calibrate(machines[threads], network, &split, temperature, &calibration, &error) !=
        MB_OK)
        fail_msg("%s", error.text);
    assert_true(mb_network_threshold(network) == calibration.threshold);
    return calibration;
}

/* Labels in the proportions of probabilities, whose logarithms times a factor are the logits: the
 * factor is the temperature. */
TEST(temperature_of_scaled_logarithms)
{
    static const double factors[] = {0.02, 0.5, 1.0, 3.0, 50.0};
    static const size_t counts[2][CLASSES] = {{64, 32, 16, 8}, {1, 97, 2, 300}};
    for (size_t i = 0; i < TEST_COUNT(factors); i++) {
        double logits[PIXELS * CLASSES] = {0.0}, entropy = 0.0;
        for (size_t p = 0; p < 2; p++)
            for (size_t c = 0; c < CLASSES; c++)
                logits[p * CLASSES + c] = factors[i] * log((double)counts[p][c] / 7.0);
        mb_network *network = open_network(1, logits);
        for (size_t p = 0; p < 2; p++) {
            double all = 0.0;
            for (size_t c = 0; c < CLASSES; c++)
                all += (double)counts[p][c];
            for (size_t c = 0; c < CLASSES; c++) {
                add_images(p, c, counts[p][c]);
                entropy -= (double)counts[p][c] * log((double)counts[p][c] / all);
            }
        }
        const mb_calibration found = calibrate(1, network, true);
        assert_int_equal(found.samples, images);
        assert_true(fabs(found.temperature / factors[i] - 1.0) < 2e-6);
        assert_true(mb_network_temperature(network) == found.temperature);
        assert_true(fabs(found.loss - entropy / (double)images) < 1e-6);
        assert_true(found.error < 1e-6);
        assert_true(factors[i] == 1.0 || found.loss < found.loss_before - 1e-3);
    }
}

/* A network of random logits, and images of which two thirds have the most probable label. */
static mb_network *open_random(size_t threads)
{
    mb_rng rng = mb_rng_at(3, MB_RNG_TESTS, 0, 0);
    double logits[PIXELS * CLASSES];
    for (size_t i = 0; i < PIXELS * CLASSES; i++)
        logits[i] = 12.0 * (double)mb_rng_uniform(&rng);
    mb_network *network = open_network(threads, logits);
    for (size_t i = 0; i < 1500; i++) {
        const size_t pixel = mb_rng_below(&rng, PIXELS);
        size_t label = 0;
        for (size_t c = 1; c < CLASSES; c++)
            label = logits[pixel * CLASSES + c] > logits[pixel * CLASSES + label] ? c : label;
        add_images(pixel, mb_rng_below(&rng, 3) > 0 ? label : mb_rng_below(&rng, CLASSES), 1);
    }
    return network;
}

/* Mean cross-entropy of logits (images, CLASSES) divided by a temperature. */
static double loss_at(const float *logits, double temperature)
{
    double loss = 0.0;
    for (size_t i = 0; i < images; i++) {
        double sum = 0.0;
        for (size_t c = 0; c < CLASSES; c++)
            sum += exp((double)logits[i * CLASSES + c] / temperature);
        loss += log(sum) - (double)logits[i * CLASSES + labels[i]] / temperature;
    }
    return loss / (double)images;
}

TEST(temperature_is_the_best_of_a_grid)
{
    mb_network *network = open_random(1);
    const mb_split split = split_of(network);
    float *before = mb_test_alloc(images * CLASSES, sizeof *before),
          *after = mb_test_alloc(images * CLASSES, sizeof *after);
    mb_test_logits(machines[1], network, &split.images, before);
    double best = 0.01;
    for (double t = 0.01; t < 100.0; t *= 1.001)
        best = loss_at(before, t) < loss_at(before, best) ? t : best;
    const mb_calibration found = calibrate(1, network, true);
    assert_true(best > 1.1);
    assert_true(fabs(found.temperature / best - 1.0) < 0.001);
    assert_true(fabs(found.loss_before - loss_at(before, 1.0)) < 1e-9);
    mb_test_logits(machines[1], network, &split.images, after);
    for (size_t i = 0; i < images * CLASSES; i++)
        assert_true(fabs((double)after[i] - (double)before[i] / found.temperature) < 1e-5);
    for (size_t i = 0; i < images; i++)
        assert_int_equal(mb_argmax(after + i * CLASSES, CLASSES),
                         mb_argmax(before + i * CLASSES, CLASSES));

    mb_evaluation *evaluation = NULL;
    assert_int_equal(mb_evaluate(machines[1], network, &split, &evaluation, NULL), MB_OK);
    assert_true(fabs(evaluation->loss - found.loss) < 1e-6);
    assert_true(evaluation->calibration_error == found.error);
    mb_evaluation_free(evaluation);

    const mb_calibration again = calibrate(1, network, true);
    assert_true(fabs(again.temperature - 1.0) < 1e-5);
    assert_true(mb_network_temperature(network) == found.temperature * again.temperature);
}

TEST(calibration_does_not_depend_on_threads)
{
    mb_network *one = open_random(1);
    const mb_calibration expected = calibrate(1, one, true);
    const float *parameters = mb_test_parameters(one);
    for (size_t threads = 2; threads < TEST_COUNT(machines); threads++) {
        mb_network *other = open_random(threads);
        const mb_calibration found = calibrate(threads, other, true);
        assert_memory_equal(&found, &expected, sizeof found);
        assert_memory_equal(mb_test_parameters(other), parameters,
                            mb_network_parameter_count(one) * sizeof *parameters);
    }
}

/* Images of pixel p are predicted as class 0, with a probability that falls with p. */
TEST(threshold_is_the_smallest_with_an_error_of_at_most_one_in_1000)
{
    enum { GROUPS = 4, NONE = GROUPS };
    static const struct {
        size_t correct[GROUPS], wrong[GROUPS];
        size_t last; /* group of the smallest accepted probability */
    } cases[] = {
        {{100, 100, 100, 100}, {0, 0, 0, 0}, 3},
        {{1000, 9, 0, 0}, {0, 1, 0, 0}, 1},
        {{990, 9, 0, 0}, {0, 1, 0, 0}, 1},   /* 1 of 1000 */
        {{990, 8, 0, 0}, {0, 1, 0, 0}, 0},   /* 1 of 999 */
        {{499, 600, 0, 0}, {1, 0, 0, 0}, 1}, /* 1 of 500 is too many, 1 of 1100 is not */
        {{499, 300, 200, 5}, {1, 0, 0, 0}, 3},
        {{499, 300, 200, 5}, {1, 0, 0, 1}, 2}, /* 2 of 1006 */
        {{1998, 0, 400, 0}, {2, 1, 0, 0}, 0},
        {{500, 0, 0, 0}, {1, 0, 0, 0}, NONE},
        {{0, 300, 0, 0}, {1, 0, 0, 0}, NONE},
        {{0, 0, 0, 0}, {5, 5, 5, 5}, NONE},
    };
    double logits[PIXELS * CLASSES] = {0.0};
    for (size_t p = 0; p < GROUPS; p++)
        logits[p * CLASSES] = 5.0 - (double)p;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_network *network = open_network(2, logits);
        size_t accepted = 0, wrong = 0;
        for (size_t p = GROUPS; p-- > 0;) {
            add_images(p, 0, cases[i].correct[p]);
            add_images(p, 1 + p % 3, cases[i].wrong[p]);
            accepted += p <= cases[i].last ? cases[i].correct[p] + cases[i].wrong[p] : 0;
            wrong += p <= cases[i].last ? cases[i].wrong[p] : 0;
        }
        const mb_calibration found = calibrate(2, network, false);
        assert_true(found.temperature == 1.0 && mb_network_temperature(network) == 1.0);
        assert_true(found.loss == found.loss_before && found.error == found.error_before);
        const mb_split split = split_of(network);
        mb_evaluation *evaluation = NULL;
        assert_int_equal(mb_evaluate(machines[2], network, &split, &evaluation, NULL), MB_OK);
        assert_true(evaluation->threshold == found.threshold);
        if (cases[i].last == NONE) {
            assert_true(found.threshold == 0.0 && evaluation->accepted == 0);
        } else {
            const double top = exp(5.0 - (double)cases[i].last);
            assert_true(fabs(found.threshold - top / (top + 3.0)) < 1e-6);
            assert_int_equal(evaluation->accepted, accepted);
            assert_true(evaluation->coverage == (double)accepted / (double)images);
            assert_true(evaluation->selective_risk == (double)wrong / (double)accepted);
        }
        mb_evaluation_free(evaluation);
    }
}

/* A probability of the classifier is the threshold that accepts its image. */
TEST(threshold_is_a_probability_of_the_classifier)
{
    mb_network *network = open_random(1);
    float row[CLASSES];
    images = 1;
    for (size_t pixel = 0; pixel < PIXELS; pixel++) {
        memset(pixels, 0, PIXELS);
        pixels[pixel] = 255;
        const mb_split split = split_of(network);
        mb_test_logits(machines[1], network, &split.images, row);
        labels[0] = (uint8_t)mb_argmax(row, CLASSES);
        mb_softmax(CLASSES, row);
        assert_true(calibrate(1, network, false).threshold == (double)row[labels[0]]);
    }
}

static void check_failure(mb_network *network, mb_status status, const char *part)
{
    const mb_split split = split_of(network);
    const float *before = mb_test_parameters(network);
    mb_calibration calibration;
    mb_error error = {0};
    assert_int_equal(mb_calibrate(machines[1], network, &split, true, &calibration, &error),
                     status);
    mb_test_check_error(&error, status, part);
    assert_memory_equal(mb_test_parameters(network), before,
                        mb_network_parameter_count(network) * sizeof *before);
    assert_true(mb_network_temperature(network) == 1.0);
}

TEST(losses_without_a_minimum_are_errors)
{
    double logits[PIXELS * CLASSES] = {1.0, 0.0};
    mb_network *network = open_network(1, logits);
    add_images(0, 0, 30); /* all are right: the smaller the temperature, the better */
    check_failure(network, MB_ERROR_DIVERGED,
                  "temperature: none from 0.001 to 1000 minimises the loss of the 30 validation "
                  "images, 30 of which are predicted correctly: hold out more");
    assert_true(mb_network_threshold(network) > 0.0); /* needs no temperature */
    network = open_network(1, logits);
    add_images(0, 2, 30); /* all are wrong: the larger, the better */
    check_failure(network, MB_ERROR_DIVERGED, "temperature: none");
    assert_true(mb_network_threshold(network) == 0.0);
    logits[0] = 0.0;
    network = open_network(1, logits);
    add_images(0, 0, 15); /* equal logits: all are as good */
    add_images(0, 1, 15);
    check_failure(network, MB_ERROR_DIVERGED, "temperature: none");
}

TEST(images_must_fit)
{
    const double logits[PIXELS * CLASSES] = {0.0};
    mb_network *network = open_network(1, logits);
    check_failure(network, MB_ERROR_INVALID, "calibration: there are no images");
    add_images(0, CLASSES, 1);
    check_failure(network, MB_ERROR_INVALID, "calibration: label 4 at item 0");
    float weights[CLASSES * PIXELS];
    for (size_t i = 0; i < CLASSES * PIXELS; i++)
        weights[i] = 3e38f;
    weights[0] = INFINITY;
    network = open_network(1, logits);
    add_images(0, 0, 1);
    mb_network_set_tensor(network, 0, weights);
    check_failure(network, MB_ERROR_DIVERGED, "not finite");
}

/* Training forgets the calibration of a network that it starts from. */
TEST(training_forgets_it)
{
    mb_network *network = open_random(1);
    const mb_split split = split_of(network);
    const mb_dataset data = {.classes = CLASSES, .train = split, .test = split};
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_SGD);
    calibrate(1, network, true);
    options.epochs = 1;
    assert_int_equal(mb_train(machines[1], network, &data, &options, NULL, NULL), MB_OK);
    assert_true(mb_network_temperature(network) == 1.0 && mb_network_threshold(network) == 0.0);
    options.validation = 300;
    options.temperature = true;
    assert_int_equal(mb_train(machines[1], network, &data, &options, NULL, NULL), MB_OK);
    assert_true(mb_network_temperature(network) != 1.0);
}
