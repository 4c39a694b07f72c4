#include "train/crew.h"

/* Steps of a trial, trials of each size, and how many times as long an epoch must be. A step that
 * takes longer than this on all threads is long enough for them. */
enum { TRIAL_STEPS = 16, ROUNDS = 3, LEAST_PART = 8 };
static const double long_step = 500e-6;

/* Where all threads are faster than fewer by this after one trial of each, no more are wanted. */
static const double clearly = 1.15;

static size_t size_of_trial(const mb_crew *crew, size_t trial)
{
    const size_t threads = crew->most >> trial % crew->sizes;
    return threads > 0 ? threads : 1;
}

mb_crew mb_crew_of(size_t most, bool asked_for)
{
    mb_crew crew = {.threads = most, .most = most, .sizes = 1};
    while (!asked_for && most >> crew.sizes > 0 && crew.sizes < MB_CREW_SIZES)
        crew.sizes++;
    return crew;
}

void mb_crew_begin(mb_crew *crew, size_t steps)
{
    const size_t trials = ROUNDS * crew->sizes;
    crew->trials = 0;
    crew->threads = crew->most;
    crew->trying = crew->sizes > 1 && steps >= LEAST_PART * trials * TRIAL_STEPS;
}

size_t mb_crew_steps(const mb_crew *crew, size_t usual)
{
    return crew->trying && usual > TRIAL_STEPS ? TRIAL_STEPS : usual;
}

/* The size of the quickest trial; the larger of equal ones. */
static size_t fastest(const mb_crew *crew)
{
    size_t best = 0;
    for (size_t i = 1; i < crew->sizes; i++)
        if (crew->best[i] < crew->best[best])
            best = i;
    return size_of_trial(crew, best);
}

/* Whether a trial of each size leaves no doubt that all threads are the fastest. */
static bool all_are_clearly_faster(const mb_crew *crew)
{
    for (size_t i = 1; i < crew->sizes; i++)
        if (crew->best[i] < clearly * crew->best[0])
            return false;
    return crew->trials >= crew->sizes;
}

void mb_crew_note(mb_crew *crew, size_t steps, double seconds)
{
    if (!crew->trying)
        return;
    const double each = seconds / (double)steps;
    double *best = &crew->best[crew->trials % crew->sizes];
    if (crew->trials < crew->sizes || each < *best)
        *best = each;
    crew->trials++;
    crew->trying = crew->trials < ROUNDS * crew->sizes && (crew->trials > 1 || each < long_step) &&
                   !all_are_clearly_faster(crew);
    if (crew->trying)
        crew->threads = size_of_trial(crew, crew->trials);
    else
        crew->threads = crew->trials > 1 ? fastest(crew) : crew->most;
}
