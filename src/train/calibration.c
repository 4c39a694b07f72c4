#include "core/arena.h"
#include "train/evaluator.h"

#include <math.h>
#include <mnist_blas/calibration.h>
#include <mnist_blas/classifier.h>
#include <stdlib.h>

/* The predicted class of an image. */
typedef struct prediction {
    float probability;
    bool correct;
} prediction;

typedef struct results {
    size_t count, classes;
    float *logits; /* (count, classes) */
    const uint8_t *labels;
    prediction *predictions; /* (count) */
} results;

/* ---- temperature ---- */

/* Mean cross-entropy of the logits times `scale`, and its derivatives by the scale: means of the
 * logits' expectation under the softmax less that of the label, and of their variance. */
static double loss_at(const results *all, double scale, double *first, double *second)
{
    double loss = 0.0;
    *first = *second = 0.0;
    for (size_t i = 0; i < all->count; i++) {
        const float *row = all->logits + i * all->classes;
        const double max = (double)row[mb_argmax(row, all->classes)];
        const double label = (double)row[all->labels[i]] - max;
        double sum = 0.0, mean = 0.0, square = 0.0;
        for (size_t c = 0; c < all->classes; c++) {
            const double z = (double)row[c] - max, e = exp(scale * z);
            sum += e;
            mean += e * z;
            square += e * z * z;
        }
        mean /= sum;
        loss += log(sum) - scale * label;
        *first += mean - label;
        *second += square / sum - mean * mean;
    }
    *first /= (double)all->count;
    *second /= (double)all->count;
    return loss / (double)all->count;
}

/* The loss is convex in 1 / temperature: Newton's method, and bisection if a step leaves the
 * interval that has the minimum. */
static mb_status fit_temperature(const results *all, double *temperature, mb_error *error)
{
    enum { MAX_STEPS = 200 };
    static const double min = 1e-3, max = 1e3, tolerance = 1e-9;
    double low = min, high = max, scale = 1.0, first, second;
    size_t correct = 0;
    for (size_t i = 0; i < all->count; i++)
        correct += all->predictions[i].correct;
    loss_at(all, low, &first, &second);
    const bool falls = first < 0.0;
    loss_at(all, high, &first, &second);
    if (!falls || !(first > 0.0))
        return mb_fail(error, MB_ERROR_DIVERGED,
                       "temperature: none from %g to %g minimises the loss of the %zu validation "
                       "images, %zu of which are predicted correctly: hold out more",
                       min, max, all->count, correct);
    for (size_t step = 0; step < MAX_STEPS; step++) {
        loss_at(all, scale, &first, &second);
        *(first < 0.0 ? &low : &high) = scale;
        double next = scale - first / second;
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        const bool close = fabs(next - scale) <= tolerance * scale;
        scale = next;
        if (close)
            break;
    }
    *temperature = 1.0 / scale;
    return MB_OK;
}

/* The last layer gives the logits: weights and biases. */
static void divide_logits(mb_network *network, double temperature)
{
    const mb_layer *last = &network->layers[network->count - 1];
    float *parameters = network->parameters + last->parameter_offset;
    for (size_t i = 0; i < last->parameter_count; i++)
        parameters[i] = (float)((double)parameters[i] / temperature);
    network->temperature *= temperature;
    network->threshold = 0.0;
}

/* ---- threshold ---- */

/* Fills the predictions. */
static void predict(const results *all, double *loss, double *error)
{
    mb_confidence_stats stats = {.threshold = 0.0f};
    double first, second;
    *loss = loss_at(all, 1.0, &first, &second);
    for (size_t i = 0; i < all->count; i++) {
        const float *row = all->logits + i * all->classes;
        const size_t predicted = mb_argmax(row, all->classes);
        const double confidence = mb_confidence(row, all->classes, predicted);
        const bool correct = predicted == all->labels[i];
        all->predictions[i] = (prediction){(float)confidence, correct};
        mb_confidence_stats_add(&stats, confidence, correct);
    }
    *error = mb_calibration_error(stats.bins, all->count);
}

static int compare_descending(const void *one, const void *other)
{
    const float a = ((const prediction *)one)->probability,
                b = ((const prediction *)other)->probability;
    return (a < b) - (a > b);
}

static double find_threshold(prediction *predictions, size_t count)
{
    double threshold = 0.0;
    size_t wrong = 0;
    qsort(predictions, count, sizeof *predictions, compare_descending);
    for (size_t i = 0; i < count; i++) {
        const float probability = predictions[i].probability;
        wrong += !predictions[i].correct;
        if ((i + 1 == count || predictions[i + 1].probability < probability) &&
            wrong <= (i + 1) / MB_ACCEPTED_PER_ERROR)
            threshold = (double)probability;
    }
    return threshold;
}

/* ---- both ---- */

static mb_status calibrate(mb_machine *machine, mb_network *network, const mb_split *split,
                           bool temperature, const results *all, mb_calibration *calibration,
                           mb_error *error)
{
    mb_status status = mb_classify_logits(machine, network, &split->images, all->logits, error);
    if (status != MB_OK)
        return status;
    *calibration = (mb_calibration){.samples = all->count, .temperature = 1.0};
    predict(all, &calibration->loss_before, &calibration->error_before);
    mb_status fitted = MB_OK;
    if (temperature)
        fitted = fit_temperature(all, &calibration->temperature, error);
    if (temperature && fitted == MB_OK) {
        divide_logits(network, calibration->temperature);
        status = mb_classify_logits(machine, network, &split->images, all->logits, error);
        if (status != MB_OK)
            return status;
    }
    predict(all, &calibration->loss, &calibration->error);
    calibration->threshold = find_threshold(all->predictions, all->count);
    network->threshold = calibration->threshold;
    return fitted;
}

mb_status mb_calibrate(mb_machine *machine, mb_network *network, const mb_split *split,
                       bool temperature, mb_calibration *calibration, mb_error *error)
{
    mb_arena arena = {0};
    mb_status status = mb_network_check_split(network, "calibration", split, error);
    if (status != MB_OK)
        return status;
    const size_t count = split->images.count, classes = network->classes;
    const results all = {.count = count,
                         .classes = classes,
                         .logits = mb_arena_alloc(&arena, count, classes * sizeof *all.logits),
                         .labels = split->labels,
                         .predictions = mb_arena_alloc(&arena, count, sizeof *all.predictions)};
    status = mb_arena_status(&arena, "calibration", error);
    if (status == MB_OK)
        status = calibrate(machine, network, split, temperature, &all, calibration, error);
    mb_arena_free(&arena);
    return status;
}
