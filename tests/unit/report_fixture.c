#include "report_fixture.h"

#include "core/rng.h"
#include "test.h"
#include "train/history.h"

#include <math.h>
#include <stdlib.h>

mb_test_report_spec mb_test_default_report_spec(void)
{
    return (mb_test_report_spec){.network = "mlp",
                                 .rows = 28,
                                 .columns = 28,
                                 .classes = 10,
                                 .images = 200,
                                 .epochs = 5,
                                 .steps = 100,
                                 .wrong = 0.1,
                                 .first_loss = 2.3,
                                 .last_loss = 0.02};
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

static double share(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

/* A bright ring, its centre by the class, its size by the image. */
static void draw_image(uint8_t *image, size_t rows, size_t columns, size_t class, mb_rng *rng)
{
    const double middle_row = (double)rows * (0.35 + 0.3 * (double)(class % 3) / 2.0);
    const double middle_column = (double)columns * (0.35 + 0.3 * (double)(class % 5) / 4.0);
    const double radius = 0.2 + 0.1 * (double)mb_rng_uniform(rng);
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) {
            const double y = ((double)row + 0.5 - middle_row) / (double)rows;
            const double x = ((double)column + 0.5 - middle_column) / (double)columns;
            const double off = fabs(sqrt(x * x + y * y) - radius);
            image[row * columns + column] = off < 0.08 ? (uint8_t)(255.0 - 2000.0 * off) : 0;
        }
    }
}

/* One class gets 40 to 100 % and more than any other, the others share what is left. */
static void draw_probabilities(float *row, size_t classes, size_t winner, mb_rng *rng)
{
    const double unit = (double)mb_rng_uniform(rng);
    const double most = classes == 2 ? 0.55 + 0.45 * unit : 0.4 + 0.6 * unit;
    double sum = 0.0;
    for (size_t class = 0; class < classes; class ++) {
        row[class] = class == winner ? 0.0f : 1.0f + mb_rng_uniform(rng);
        sum += (double)row[class];
    }
    for (size_t class = 0; class < classes; class ++)
        row[class] = (float)(class == winner ? most : (1.0 - most) * (double)row[class] / sum);
}

static void make_results(mb_test_report *made, const mb_test_report_spec *wanted, mb_rng *rng)
{
    const size_t pixels = wanted->rows * wanted->columns, classes = wanted->classes;
    made->images = take(wanted->images, pixels);
    made->labels = take(wanted->images, 1);
    made->probabilities = take(wanted->images * classes, sizeof *made->probabilities);
    made->confusion = take(classes * classes, sizeof *made->confusion);
    made->evaluation = (mb_evaluation){.classes = classes, .samples = wanted->images};
    for (size_t i = 0; i < wanted->images; i++) {
        const size_t truth = i % classes;
        const bool wrong = (double)mb_rng_uniform(rng) < wanted->wrong;
        const size_t other = 1 + mb_rng_below(rng, (uint32_t)classes - 1);
        const size_t winner = wrong ? (truth + other) % classes : truth;
        made->labels[i] = (uint8_t)truth;
        draw_image(made->images + i * pixels, wanted->rows, wanted->columns, truth, rng);
        draw_probabilities(made->probabilities + i * classes, classes, winner, rng);
        made->confusion[truth * classes + winner]++;
        made->evaluation.correct += winner == truth;
        made->evaluation.loss -= log((double)made->probabilities[i * classes + truth] + 1e-9);
    }
    made->evaluation.accuracy = share(made->evaluation.correct, wanted->images);
    made->evaluation.loss /= (double)wanted->images;
}

static void make_scores(mb_test_report *made, size_t classes)
{
    made->scores = take(classes, sizeof *made->scores);
    for (size_t class = 0; class < classes; class ++) {
        size_t truly = 0, guessed = 0;
        for (size_t other = 0; other < classes; other++) {
            truly += made->confusion[class * classes + other];
            guessed += made->confusion[other * classes + class];
        }
        const size_t right = made->confusion[class * classes + class];
        made->scores[class] = (mb_class_score){share(right, guessed), share(right, truly),
                                               share(2 * right, truly + guessed), truly};
    }
}

static void make_training(mb_test_report *made, const mb_test_report_spec *wanted, mb_rng *rng)
{
    const double end = made->evaluation.accuracy;
    const size_t steps = wanted->epochs * wanted->steps;
    double sum = 0.0;
    made->epochs = take(wanted->epochs, sizeof *made->epochs);
    for (size_t step = 0; step < steps; step++) {
        const double way = steps > 1 ? (double)step / (double)(steps - 1) : 1.0;
        const float loss =
            (float)(wanted->first_loss * pow(wanted->last_loss / wanted->first_loss, way) *
                    (0.8 + 0.4 * (double)mb_rng_uniform(rng)));
        mb_loss_curve_add(&made->curve, &loss, 1);
        sum += (double)loss;
        if ((step + 1) % wanted->steps > 0)
            continue;
        const size_t epoch = step / wanted->steps;
        const double left = 0.1 * (1.0 - way);
        made->epochs[epoch] = (mb_epoch_metrics){
            .epoch = epoch + 1,
            .epochs = wanted->epochs,
            .train_loss = sum / (double)wanted->steps,
            .train_accuracy = fmax(0.0, fmin(1.0, end + 0.01 - 2.0 * left)),
            .test_accuracy = fmax(0.0, end - left),
            .validation_accuracy = wanted->validation ? fmax(0.0, end - 0.005 - left) : NAN,
            .lr = 0.008 * (1.0 - 0.999 * way),
            .seconds = 0.14,
            .samples_per_second = 400000.0 + 1000.0 * (double)epoch,
            .gflops = 182.0};
        sum = 0.0;
    }
}

mb_test_report *mb_test_report_open(const mb_test_report_spec *wanted)
{
    mb_test_report *made = take(1, sizeof *made);
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    const mb_machine_options one = {.threads = 1, .pin = "none"};
    const mb_shape input = {1, wanted->rows, wanted->columns};
    assert_int_equal(mb_machine_open(&one, &made->machine, NULL), MB_OK);
    assert_int_equal(mb_network_open(made->machine, wanted->network, input, wanted->classes,
                                     &made->network, NULL),
                     MB_OK);
    mb_network_initialise(made->network, 1);
    make_results(made, wanted, &rng);
    make_scores(made, wanted->classes);
    make_training(made, wanted, &rng);
    made->evaluation.confusion = made->confusion;
    made->evaluation.scores = made->scores;
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
    made->options.epochs = wanted->epochs;
    made->run = (mb_run){.data = "data/mnist",
                         .network = made->network,
                         .machine = &made->info,
                         .options = &made->options,
                         .epochs = made->epochs,
                         .selected = &made->epochs[wanted->epochs - 1]};
    made->dataset = (mb_dataset){
        .folder = "data/mnist",
        .classes = wanted->classes,
        .test = {{made->images, wanted->images, 1, wanted->rows, wanted->columns}, made->labels}};
    made->dataset.train.images = mb_images_slice(&made->dataset.test.images, 0, 0);
    made->report = (mb_report){&made->run,          &made->dataset, &made->evaluation,
                               made->probabilities, &made->curve,   "mnist_blas train --seed 1"};
    return made;
}

void mb_test_report_close(mb_test_report *made)
{
    free(made->epochs);
    free(made->images);
    free(made->labels);
    free(made->probabilities);
    free(made->confusion);
    free(made->scores);
    mb_network_close(made->network);
    mb_machine_close(made->machine);
    free(made);
}
