#include "machine/round_trip.h"

#include "core/clock.h"

#include <limits.h>
#include <stdatomic.h>

enum { EXCHANGES = 200, REPEATS = 10, LINE = 128 };
static const unsigned STOP = UINT_MAX;

/* An answer that takes more spins, about 10 us, is late: a thread was interrupted. If many are, the
 * threads share a CPU, with each other or with other processes. */
enum { LATE_SPINS = 1 << 14, MAX_SPINS = 1 << 20, MAX_LATE = 4 };

/* Cores that share a cache take 50 to 130 ns on today's CPUs, others 200 to 600 ns. */
static const double far_seconds = 180e-9;

typedef struct exchange {
    _Alignas(LINE) atomic_uint word;
    _Alignas(LINE) mb_round_trip result;
} exchange;

/* The number of spins. */
static unsigned wait_for(const atomic_uint *word, unsigned value)
{
    unsigned spins = 0;
    while (spins < MAX_SPINS && atomic_load_explicit(word, memory_order_acquire) != value)
        spins++;
    return spins;
}

/* Seconds per exchange; 0 if the other thread did not answer. */
static double send(atomic_uint *word, unsigned first)
{
    const double start = mb_seconds();
    unsigned late = 0;
    for (unsigned i = first; i < first + 2 * EXCHANGES; i += 2) {
        atomic_store_explicit(word, i + 1, memory_order_release);
        const unsigned spins = wait_for(word, i + 2);
        late += spins > LATE_SPINS;
        if (spins == MAX_SPINS || late > MAX_LATE)
            return 0.0;
    }
    return (mb_seconds() - start) / EXCHANGES;
}

/* The fastest repeat: others may have been interrupted. */
static double send_repeatedly(atomic_uint *word)
{
    double best = 0.0;
    for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
        const double seconds = send(word, repeat * 2 * EXCHANGES);
        if (seconds > 0.0 && (best == 0.0 || seconds < best))
            best = seconds;
    }
    atomic_store_explicit(word, STOP, memory_order_release);
    return best;
}

/* Answers each odd number with the next one. */
static void answer(atomic_uint *word)
{
    for (unsigned seen; (seen = atomic_load_explicit(word, memory_order_acquire)) != STOP;)
        if (seen % 2 == 1)
            (void)atomic_compare_exchange_strong(word, &seen, seen + 1);
}

static void measure(const mb_worker *worker, void *context)
{
    exchange *shared = context;
    for (size_t first = 0; first + 1 < worker->count; first++) {
        if (worker->index == first)
            atomic_store_explicit(&shared->word, 0, memory_order_relaxed);
        mb_team_barrier(worker);
        if (worker->index == first) {
            const double seconds = send_repeatedly(&shared->word);
            mb_round_trip *result = &shared->result;
            if (seconds > 0.0 && (result->min == 0.0 || seconds < result->min))
                result->min = seconds;
            if (seconds > result->max)
                result->max = seconds;
        } else if (worker->index == first + 1) {
            answer(&shared->word);
        }
        mb_team_barrier(worker);
    }
}

mb_round_trip mb_round_trip_measure(mb_team *team)
{
    exchange shared = {.result = {0.0, 0.0}};
    mb_team_run(team, measure, &shared);
    return shared.result;
}

const char *mb_round_trip_kind(mb_round_trip round_trip)
{
    if (round_trip.max <= 0.0)
        return "unknown";
    return round_trip.max < far_seconds ? "near" : round_trip.min >= far_seconds ? "far" : "mixed";
}
