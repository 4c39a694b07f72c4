#include "nn/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* Half a cosine from `from` to `to`, at `fraction` (0..1) of the way. */
static double anneal(double from, double to, double fraction)
{
    return to + (from - to) * 0.5 * (1.0 + cos(pi * fraction));
}

static double constant(const mb_training_options *options, size_t step, size_t steps)
{
    (void)step, (void)steps;
    return options->lr;
}

static double cosine(const mb_training_options *options, size_t step, size_t steps)
{
    return anneal(options->lr, options->min_lr, (double)step / (double)steps);
}

/* The defaults of PyTorch's OneCycleLR: steps are counted so that the last has the lowest rate. */
static double one_cycle(const mb_training_options *options, size_t step, size_t steps)
{
    const double warmup_fraction = 0.3, max = options->lr, start = max / 25.0, end = start / 1e4;
    const double warmup = warmup_fraction * (double)steps - 1.0; /* the step at the maximum */
    const double last = (double)steps - 1.0, now = (double)step;
    if (now < warmup)
        return anneal(start, max, now / warmup);
    const double top = warmup > 0.0 ? warmup : 0.0; /* runs of up to three steps begin at the top */
    return last > top ? anneal(max, end, (now - top) / (last - top)) : max;
}

/* By mb_schedule_kind. */
static double (*const schedules[])(const mb_training_options *, size_t step, size_t steps) = {
    [MB_SCHEDULE_CONSTANT] = constant,
    [MB_SCHEDULE_COSINE] = cosine,
    [MB_SCHEDULE_ONECYCLE] = one_cycle,
    [MB_SCHEDULE_PLATEAU] = constant, /* as long as there is no decay */
};

double mb_schedule_lr(const mb_training_options *options, size_t step, size_t steps)
{
    return schedules[options->schedule](options, step, steps);
}

double mb_schedule_plateau_lr(const mb_training_options *options, size_t step, size_t decay_from,
                              size_t decay_steps)
{
    if (step < decay_from)
        return options->lr;
    const size_t done = step - decay_from;
    return done < decay_steps ? options->lr * (double)(decay_steps - done) / (double)decay_steps
                              : 0.0;
}
