/* Classifying images without labels: one step per batch of an epoch that stores logits. */
#include "data/sampler.h"
#include "machine/machine.h"
#include "train/evaluator.h"

#include <math.h>
#include <mnist_blas/classifier.h>
#include <stdlib.h>

struct mb_classifier {
    mb_machine *machine;
    mb_arena arena;
    mb_sample_source source; /* of the current batch */
    uint32_t *order;
    size_t max_batch;
    mb_epoch epoch;
};

static mb_status open_classifier(mb_classifier *classifier, const mb_network *network,
                                 mb_error *error)
{
    const size_t max_batch = classifier->max_batch;
    const mb_data_loader_config config = {
        .source = &classifier->source, .samples = max_batch, .batch_size = max_batch};
    classifier->order = mb_arena_alloc(&classifier->arena, max_batch, sizeof(uint32_t));
    mb_status status = mb_arena_status(&classifier->arena, "classifier", error);
    if (status == MB_OK)
        status = mb_network_reserve_source(network, max_batch, &classifier->arena,
                                           &classifier->source, error);
    if (status == MB_OK)
        status =
            mb_epoch_open(network, &config, NULL, mb_machine_describe(classifier->machine)->threads,
                          NULL, &classifier->epoch, error);
    if (status == MB_OK)
        mb_sampler_sequential(max_batch, classifier->order);
    return status;
}

mb_status mb_classifier_open(mb_machine *machine, const mb_network *network, size_t max_batch,
                             mb_classifier **classifier, mb_error *error)
{
    if (max_batch == 0 || max_batch > UINT32_MAX)
        return mb_fail(error, MB_ERROR_INVALID, "classifier: max_batch must be 1 to %u, got %zu",
                       UINT32_MAX, max_batch);
    mb_classifier *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "classifier", sizeof *opened);
    opened->machine = machine;
    opened->max_batch = max_batch;
    const mb_status status = open_classifier(opened, network, error);
    if (status == MB_OK)
        *classifier = opened;
    else
        mb_classifier_close(opened);
    return status;
}

static mb_status classify_batch(mb_classifier *classifier, const mb_images *images, float *logits,
                                mb_error *error)
{
    mb_epoch *epoch = &classifier->epoch;
    mb_team *team = mb_machine_team(classifier->machine);
    classifier->source.split.images = *images;
    const mb_status status = mb_epoch_set_samples(epoch, images->count, error);
    if (status != MB_OK)
        return status;
    epoch->logits = logits;
    mb_epoch_start(epoch, classifier->order, 0);
    mb_epoch_run(epoch, team, mb_team_threads(team), 0, 1);
    return epoch->stats.finite ? MB_OK
                               : mb_fail(error, MB_ERROR_DIVERGED,
                                         "classifier: the network's output is not finite");
}

mb_status mb_classifier_logits(mb_classifier *classifier, const mb_images *images, float *logits,
                               mb_error *error)
{
    const mb_network *network = classifier->epoch.network;
    mb_status status = mb_network_check_images(network, "classifier", images, error);
    for (size_t first = 0; first < images->count && status == MB_OK;) {
        const size_t count = mb_min_size(images->count - first, classifier->max_batch);
        const mb_images batch = mb_images_slice(images, first, count);
        status = classify_batch(classifier, &batch, logits + first * network->classes, error);
        first += count;
    }
    return status;
}

/* The formula of softmax_cross_entropy (kernels/softmax.c), which is in float for speed; in double,
 * as probabilities are printed to the last digit of a float. */
void mb_softmax(size_t classes, float *row)
{
    float max = row[0];
    double sum = 0.0;
    for (size_t c = 1; c < classes; c++)
        max = row[c] > max ? row[c] : max;
    for (size_t c = 0; c < classes; c++)
        sum += exp((double)row[c] - (double)max);
    for (size_t c = 0; c < classes; c++)
        row[c] = (float)(exp((double)row[c] - (double)max) / sum);
}

mb_status mb_classifier_probabilities(mb_classifier *classifier, const mb_images *images,
                                      float *probabilities, mb_error *error)
{
    const size_t classes = classifier->epoch.network->classes;
    const mb_status status = mb_classifier_logits(classifier, images, probabilities, error);
    for (size_t i = 0; status == MB_OK && i < images->count; i++)
        mb_softmax(classes, probabilities + i * classes);
    return status;
}

void mb_classifier_close(mb_classifier *classifier)
{
    if (classifier == NULL)
        return;
    mb_epoch_close(&classifier->epoch);
    mb_arena_free(&classifier->arena);
    free(classifier);
}

typedef mb_status classify_fn(mb_classifier *classifier, const mb_images *images, float *results,
                              mb_error *error);

static mb_status classify(mb_machine *machine, const mb_network *network, const mb_images *images,
                          classify_fn *run, float *results, mb_error *error)
{
    mb_classifier *classifier = NULL;
    mb_status status =
        mb_classifier_open(machine, network, MB_EVALUATION_BATCH, &classifier, error);
    if (status == MB_OK)
        status = run(classifier, images, results, error);
    mb_classifier_close(classifier);
    return status;
}

mb_status mb_classify_logits(mb_machine *machine, const mb_network *network,
                             const mb_images *images, float *logits, mb_error *error)
{
    return classify(machine, network, images, mb_classifier_logits, logits, error);
}

mb_status mb_classify_probabilities(mb_machine *machine, const mb_network *network,
                                    const mb_images *images, float *probabilities, mb_error *error)
{
    return classify(machine, network, images, mb_classifier_probabilities, probabilities, error);
}
