/* Accuracy on distorted images: one run of an evaluator for each strength. */
#include "machine/machine.h"
#include "train/evaluator.h"

#include <mnist_blas/robustness.h>

#define GROUP "Robustness, the accuracy on distorted test images:"
#define MAX(kind) offsetof(mb_robustness_options, max[kind])
#define STRENGTH(unit, maximum)                                                                    \
    MB_KIND_REAL(unit, 0.0, maximum), .min_excluded = true, .unset = "none"

const mb_option mb_robustness_option_table[] = {
    [MB_DISTORTION_SHIFT] = {"shift", "shift, pixels", GROUP, MAX(MB_DISTORTION_SHIFT),
                             "maximum shift of the images, each in a random direction",
                             STRENGTH("PIXELS", 1000.0)},
    [MB_DISTORTION_ROTATION] = {"rotate", "rotation, degrees", GROUP, MAX(MB_DISTORTION_ROTATION),
                                "maximum rotation of the images about their center, each "
                                "clockwise or counterclockwise at random",
                                STRENGTH("DEGREES", 180.0)},
    [MB_DISTORTION_NOISE] = {"noise", "noise, standard deviation", GROUP, MAX(MB_DISTORTION_NOISE),
                             "maximum standard deviation of Gaussian noise, added to pixels of 0 "
                             "to 1, which are then clipped to that",
                             STRENGTH("SIGMA", 1.0)},
    [MB_DISTORTIONS] = {0},
};

static mb_status check(const mb_robustness_options *options, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t kind = 0; kind < MB_DISTORTIONS && status == MB_OK; kind++)
        if (options->max[kind] != 0.0)
            status = mb_option_check(&mb_robustness_option_table[kind], options, error);
    return status;
}

/* `distortion` is the evaluator's. */
static mb_status measure(mb_evaluator *evaluator, mb_team *team, double max,
                         mb_distortion *distortion, mb_robustness_curve *curve, mb_error *error)
{
    curve->kind = distortion->kind;
    for (size_t i = 0; i < MB_ROBUSTNESS_POINTS; i++) {
        distortion->strength = curve->strength[i] = max * (double)i / (MB_ROBUSTNESS_POINTS - 1);
        const mb_epoch_stats *stats = mb_evaluator_run(evaluator, team, NULL);
        if (!stats->finite)
            return mb_fail(error, MB_ERROR_DIVERGED,
                           "robustness: the network's output is not finite");
        curve->correct[i] = stats->correct;
        curve->accuracy[i] = (double)stats->correct / (double)evaluator->source.split.images.count;
    }
    return MB_OK;
}

mb_status mb_evaluate_robustness(mb_machine *machine, const mb_network *network,
                                 const mb_split *split, const mb_robustness_options *options,
                                 mb_robustness *robustness, mb_error *error)
{
    mb_team *team = mb_machine_team(machine);
    mb_distortion distortion = {.seed = options->seed};
    mb_evaluator evaluator;
    *robustness = (mb_robustness){.samples = split->images.count};
    mb_status status = check(options, error);
    if (status == MB_OK)
        status = mb_evaluator_open(network, split, &distortion, mb_team_threads(team), NULL,
                                   &evaluator, error);
    if (status != MB_OK)
        return status;
    for (size_t kind = 0; kind < MB_DISTORTIONS && status == MB_OK; kind++) {
        if (options->max[kind] == 0.0)
            continue;
        distortion.kind = (mb_distortion_kind)kind;
        status = measure(&evaluator, team, options->max[kind], &distortion,
                         &robustness->curves[robustness->count++], error);
    }
    mb_evaluator_close(&evaluator);
    return status;
}
