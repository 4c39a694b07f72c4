#include "nn/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* From `from` to `to` along half a cosine, at `share` (0..1) of the way. */
static double along_cosine(double from, double to, double share)
{
    return to + (from - to) * 0.5 * (1.0 + cos(pi * share));
}

/* The defaults of PyTorch's OneCycleLR: steps are counted so that the last has the least rate. */
static double one_cycle(double peak, size_t step, size_t steps)
{
    const double warm_share = 0.3, start = peak / 25.0, end = start / 1e4;
    const double warm = warm_share * (double)steps - 1.0; /* where the peak is */
    const double last = (double)steps - 1.0, now = (double)step;
    if (now < warm)
        return along_cosine(start, peak, now / warm);
    const double top =
        warm > 0.0 ? warm : 0.0; /* runs of three steps and fewer begin at the peak */
    return last > top ? along_cosine(peak, end, (now - top) / (last - top)) : peak;
}

double mb_schedule_lr(const mb_training_options *options, size_t step, size_t steps)
{
    switch (options->schedule) {
    case MB_SCHEDULE_COSINE:
        return along_cosine(options->lr, 0.0, (double)step / (double)steps);
    case MB_SCHEDULE_ONECYCLE:
        return one_cycle(options->lr, step, steps);
    case MB_SCHEDULE_CONSTANT:
        break;
    }
    return options->lr;
}
