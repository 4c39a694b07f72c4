#include "train/thread_tuner.h"

/* Steps per trial, trials per candidate, and minimum length of an epoch relative to all trials. If
 * a step takes longer than long_step on all threads, waiting is negligible. */
enum { TRIAL_STEPS = 16, ROUNDS = 3, MIN_EPOCH_TRIALS = 8 };
static const double long_step = 500e-6;

/* Trials end if all threads are faster by this factor after one trial of each candidate. */
static const double clearly_faster = 1.15;

static size_t threads_of_trial(const mb_thread_tuner *tuner, size_t trial)
{
    const size_t threads = tuner->max_threads >> trial % tuner->candidates;
    return threads > 0 ? threads : 1;
}

mb_thread_tuner mb_thread_tuner_init(size_t max_threads, bool is_fixed)
{
    mb_thread_tuner tuner = {.threads = max_threads, .max_threads = max_threads, .candidates = 1};
    while (!is_fixed && max_threads >> tuner.candidates > 0 &&
           tuner.candidates < MB_MAX_THREAD_COUNTS)
        tuner.candidates++;
    return tuner;
}

void mb_thread_tuner_start_epoch(mb_thread_tuner *tuner, size_t steps)
{
    const size_t trials = ROUNDS * tuner->candidates;
    tuner->trials = 0;
    tuner->threads = tuner->max_threads;
    tuner->is_trying = tuner->candidates > 1 && steps >= MIN_EPOCH_TRIALS * trials * TRIAL_STEPS;
}

size_t mb_thread_tuner_steps(const mb_thread_tuner *tuner, size_t usual)
{
    return tuner->is_trying && usual > TRIAL_STEPS ? TRIAL_STEPS : usual;
}

/* The thread count with the fastest trial; on ties the larger one. */
static size_t fastest(const mb_thread_tuner *tuner)
{
    size_t best = 0;
    for (size_t i = 1; i < tuner->candidates; i++)
        if (tuner->best[i] < tuner->best[best])
            best = i;
    return threads_of_trial(tuner, best);
}

/* True if all threads are clearly the fastest after one trial of each candidate. */
static bool all_are_clearly_faster(const mb_thread_tuner *tuner)
{
    for (size_t i = 1; i < tuner->candidates; i++)
        if (tuner->best[i] < clearly_faster * tuner->best[0])
            return false;
    return tuner->trials >= tuner->candidates;
}

void mb_thread_tuner_record(mb_thread_tuner *tuner, size_t steps, double seconds)
{
    if (!tuner->is_trying)
        return;
    const double each = seconds / (double)steps;
    double *best = &tuner->best[tuner->trials % tuner->candidates];
    if (tuner->trials < tuner->candidates || each < *best)
        *best = each;
    tuner->trials++;
    tuner->is_trying = tuner->trials < ROUNDS * tuner->candidates &&
                       (tuner->trials > 1 || each < long_step) && !all_are_clearly_faster(tuner);
    if (tuner->is_trying)
        tuner->threads = threads_of_trial(tuner, tuner->trials);
    else
        tuner->threads = tuner->trials > 1 ? fastest(tuner) : tuner->max_threads;
}
