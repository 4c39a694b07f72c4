#include "data/sampler.h"
#include "machine/machine.h"
#include "train/evaluator.h"

#include <stdlib.h>

/* Large enough that the weights are read seldom, small enough that a batch stays in cache. */
enum { EVALUATION_BATCH = 256 };

static mb_status check_split(const mb_network *network, const mb_split *split, size_t rows,
                             size_t columns, mb_error *error)
{
    const mb_shape input = network->input;
    if (split->count == 0)
        return mb_fail(error, MB_INVALID, "evaluation: there are no images");
    if (input.channels != 1 || input.rows != rows || input.columns != columns)
        return mb_fail(error, MB_INVALID,
                       "evaluation: images are %zux%zu, the network takes %zux%zux%zu", rows,
                       columns, input.channels, input.rows, input.columns);
    for (size_t i = 0; i < split->count; i++)
        if (split->labels[i] >= network->classes)
            return mb_fail(error, MB_INVALID,
                           "evaluation: label %u at item %zu, the network has %zu classes",
                           split->labels[i], i, network->classes);
    return MB_OK;
}

mb_status mb_evaluator_open(const mb_network *network, const mb_split *split, size_t rows,
                            size_t columns, size_t threads, mb_evaluator *evaluator,
                            mb_error *error)
{
    const size_t cells = network->classes * network->classes;
    *evaluator = (mb_evaluator){0};
    mb_status status = check_split(network, split, rows, columns, error);
    if (status == MB_OK)
        status = mb_network_source(network, split, rows * columns, &evaluator->arena,
                                   &evaluator->source, error);
    const mb_supply supply = {
        .source = &evaluator->source, .samples = split->count, .batch_size = EVALUATION_BATCH};
    if (status == MB_OK)
        status = mb_pass_open(network, &supply, NULL, threads, &evaluator->pass, error);
    if (status != MB_OK)
        goto done;
    evaluator->order = mb_arena_take(&evaluator->arena, split->count, sizeof *evaluator->order);
    evaluator->pass.tally.confusion = mb_arena_take(&evaluator->arena, cells, sizeof(size_t));
    if (evaluator->order == NULL || evaluator->pass.tally.confusion == NULL)
        status = mb_fail_memory(error, "evaluation", split->count * sizeof *evaluator->order);
    else
        mb_sampler_in_order(split->count, evaluator->order);
done:
    if (status != MB_OK)
        mb_evaluator_close(evaluator);
    return status;
}

const mb_tally *mb_evaluator_run(mb_evaluator *evaluator, mb_team *team)
{
    mb_pass *pass = &evaluator->pass;
    const size_t classes = pass->network->classes;
    for (size_t i = 0; i < classes * classes; i++)
        pass->tally.confusion[i] = 0;
    mb_pass_start(pass, evaluator->order, 0);
    mb_pass_run(pass, team, mb_team_threads(team), 0, mb_feed_steps(&pass->feed));
    return &pass->tally;
}

void mb_evaluator_close(mb_evaluator *evaluator)
{
    mb_pass_close(&evaluator->pass);
    mb_arena_free(&evaluator->arena);
}

static double share(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

static mb_class_score score_class(const size_t *confusion, size_t classes, size_t class)
{
    size_t truly = 0, guessed = 0;
    const size_t right = confusion[class * classes + class];
    for (size_t other = 0; other < classes; other++) {
        truly += confusion[class * classes + other];
        guessed += confusion[other * classes + class];
    }
    return (mb_class_score){.precision = share(right, guessed),
                            .recall = share(right, truly),
                            .f1 = share(2 * right, truly + guessed),
                            .support = truly};
}

/* One allocation: the evaluation, then its confusion matrix, then its scores. */
static mb_evaluation *summarise(const mb_tally *tally, size_t classes, size_t samples)
{
    const size_t cells = classes * classes;
    mb_evaluation *evaluation =
        malloc(sizeof *evaluation + cells * sizeof(size_t) + classes * sizeof(mb_class_score));
    if (evaluation == NULL)
        return NULL;
    size_t *confusion = (size_t *)(evaluation + 1);
    mb_class_score *scores = (mb_class_score *)(confusion + cells);
    for (size_t i = 0; i < cells; i++)
        confusion[i] = tally->confusion[i];
    for (size_t class = 0; class < classes; class ++)
        scores[class] = score_class(confusion, classes, class);
    *evaluation = (mb_evaluation){.classes = classes,
                                  .samples = samples,
                                  .correct = tally->correct,
                                  .accuracy = share(tally->correct, samples),
                                  .loss = tally->loss / (double)samples,
                                  .confusion = confusion,
                                  .scores = scores};
    return evaluation;
}

mb_status mb_evaluate(mb_machine *machine, const mb_network *network, const mb_split *split,
                      size_t rows, size_t columns, mb_evaluation **evaluation, mb_error *error)
{
    mb_team *team = mb_machine_team(machine);
    mb_evaluator evaluator;
    mb_status status =
        mb_evaluator_open(network, split, rows, columns, mb_team_threads(team), &evaluator, error);
    if (status != MB_OK)
        return status;
    const mb_tally *tally = mb_evaluator_run(&evaluator, team);
    if (!tally->healthy)
        status = mb_fail(error, MB_DIVERGED, "evaluation: the network's output is not finite");
    else if ((*evaluation = summarise(tally, network->classes, split->count)) == NULL)
        status = mb_fail_memory(error, "evaluation", network->classes * sizeof(size_t));
    mb_evaluator_close(&evaluator);
    return status;
}

void mb_evaluation_free(mb_evaluation *evaluation) { free(evaluation); }
