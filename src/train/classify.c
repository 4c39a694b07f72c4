/* What a network makes of images whose classes need not be known. */
#include "train/classify.h"

#include "machine/machine.h"
#include "train/evaluator.h"

#include <math.h>
#include <stdlib.h>

/* See src/kernels/softmax.c. */
void mb_softmax(size_t classes, float *row)
{
    float most = row[0];
    double sum = 0.0;
    for (size_t c = 1; c < classes; c++)
        most = row[c] > most ? row[c] : most;
    for (size_t c = 0; c < classes; c++)
        sum += exp((double)row[c] - (double)most);
    for (size_t c = 0; c < classes; c++)
        row[c] = (float)(exp((double)row[c] - (double)most) / sum);
}

mb_status mb_logits(mb_machine *machine, const mb_network *network, const mb_images *images,
                    float *logits, mb_error *error)
{
    mb_team *team = mb_machine_team(machine);
    uint8_t *labels = calloc(images->count + 1, 1); /* class 0: the loss is not looked at */
    const mb_split split = {*images, labels};
    mb_evaluator evaluator = {0};
    mb_status status = labels != NULL ? MB_OK : mb_fail_memory(error, "evaluation", images->count);
    if (status == MB_OK)
        status = mb_evaluator_open(network, &split, mb_team_threads(team), &evaluator, error);
    if (status != MB_OK)
        goto done;
    evaluator.epoch.stats.logits = logits;
    if (!mb_evaluator_run(&evaluator, team, NULL)->finite)
        status =
            mb_fail(error, MB_ERROR_DIVERGED, "evaluation: the network's output is not finite");
    mb_evaluator_close(&evaluator);
done:
    free(labels);
    return status;
}

mb_status mb_classify(mb_machine *machine, const mb_network *network, const mb_images *images,
                      float *probabilities, mb_error *error)
{
    const mb_status status = mb_logits(machine, network, images, probabilities, error);
    for (size_t i = 0; status == MB_OK && i < images->count; i++)
        mb_softmax(network->classes, probabilities + i * network->classes);
    return status;
}
