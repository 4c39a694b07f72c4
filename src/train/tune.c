#include <mnist_blas/tune.h>

#include "core/clock.h"
#include "core/spread.h"
#include "core/util.h"

#include <string.h>

/* Seconds of all measurements, and of one; rounds at most; medians this close count as equal. */
static const double total_seconds = 8.0, measurement_seconds = 0.05, noise = 0.02;
enum { MAX_ROUNDS = 25 };

typedef struct mb_tuner {
    const mb_dataset *dataset;
    const char *network;
    mb_training_options options;
    size_t samples; /* training images per measurement */
    mb_tune_result *result;
    double speed[MB_TUNE_MAX_CANDIDATES][MAX_ROUNDS]; /* samples per second */
} mb_tuner;

/* ---- candidates ---- */

static void add(mb_tune_result *result, size_t threads, const char *pin)
{
    for (size_t i = 0; i < result->count; i++)
        if (result->candidates[i].machine.threads == threads &&
            strcmp(result->candidates[i].machine.pin, pin) == 0)
            return;
    if (result->count < MB_TUNE_MAX_CANDIDATES)
        result->candidates[result->count++].machine = (mb_machine_options){.threads = threads, .pin = pin};
}

static mb_status list_candidates(mb_tune_result *result, mb_error *error)
{
    const mb_machine_options one_thread = {.threads = 1};
    mb_machine *machine = NULL;
    const mb_status status = mb_machine_open(&one_thread, &machine, error);
    if (status != MB_OK)
        return status;
    const mb_machine_info *info = mb_machine_describe(machine);
    size_t max = info->cores_allowed;
    if (info->quota >= 1.0 && info->quota < (double)max)
        max = (size_t)info->quota;
    result->openmp_binds = strcmp(info->pin_policy, "OpenMP") == 0;
    for (size_t threads = 1; threads < max; threads *= 2)
        add(result, threads, "core");
    add(result, max, "core");
    if (!result->openmp_binds)
        add(result, max, "none");
    if (!result->openmp_binds && info->pus_allowed > info->cores_allowed && info->quota == 0.0)
        add(result, info->pus_allowed, "pu");
    mb_machine_close(machine);
    return MB_OK;
}

/* ---- measuring ---- */

static void note_seconds(void *context, const mb_epoch_metrics *metrics)
{
    *(double *)context = metrics->seconds;
}

/* Trains one epoch to warm up and one that counts; *speed is in samples per second. */
static mb_status measure(const mb_tuner *tuner, size_t candidate, double *speed, mb_error *error)
{
    const mb_shape input = mb_images_shape(&tuner->dataset->train.images);
    double seconds = 0.0;
    const mb_training_events events = {.context = &seconds, .epoch = note_seconds};
    mb_dataset part = *tuner->dataset;
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    part.train.images.count = tuner->samples;
    part.validation = 0;
    part.test.images.count = 1; /* evaluation is not timed */
    mb_status status =
        mb_machine_open(&tuner->result->candidates[candidate].machine, &machine, error);
    if (status == MB_OK)
        status = mb_network_open(machine, tuner->network, input, part.classes, &network, error);
    if (status == MB_OK) {
        mb_network_initialise(network, tuner->options.seed);
        status = mb_train(machine, network, &part, &tuner->options, &events, error);
    }
    if (status == MB_OK)
        *speed = (double)tuner->samples / seconds;
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

/* Samples that take measurement_seconds with all cores; at least one batch. */
static mb_status choose_samples(mb_tuner *tuner, mb_error *error)
{
    const size_t all = tuner->dataset->train.images.count;
    double speed = 0.0;
    tuner->samples = mb_min_size(tuner->options.batch_size, all);
    for (;;) {
        const mb_status status = measure(tuner, tuner->result->count - 1, &speed, error);
        const double wanted = speed * measurement_seconds;
        if (status != MB_OK || tuner->samples == all || wanted < 2.0 * (double)tuner->samples)
            return status;
        tuner->samples = wanted < (double)all ? (size_t)wanted : all;
    }
}

/* Candidates alternate, so that a disturbance of the machine hits all of them. */
static mb_status measure_all(mb_tuner *tuner, mb_error *error)
{
    mb_tune_result *result = tuner->result;
    const double start = mb_seconds();
    mb_status status = choose_samples(tuner, error);
    double longest = 0.0;
    while (status == MB_OK && result->rounds < MAX_ROUNDS) {
        const double round_start = mb_seconds();
        if (result->rounds > 0 && round_start - start + longest > total_seconds)
            break;
        for (size_t i = 0; i < result->count && status == MB_OK; i++)
            status = measure(tuner, i, &tuner->speed[i][result->rounds], error);
        const double round_seconds = mb_seconds() - round_start;
        longest = round_seconds > longest ? round_seconds : longest;
        result->rounds++;
    }
    return status;
}

/* Fewer threads come first, and so do the default pins. */
static void evaluate(mb_tuner *tuner)
{
    mb_tune_result *result = tuner->result;
    double fastest = 0.0;
    for (size_t i = 0; i < result->count; i++) {
        mb_tune_candidate *candidate = &result->candidates[i];
        const mb_spread speed = mb_spread_of(tuner->speed[i], result->rounds);
        candidate->min = speed.min;
        candidate->median = speed.median;
        candidate->max = speed.max;
        fastest = speed.median > fastest ? speed.median : fastest;
    }
    while (result->candidates[result->best].median < (1.0 - noise) * fastest)
        result->best++;
}

mb_status mb_tune(const mb_dataset *dataset, const char *network,
                  const mb_training_options *options, mb_tune_result *result, mb_error *error)
{
    mb_tuner tuner = {
        .dataset = dataset, .network = network, .options = *options, .result = result};
    tuner.options.epochs = 2;
    *result = (mb_tune_result){0};
    mb_status status = list_candidates(result, error);
    if (status == MB_OK)
        status = measure_all(&tuner, error);
    if (status == MB_OK)
        evaluate(&tuner);
    return status;
}
