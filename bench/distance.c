#include "distance.h"

#include <stdio.h>
#include <string.h>

bool mb_distance_changed(const mb_round_distance *round)
{
    return round->before.max > 0.0 && round->after.max > 0.0 &&
           strcmp(mb_round_trip_kind(round->before), mb_round_trip_kind(round->after)) != 0;
}

static void extend_range(mb_round_trip *range, mb_round_trip by)
{
    if (by.max <= 0.0)
        return;
    if (range->max <= 0.0 || by.min < range->min)
        range->min = by.min;
    if (by.max > range->max)
        range->max = by.max;
}

void mb_bench_add_distance(mb_bench_result *result, const mb_round_distance *rounds, size_t count)
{
    mb_round_trip range = {0.0, 0.0};
    size_t changed = 0;
    for (size_t i = 0; i < count; i++) {
        extend_range(&range, rounds[i].before);
        extend_range(&range, rounds[i].after);
        changed += mb_distance_changed(&rounds[i]);
    }
    if (range.max <= 0.0)
        return;
    mb_bench_add_counter(result, "round_trip_ns_min", 1e9 * range.min);
    mb_bench_add_counter(result, "round_trip_ns_max", 1e9 * range.max);
    mb_bench_add_counter(result, "rounds_changed", (double)changed);
    snprintf(result->label, sizeof result->label, "%s, %.0f-%.0f ns", mb_round_trip_kind(range),
             1e9 * range.min, 1e9 * range.max);
    if (changed > 0)
        snprintf(result->label + strlen(result->label),
                 sizeof result->label - strlen(result->label), ", changed in %zu of %zu rounds",
                 changed, count);
}
