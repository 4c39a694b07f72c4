/* Distance of the team's cores before and after each round: a speed is comparable only with others
 * that were measured at the same distance. */
#ifndef MB_BENCH_DISTANCE_H
#define MB_BENCH_DISTANCE_H

#include "result.h"

#include <stdbool.h>

/* Rounds in which the distance changed are repeated, and marked after so many attempts. */
enum { MB_BENCH_ATTEMPTS = 3 };

typedef struct mb_round_distance {
    mb_round_trip before, after;
} mb_round_distance;

/* True if the kind (near, far, mixed) changed during the round, as far as it is known. */
bool mb_distance_changed(const mb_round_distance *round);

/* Adds counters of `count` rounds: round_trip_ns_min, round_trip_ns_max and rounds_changed; and the
 * same as a label for people, "near, 98-112 ns". Nothing for a single thread. */
void mb_bench_add_distance(mb_bench_result *result, const mb_round_distance *rounds, size_t count);

#endif
