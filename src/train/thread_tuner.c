#include "train/thread_tuner.h"

/* Steps of a trial, trials of each size, and how many times as long an epoch must be. A step that
 * takes longer than this on all threads is long enough for them. */
enum { TRIAL_STEPS = 16, ROUNDS = 3, LEAST_PART = 8 };
static const double long_step = 500e-6;

/* Where all threads are faster than fewer by this after one trial of each, no more are wanted. */
static const double clearly = 1.15;

static size_t size_of_trial(const mb_thread_tuner *tuner, size_t trial)
{
    const size_t threads = tuner->most >> trial % tuner->sizes;
    return threads > 0 ? threads : 1;
}

mb_thread_tuner mb_thread_tuner_init(size_t most, bool asked_for)
{
    mb_thread_tuner tuner = {.threads = most, .most = most, .sizes = 1};
    while (!asked_for && most >> tuner.sizes > 0 && tuner.sizes < MB_MAX_THREAD_COUNTS)
        tuner.sizes++;
    return tuner;
}

void mb_thread_tuner_start_epoch(mb_thread_tuner *tuner, size_t steps)
{
    const size_t trials = ROUNDS * tuner->sizes;
    tuner->trials = 0;
    tuner->threads = tuner->most;
    tuner->trying = tuner->sizes > 1 && steps >= LEAST_PART * trials * TRIAL_STEPS;
}

size_t mb_thread_tuner_steps(const mb_thread_tuner *tuner, size_t usual)
{
    return tuner->trying && usual > TRIAL_STEPS ? TRIAL_STEPS : usual;
}

/* The size of the quickest trial; the larger of equal ones. */
static size_t fastest(const mb_thread_tuner *tuner)
{
    size_t best = 0;
    for (size_t i = 1; i < tuner->sizes; i++)
        if (tuner->best[i] < tuner->best[best])
            best = i;
    return size_of_trial(tuner, best);
}

/* Whether a trial of each size leaves no doubt that all threads are the fastest. */
static bool all_are_clearly_faster(const mb_thread_tuner *tuner)
{
    for (size_t i = 1; i < tuner->sizes; i++)
        if (tuner->best[i] < clearly * tuner->best[0])
            return false;
    return tuner->trials >= tuner->sizes;
}

void mb_thread_tuner_record(mb_thread_tuner *tuner, size_t steps, double seconds)
{
    if (!tuner->trying)
        return;
    const double each = seconds / (double)steps;
    double *best = &tuner->best[tuner->trials % tuner->sizes];
    if (tuner->trials < tuner->sizes || each < *best)
        *best = each;
    tuner->trials++;
    tuner->trying = tuner->trials < ROUNDS * tuner->sizes &&
                    (tuner->trials > 1 || each < long_step) && !all_are_clearly_faster(tuner);
    if (tuner->trying)
        tuner->threads = size_of_trial(tuner, tuner->trials);
    else
        tuner->threads = tuner->trials > 1 ? fastest(tuner) : tuner->most;
}
