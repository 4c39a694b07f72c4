#include "report_fixture.h"

#include "core/rng.h"
#include "test.h"
#include "train/history.h"

#include <math.h>
#include <stdlib.h>

mb_test_report_spec mb_test_default_report_spec(void)
{
    return (mb_test_report_spec){"mlp", 28,  28,   10,    200,   5,   100,
                                 0.1,   2.3, 0.02, false, false, NULL};
}

static void *take(mb_test_report *made, size_t count, size_t size)
{
    void *memory = mb_arena_alloc(&made->arena, count, size);
    assert_non_null(memory);
    return memory;
}

static double fraction(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

/* The predicted class gets 40 to 100 %, the others the rest. */
static void make_probabilities(float *row, size_t classes, size_t predicted, mb_rng *rng)
{
    const double unit = (double)mb_rng_uniform(rng);
    const double max = classes == 2 ? 0.55 + 0.45 * unit : 0.4 + 0.6 * unit;
    double sum = 0.0;
    for (size_t class = 0; class < classes; class ++) {
        row[class] = class == predicted ? 0.0f : 1.0f + mb_rng_uniform(rng);
        sum += (double)row[class];
    }
    for (size_t class = 0; class < classes; class ++)
        row[class] = (float)(class == predicted ? max : (1.0 - max) * (double)row[class] / sum);
}

/* Images of slanted stripes, and their predictions. */
static void make_results(mb_test_report *made, const mb_test_report_spec *spec, mb_rng *rng)
{
    const size_t pixels = spec->rows * spec->columns, classes = spec->classes;
    const size_t channels = spec->color ? 3 : 1, stride = channels * pixels;
    uint8_t *images = take(made, spec->images, stride), *labels = take(made, spec->images, 1);
    size_t *confusion = take(made, classes * classes, sizeof *confusion);
    mb_class_score *scores = take(made, classes, sizeof *scores);
    mb_evaluation *evaluation = &made->evaluation;
    *evaluation = (mb_evaluation){.classes = classes,
                                  .samples = spec->images,
                                  .loss = 1.0,
                                  .confusion = confusion,
                                  .scores = scores};
    made->probabilities = take(made, spec->images * classes, sizeof *made->probabilities);
    for (size_t i = 0; i < spec->images; i++) {
        const size_t truth = i % classes;
        const bool wrong = (double)mb_rng_uniform(rng) < spec->wrong;
        const size_t other = 1 + mb_rng_below(rng, (uint32_t)classes - 1);
        const size_t predicted = wrong ? (truth + other) % classes : truth;
        labels[i] = (uint8_t)truth;
        for (size_t p = 0; p < pixels; p++)
            images[i * stride + p] =
                (p / spec->columns + p % spec->columns / 2 + truth) % 8 < 3 ? 255 : 0;
        make_probabilities(made->probabilities + i * classes, classes, predicted, rng);
        confusion[truth * classes + predicted]++;
        evaluation->correct += predicted == truth;
        evaluation->bins[i % 5 + 10].samples++;
        evaluation->bins[i % 5 + 10].correct += predicted == truth;
        evaluation->bins[i % 5 + 10].confidence += (double)(i % 5 + 10) / MB_CONFIDENCE_BINS;
    }
    evaluation->accuracy = fraction(evaluation->correct, spec->images);
    for (size_t class = 0; class < classes; class ++) {
        const size_t right = confusion[class * classes + class];
        size_t support = 0, predicted = 0;
        for (size_t other = 0; other < classes; other++) {
            support += confusion[class * classes + other];
            predicted += confusion[other * classes + class];
        }
        scores[class] = (mb_class_score){fraction(right, predicted), fraction(right, support),
                                         fraction(2 * right, support + predicted), support};
        evaluation->macro.support += support;
    }
    made->dataset =
        (mb_dataset){.folder = "data/mnist",
                     .classes = classes,
                     .test = {{images, spec->images, channels, spec->rows, spec->columns}, labels}};
    made->dataset.train.images = mb_images_slice(&made->dataset.test.images, 0, 0);
}

static void make_training(mb_test_report *made, const mb_test_report_spec *spec, mb_rng *rng)
{
    const double end = made->evaluation.accuracy;
    const size_t steps = spec->epochs * spec->steps;
    double sum = 0.0;
    mb_history *history = &made->history;
    history->epochs = take(made, spec->epochs, sizeof *history->epochs);
    history->finished = spec->epochs;
    for (size_t step = 0; step < steps; step++) {
        const double way = steps > 1 ? (double)step / (double)(steps - 1) : 1.0;
        const double left = 0.1 * (1.0 - way);
        const float loss = (float)(spec->first_loss * pow(spec->last_loss / spec->first_loss, way) *
                                   (0.8 + 0.4 * (double)mb_rng_uniform(rng)));
        mb_loss_curve_add(&history->curve, &loss, 1);
        sum += (double)loss;
        if ((step + 1) % spec->steps > 0)
            continue;
        const size_t epoch = step / spec->steps;
        history->epochs[epoch] = (mb_epoch_metrics){
            .epoch = epoch + 1,
            .epochs = spec->epochs,
            .train_loss = sum / (double)spec->steps,
            .train_accuracy = fmax(0.0, fmin(1.0, end + 0.01 - 2.0 * left)),
            .test_accuracy = fmax(0.0, end - left),
            .validation_accuracy = spec->validation ? fmax(0.0, end - 0.005 - left) : NAN,
            .lr = 0.008 * (1.0 - 0.999 * way),
            .seconds = 0.14,
            .samples_per_second = 400000.0 + 1000.0 * (double)epoch,
            .gflops = 182.0};
        sum = 0.0;
    }
}

mb_test_report *mb_test_report_open(const mb_test_report_spec *asked)
{
    const mb_test_report_spec spec = asked != NULL ? *asked : mb_test_default_report_spec();
    const mb_machine_options one = {.threads = 1, .pin = "none"};
    const mb_shape input = {spec.color ? 3 : 1, spec.rows, spec.columns};
    mb_test_report *made = calloc(1, sizeof *made);
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    assert_non_null(made);
    assert_int_equal(mb_machine_open(&one, &made->machine, NULL), MB_OK);
    assert_int_equal(
        mb_network_open(made->machine, spec.network, input, spec.classes, &made->network, NULL),
        MB_OK);
    mb_network_initialise(made->network, 1);
    assert_int_equal(mb_network_set_class_names(made->network, spec.names, NULL), MB_OK);
    make_results(made, &spec, &rng);
    make_training(made, &spec, &rng);
    made->info = (mb_machine_info){.cpu = "Made-up CPU",
                                   .cpu_level = "x86-64-v3",
                                   .cores = 4,
                                   .cores_allowed = 4,
                                   .pus_allowed = 8,
                                   .threads = 2,
                                   .threads_from = "cores",
                                   .pin_policy = "core",
                                   .blas_version = "0.3.21",
                                   .blas_core = "Haswell",
                                   .blas_threading = "openmp",
                                   .blas_config = "made up"};
    made->options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    made->options.epochs = spec.epochs;
    made->run = (mb_run){.dataset = &made->dataset,
                         .evaluation = &made->evaluation,
                         .network = made->network,
                         .machine = &made->info,
                         .options = &made->options,
                         .history = &made->history,
                         .selected = &made->history.epochs[spec.epochs - 1],
                         .command = "mnist_blas train --seed 1"};
    made->report = (mb_report){&made->run, made->probabilities};
    return made;
}

void mb_test_report_close(mb_test_report *made)
{
    mb_network_close(made->network);
    mb_machine_close(made->machine);
    mb_arena_free(&made->arena);
    free(made);
}
