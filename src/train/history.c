#include "train/history.h"

#include <stdint.h>
#include <stdlib.h>

mb_status mb_history_open(size_t epochs, mb_history *history, mb_error *error)
{
    /* Zeroed pages take no memory until an epoch is written. */
    *history = (mb_history){.epochs = calloc(epochs, sizeof *history->epochs)};
    if (history->epochs == NULL)
        return mb_fail_memory(error, "epochs", epochs * sizeof *history->epochs);
    return MB_OK;
}

void mb_history_add(mb_history *history, const mb_epoch_metrics *metrics, const float *step_loss,
                    size_t steps)
{
    history->epochs[history->finished++] = *metrics;
    mb_loss_curve_add(&history->curve, step_loss, steps);
}

size_t mb_history_best(const mb_history *history)
{
    size_t best = 0;
    for (size_t i = 1; i < history->finished; i++)
        if (history->epochs[i].validation_accuracy > history->epochs[best].validation_accuracy)
            best = i;
    return best;
}

size_t mb_history_plateau(const mb_history *history, size_t patience)
{
    size_t best = 0;
    for (size_t i = 1; i < history->finished; i++)
        if (history->epochs[i].validation_accuracy > history->epochs[best].validation_accuracy)
            best = i;
        else if (i - best >= patience)
            return i + 1;
    return SIZE_MAX;
}

void mb_history_close(mb_history *history)
{
    free(history->epochs);
    *history = (mb_history){0};
}

/* Merges pairs of neighbours into points of twice the steps. */
static void halve(mb_loss_curve *curve)
{
    for (size_t i = 0; i < MB_LOSS_CURVE_POINTS / 2; i++)
        curve->sum[i] = curve->sum[2 * i] + curve->sum[2 * i + 1];
    for (size_t i = MB_LOSS_CURVE_POINTS / 2; i < MB_LOSS_CURVE_POINTS; i++)
        curve->sum[i] = 0.0;
    curve->stride *= 2;
}

void mb_loss_curve_add(mb_loss_curve *curve, const float *losses, size_t count)
{
    if (curve->stride == 0)
        curve->stride = 1;
    for (size_t i = 0; i < count; i++) {
        if (curve->steps == curve->stride * MB_LOSS_CURVE_POINTS)
            halve(curve);
        curve->sum[curve->steps++ / curve->stride] += (double)losses[i];
    }
}

size_t mb_loss_curve_points(const mb_loss_curve *curve)
{
    return curve->steps > 0 ? (curve->steps - 1) / curve->stride + 1 : 0;
}

size_t mb_loss_curve_count(const mb_loss_curve *curve, size_t point)
{
    const size_t left = curve->steps - point * curve->stride;
    return left < curve->stride ? left : curve->stride;
}

float mb_loss_curve_mean(const mb_loss_curve *curve, size_t point)
{
    return (float)(curve->sum[point] / (double)mb_loss_curve_count(curve, point));
}
