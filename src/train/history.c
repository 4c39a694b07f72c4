#include "train/history.h"

#include <stdlib.h>

mb_status mb_history_open(size_t epochs, mb_history *record, mb_error *error)
{
    /* Pages that no epoch comes to are never touched. */
    *record = (mb_history){.epochs = calloc(epochs, sizeof *record->epochs)};
    if (record->epochs == NULL)
        return mb_fail_memory(error, "epochs", epochs * sizeof *record->epochs);
    return MB_OK;
}

void mb_history_add(mb_history *record, const mb_epoch_metrics *metrics, const float *step_loss,
                    size_t steps)
{
    record->epochs[record->finished++] = *metrics;
    mb_loss_curve_add(&record->curve, step_loss, steps);
}

size_t mb_history_best(const mb_history *record)
{
    size_t best = 0;
    for (size_t i = 1; i < record->finished; i++)
        if (record->epochs[i].validation_accuracy > record->epochs[best].validation_accuracy)
            best = i;
    return best;
}

void mb_history_close(mb_history *record)
{
    free(record->epochs);
    *record = (mb_history){0};
}
