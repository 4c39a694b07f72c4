#include "train/thread_tuner.h"

#include "core/util.h"

/* Steps per trial, trials per candidate, and minimum length of an epoch relative to all trials. If
 * a step takes longer than long_step on all threads, waiting is negligible. */
enum { TRIAL_STEPS = 16, ROUNDS = 3, MIN_EPOCH_TRIALS = 8 };
static const double long_step = 500e-6;

/* Trials end if all threads are faster by this factor after one trial of each candidate. */
static const double clearly_faster = 1.15;

/* A window is long compared with the time slices of the scheduler, a few milliseconds. Threads that
 * run for less than `undisturbed` of the time share their CPUs with other processes. A probe is
 * chosen if it is faster than the thread count before by `faster`. */
static const double window_seconds = 0.1, undisturbed = 0.8, faster = 1.1;

/* Windows between probes of a busy machine: a probe costs at most a few per cent of the last. */
enum { MIN_WAIT = 2, MAX_WAIT = 16 };

static size_t threads_of_candidate(const mb_thread_tuner *tuner, size_t candidate)
{
    const size_t threads = tuner->max_threads >> candidate;
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
    if (tuner->busy.is_active)
        return;
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
    return threads_of_candidate(tuner, best);
}

/* True if all threads are clearly the fastest after one trial of each candidate. */
static bool all_are_clearly_faster(const mb_thread_tuner *tuner)
{
    for (size_t i = 1; i < tuner->candidates; i++)
        if (tuner->best[i] < clearly_faster * tuner->best[0])
            return false;
    return tuner->trials >= tuner->candidates;
}

/* One trial; the last one chooses. */
static void record_trial(mb_thread_tuner *tuner, double each)
{
    double *best = &tuner->best[tuner->trials % tuner->candidates];
    if (tuner->trials < tuner->candidates || each < *best)
        *best = each;
    tuner->trials++;
    tuner->is_trying = tuner->trials < ROUNDS * tuner->candidates &&
                       (tuner->trials > 1 || each < long_step) && !all_are_clearly_faster(tuner);
    if (tuner->is_trying)
        tuner->threads = threads_of_candidate(tuner, tuner->trials % tuner->candidates);
    else
        tuner->threads = tuner->trials > 1 ? fastest(tuner) : tuner->max_threads;
}

/* The candidate of the next probe: a neighbour of the chosen one, in turn. */
static size_t start_probe(mb_thread_tuner *tuner)
{
    mb_busy_search *busy = &tuner->busy;
    if (busy->chosen == 0)
        busy->probes_more = false;
    else if (busy->chosen + 1 == tuner->candidates)
        busy->probes_more = true;
    busy->is_probing = true;
    return busy->probes_more ? busy->chosen - 1 : busy->chosen + 1;
}

/* A candidate that helps is chosen, and the next one follows soon in the same direction. The search
 * ends if more threads were undisturbed and not faster. */
static void finish_probe(mb_busy_search *busy, size_t probed, double each, bool is_disturbed)
{
    const bool helps = each * faster < busy->chosen_each;
    busy->is_probing = false;
    if (helps) {
        busy->is_active = is_disturbed || probed > 0;
        busy->chosen = probed;
        busy->chosen_each = each;
        busy->wait = MIN_WAIT;
    } else {
        busy->is_active = is_disturbed || !busy->probes_more;
        busy->probes_more = !busy->probes_more;
        busy->wait = mb_min_size(2 * busy->wait, MAX_WAIT);
    }
    busy->windows = busy->wait;
}

static size_t candidate_of_threads(const mb_thread_tuner *tuner)
{
    size_t candidate = 0;
    while (threads_of_candidate(tuner, candidate) != tuner->threads)
        candidate++;
    return candidate;
}

/* Decides after a window on candidate `now` with which one to continue. */
static size_t search(mb_thread_tuner *tuner, size_t now, double each, bool is_disturbed)
{
    mb_busy_search *busy = &tuner->busy;
    if (!busy->is_active)
        *busy = (mb_busy_search){.is_active = true, .chosen = now, .wait = MIN_WAIT};
    if (busy->is_probing) {
        finish_probe(busy, now, each, is_disturbed);
    } else {
        busy->is_active = is_disturbed || busy->chosen > 0;
        busy->chosen_each = busy->chosen_each > 0.0 ? 0.5 * (busy->chosen_each + each) : each;
        busy->windows -= busy->windows > 0;
    }
    return busy->is_active && busy->windows == 0 ? start_probe(tuner) : busy->chosen;
}

static void record_window(mb_thread_tuner *tuner, size_t steps, double seconds, double cpu_seconds)
{
    mb_thread_window *window = &tuner->window;
    window->steps += (double)steps;
    window->seconds += seconds;
    window->cpu_seconds += cpu_seconds / (double)tuner->threads;
    if (window->seconds < window_seconds)
        return;
    const bool is_disturbed = window->cpu_seconds < undisturbed * window->seconds;
    if (tuner->busy.is_active || is_disturbed)
        tuner->threads =
            threads_of_candidate(tuner, search(tuner, candidate_of_threads(tuner),
                                               window->seconds / window->steps, is_disturbed));
    *window = (mb_thread_window){0};
}

void mb_thread_tuner_record(mb_thread_tuner *tuner, size_t steps, double seconds,
                            double cpu_seconds)
{
    if (tuner->is_trying)
        record_trial(tuner, seconds / (double)steps);
    else if (tuner->candidates > 1)
        record_window(tuner, steps, seconds, cpu_seconds);
}
