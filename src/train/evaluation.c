#include "core/clock.h"
#include "data/sampler.h"
#include "machine/machine.h"
#include "train/evaluator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

mb_status mb_network_check_images(const mb_network *network, const char *what,
                                  const mb_images *images, mb_error *error)
{
    const mb_shape input = network->input;
    if (images->count == 0)
        return mb_fail(error, MB_ERROR_INVALID, "%s: there are no images", what);
    if (!mb_shape_equal(mb_images_shape(images), input))
        return mb_fail(error, MB_ERROR_INVALID,
                       "%s: images are %zux%zux%zu, the network takes %zux%zux%zu", what,
                       images->channels, images->rows, images->columns, input.channels, input.rows,
                       input.columns);
    return MB_OK;
}

mb_status mb_network_check_split(const mb_network *network, const char *what, const mb_split *split,
                                 mb_error *error)
{
    const mb_status status = mb_network_check_images(network, what, &split->images, error);
    for (size_t i = 0; status == MB_OK && i < split->images.count; i++)
        if (split->labels[i] >= network->classes)
            return mb_fail(error, MB_ERROR_INVALID,
                           "%s: label %u at item %zu, the network has %zu classes", what,
                           split->labels[i], i, network->classes);
    return status;
}

mb_status mb_evaluator_open(const mb_network *network, const mb_split *split,
                            const mb_distortion *distortion, size_t threads, const mb_ranks *ranks,
                            mb_evaluator *evaluator, mb_error *error)
{
    const size_t cells = network->classes * network->classes, samples = split->images.count;
    const mb_data_loader_config config = {.source = &evaluator->source,
                                          .augmenter =
                                              distortion != NULL ? &evaluator->distorter : NULL,
                                          .samples = samples,
                                          .batch_size = MB_EVALUATION_BATCH};
    *evaluator = (mb_evaluator){0};
    mb_status status = mb_network_check_split(network, "evaluation", split, error);
    if (status == MB_OK)
        status = mb_network_source(network, split, &evaluator->arena, &evaluator->source, error);
    if (status == MB_OK && distortion != NULL)
        status = mb_distorter_open(distortion, &evaluator->source, &evaluator->arena,
                                   &evaluator->distorter, error);
    if (status == MB_OK)
        status = mb_epoch_open(network, &config, NULL, threads, ranks, &evaluator->epoch, error);
    if (status == MB_OK) {
        evaluator->order = mb_arena_alloc(&evaluator->arena, samples, sizeof *evaluator->order);
        evaluator->epoch.stats.confusion = mb_arena_alloc(&evaluator->arena, cells, sizeof(size_t));
        status = mb_arena_status(&evaluator->arena, "evaluation", error);
    }
    if (status == MB_OK)
        mb_sampler_sequential(samples, evaluator->order);
    else
        mb_evaluator_close(evaluator);
    return status;
}

const mb_epoch_stats *mb_evaluator_run(mb_evaluator *evaluator, mb_team *team,
                                       const mb_training_events *events)
{
    mb_epoch *epoch = &evaluator->epoch;
    const size_t classes = epoch->network->classes, steps = mb_data_loader_steps(&epoch->loader);
    for (size_t i = 0; i < classes * classes; i++)
        epoch->stats.confusion[i] = 0;
    mb_epoch_start(epoch, evaluator->order, 0);
    for (size_t step = 0, wanted = 1; step < steps && epoch->stats.finite;) {
        if (mb_ranks_any(epoch->ranks, mb_events_stop(events)))
            return NULL;
        const double started = mb_seconds();
        const size_t count = mb_ranks_broadcast(epoch->ranks, mb_min_size(steps - step, wanted));
        const size_t ran = mb_epoch_run(epoch, team, mb_team_threads(team), step, count);
        wanted = mb_epoch_interval(ran, mb_seconds() - started);
        step += ran;
    }
    return &epoch->stats;
}

void mb_evaluator_close(mb_evaluator *evaluator)
{
    mb_epoch_close(&evaluator->epoch);
    mb_arena_free(&evaluator->arena);
}

static double fraction(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

static mb_class_score score_class(const size_t *confusion, size_t classes, size_t class)
{
    size_t actual = 0, predicted = 0;
    const size_t correct = confusion[class * classes + class];
    for (size_t other = 0; other < classes; other++) {
        actual += confusion[class * classes + other];
        predicted += confusion[other * classes + class];
    }
    return (mb_class_score){.precision = fraction(correct, predicted),
                            .recall = fraction(correct, actual),
                            .f1 = fraction(2 * correct, actual + predicted),
                            .support = actual};
}

static mb_class_score mean_score(const mb_class_score *scores, size_t classes)
{
    mb_class_score sum = {0};
    size_t count = 0;
    for (const mb_class_score *score = scores; score < scores + classes; score++) {
        if (score->support == 0)
            continue;
        sum.precision += score->precision;
        sum.recall += score->recall;
        sum.f1 += score->f1;
        sum.support += score->support;
        count++;
    }
    const double divisor = count > 0 ? (double)count : 1.0;
    return (mb_class_score){sum.precision / divisor, sum.recall / divisor, sum.f1 / divisor,
                            sum.support};
}

double mb_calibration_error(const mb_confidence_bin *bins, size_t samples)
{
    double sum = 0.0;
    for (size_t i = 0; i < MB_CONFIDENCE_BINS; i++)
        sum += fabs((double)bins[i].correct - bins[i].confidence);
    return sum / (double)samples;
}

/* One allocation: the evaluation, then its confusion matrix, then its scores. */
static mb_evaluation *summarise(const mb_epoch_stats *stats, size_t classes, size_t samples)
{
    const size_t cells = classes * classes;
    const mb_confidence_stats *confidence = stats->confidence;
    mb_evaluation *evaluation =
        malloc(sizeof *evaluation + cells * sizeof(size_t) + classes * sizeof(mb_class_score));
    if (evaluation == NULL)
        return NULL;
    size_t *confusion = (size_t *)(evaluation + 1);
    mb_class_score *scores = (mb_class_score *)(confusion + cells);
    for (size_t i = 0; i < cells; i++)
        confusion[i] = stats->confusion[i];
    for (size_t class = 0; class < classes; class ++)
        scores[class] = score_class(confusion, classes, class);
    *evaluation = (mb_evaluation){
        .classes = classes,
        .samples = samples,
        .correct = stats->correct,
        .accuracy = fraction(stats->correct, samples),
        .loss = stats->loss / (double)samples,
        .confusion = confusion,
        .scores = scores,
        .macro = mean_score(scores, classes),
        .calibration_error = mb_calibration_error(confidence->bins, samples),
        .threshold = (double)confidence->threshold,
        .accepted = confidence->accepted,
        .coverage = fraction(confidence->accepted, samples),
        .selective_risk =
            fraction(confidence->accepted - confidence->accepted_correct, confidence->accepted)};
    memcpy(evaluation->bins, confidence->bins, sizeof evaluation->bins);
    return evaluation;
}

mb_status mb_evaluate(mb_machine *machine, const mb_network *network, const mb_split *split,
                      mb_evaluation **evaluation, mb_error *error)
{
    mb_team *team = mb_machine_team(machine);
    mb_confidence_stats confidence = {.threshold = (float)network->threshold};
    mb_evaluator evaluator;
    mb_status status =
        mb_evaluator_open(network, split, NULL, mb_team_threads(team), NULL, &evaluator, error);
    if (status != MB_OK)
        return status;
    evaluator.epoch.stats.confidence = &confidence;
    const mb_epoch_stats *stats = mb_evaluator_run(&evaluator, team, NULL);
    if (!stats->finite)
        status =
            mb_fail(error, MB_ERROR_DIVERGED, "evaluation: the network's output is not finite");
    else if ((*evaluation = summarise(stats, network->classes, split->images.count)) == NULL)
        status = mb_fail_memory(error, "evaluation", network->classes * sizeof(size_t));
    mb_evaluator_close(&evaluator);
    return status;
}

void mb_evaluation_free(mb_evaluation *evaluation) { free(evaluation); }
