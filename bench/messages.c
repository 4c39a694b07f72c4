#include "messages.h"

#include "core/clock.h"
#include "core/spread.h"
#include "core/util.h"
#include "machine/machine.h"
#include "machine/ranks.h"
#include "nn/plan_messages.h"
#include "nn/plan_ranks.h"
#include "train/trainer.h"

#include <stdlib.h>

/* ---- listing ---- */

/* Maxima over the ranks. */
typedef struct traffic {
    size_t writer, start, finish;
    bool whole;
    size_t sent, received, messages_sent, messages_received;
    size_t total; /* sent by all */
} traffic;

typedef struct step_traffic {
    size_t *tiles; /* (phases), or rows, of the rank that runs most */
    traffic *exchange;
    size_t exchanges;
} step_traffic;

static void add_side(const mb_region *regions, size_t ranks, size_t *bytes, size_t *messages)
{
    for (size_t i = 0; i < ranks; i++) {
        const size_t size = mb_region_bytes(&regions[i]);
        *bytes += size;
        *messages += size > 0;
    }
}

/* Tiles of the rank, or rows if those are divided. */
static size_t parts_of(const mb_planned *phase)
{
    const size_t first = phase->first_chunk * phase->chunk_tiles,
                 end = mb_min_size(phase->end_chunk * phase->chunk_tiles, phase->tiles);
    if (phase->phase.tiling.sample_chunk > 0)
        return phase->tiling.rows;
    return end > first ? end - first : 0;
}

static size_t all_parts_of(const mb_planned *phase)
{
    const mb_tiling tiling = phase->phase.tiling;
    return tiling.sample_chunk > 0 ? tiling.rows : mb_tiling_tiles(tiling);
}

static void add_rank(const mb_plan *plan, const mb_planned_exchanges *exchanges, step_traffic *all)
{
    for (size_t p = 0; p < plan->count; p++)
        all->tiles[p] = mb_max_size(all->tiles[p], parts_of(&plan->phases[p]));
    for (size_t i = 0; i < exchanges->count; i++) {
        const mb_planned_exchange *from = &exchanges->list[i];
        traffic *to = &all->exchange[i];
        size_t sent = 0, received = 0, messages_sent = 0, messages_received = 0;
        add_side(from->send, exchanges->ranks, &sent, &messages_sent);
        add_side(from->receive, exchanges->ranks, &received, &messages_received);
        *to = (traffic){from->writer,
                        from->start,
                        from->finish,
                        from->whole,
                        mb_max_size(to->sent, sent),
                        mb_max_size(to->received, received),
                        mb_max_size(to->messages_sent, messages_sent),
                        mb_max_size(to->messages_received, messages_received),
                        to->total + sent};
    }
}

static mb_status add_ranks(mb_plan *plan, size_t ranks, step_traffic *all, mb_error *error)
{
    mb_status status = MB_OK;
    all->tiles = calloc(plan->count, sizeof *all->tiles);
    for (size_t rank = 0; rank < ranks && status == MB_OK; rank++) {
        mb_planned_exchanges exchanges = {0};
        status = mb_plan_list_exchanges(plan, rank, ranks, &exchanges, error);
        if (rank == 0 && status == MB_OK) {
            all->exchanges = exchanges.count;
            all->exchange = calloc(exchanges.count + 1, sizeof *all->exchange);
        }
        if (all->tiles == NULL || (status == MB_OK && all->exchange == NULL))
            status = mb_fail_memory(error, "messages", plan->count * sizeof *all->tiles);
        if (status == MB_OK)
            add_rank(plan, &exchanges, all);
        mb_planned_exchanges_free(&exchanges);
    }
    return status;
}

static json_t *phases_of(const mb_plan *plan, const step_traffic *all)
{
    json_t *list = json_array();
    for (size_t p = 0; p < plan->count; p++)
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I}", "name", mb_plan_phase(plan, p)->name,
                                        "tiles", (json_int_t)all_parts_of(&plan->phases[p]),
                                        "max_tiles", (json_int_t)all->tiles[p]));
    return list;
}

static json_t *exchanges_of(const step_traffic *all)
{
    json_t *list = json_array();
    for (size_t i = 0; i < all->exchanges; i++) {
        const traffic *one = &all->exchange[i];
        json_array_append_new(
            list,
            json_pack("{s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I}", "writer",
                      (json_int_t)one->writer, "start", (json_int_t)one->start, "finish",
                      (json_int_t)one->finish, "whole", one->whole, "bytes_sent",
                      (json_int_t)one->sent, "bytes_received", (json_int_t)one->received,
                      "messages_sent", (json_int_t)one->messages_sent, "messages_received",
                      (json_int_t)one->messages_received, "bytes_of_all", (json_int_t)one->total));
    }
    return list;
}

mb_status mb_messages_list(mb_trainer *trainer, size_t ranks, json_t **list, mb_error *error)
{
    mb_plan *plan = &trainer->training.full;
    step_traffic all = {0};
    mb_status status = mb_epoch_plan_as(&trainer->training, ranks, error);
    if (status == MB_OK)
        status = add_ranks(plan, ranks, &all, error);
    if (status == MB_OK) {
        *list = json_pack("{s:I, s:o?, s:o?}", "ranks", (json_int_t)ranks, "phases",
                          phases_of(plan, &all), "exchanges", exchanges_of(&all));
        if (*list == NULL)
            status = mb_fail_memory(error, "messages", plan->count * sizeof *all.tiles);
    }
    free(all.tiles);
    free(all.exchange);
    return status;
}

/* ---- timing ---- */

enum { MIN_BYTES = 8, MAX_BYTES = 4 << 20, MAX_ITERATIONS = 1 << 16 };

typedef struct message_bench {
    const mb_ranks *ranks;
    size_t rank, count, repeats;
    char *buffer; /* (1 + ranks, MAX_BYTES): sent, and received from each rank */
    json_t *list; /* rank 0's */
    mb_status status;
    mb_error *error;
} message_bench;

/* An exchange in which ranks `from` send to ranks `to` (SIZE_MAX: to and from all). */
static mb_status open_exchange(message_bench *b, size_t bytes, size_t from, size_t to,
                               mb_exchange **exchange)
{
    mb_region *send = calloc(2 * b->count, sizeof *send), *receive = send + b->count;
    if (send == NULL)
        return mb_fail_memory(b->error, "messages", 2 * b->count * sizeof *send);
    for (size_t other = 0; other < b->count; other++) {
        const bool all = from == SIZE_MAX && other != b->rank;
        if (all || (b->rank == from && other == to))
            mb_region_add(&send[other], 0, bytes);
        if (all || (b->rank == to && other == from))
            mb_region_add(&receive[other], (1 + other) * MAX_BYTES, bytes);
    }
    const mb_status status =
        mb_exchange_open(b->ranks, b->buffer, send, receive, exchange, b->error);
    for (size_t i = 0; i < 2 * b->count; i++)
        mb_region_free(&send[i]);
    free(send);
    return status;
}

/* Seconds per iteration: there and back, or the second one alone if there is no first. */
static double run(mb_exchange *there, mb_exchange *back, size_t iterations)
{
    const double start = mb_seconds();
    for (size_t i = 0; i < iterations; i++) {
        if (there != NULL) {
            mb_exchange_start(there);
            mb_exchange_finish(there);
        }
        mb_exchange_start(back);
        mb_exchange_finish(back);
    }
    return (mb_seconds() - start) / (double)iterations;
}

/* Rank 0's choice; enough for 5 ms. */
static size_t count_iterations(const message_bench *b, mb_exchange *there, mb_exchange *back)
{
    static const double min_seconds = 0.005;
    run(there, back, 2);
    const double wanted = min_seconds / run(there, back, 4);
    return mb_ranks_broadcast(b->ranks, mb_min_size((size_t)wanted + 1, MAX_ITERATIONS));
}

static void add_time(message_bench *b, const char *pattern, size_t bytes, mb_spread seconds)
{
    if (b->rank == 0)
        json_array_append_new(b->list,
                              json_pack("{s:s, s:I, s:{s:f, s:f, s:f}}", "pattern", pattern,
                                        "bytes", (json_int_t)bytes, "seconds", "min", seconds.min,
                                        "median", seconds.median, "max", seconds.max));
}

static mb_status time_pattern(message_bench *b, bool all, size_t bytes)
{
    mb_exchange *there = NULL, *back = NULL;
    double *seconds = calloc(b->repeats, sizeof *seconds);
    mb_status status = seconds != NULL ? MB_OK : mb_fail_memory(b->error, "messages", b->repeats);
    if (status == MB_OK && !all)
        status = open_exchange(b, bytes, 0, 1, &there);
    if (status == MB_OK)
        status = open_exchange(b, bytes, all ? SIZE_MAX : 1, all ? SIZE_MAX : 0, &back);
    status = mb_ranks_agree(b->ranks, status, b->error);
    if (status == MB_OK) {
        const size_t iterations = count_iterations(b, there, back);
        for (size_t i = 0; i < b->repeats; i++)
            seconds[i] = run(there, back, iterations) / (all ? 1.0 : 2.0);
        add_time(b, all ? "all" : "one", bytes, mb_spread_of(seconds, b->repeats));
    }
    mb_exchange_close(there);
    mb_exchange_close(back);
    free(seconds);
    return status;
}

static void time_all(const mb_worker *worker, void *context)
{
    message_bench *b = context;
    for (size_t bytes = MIN_BYTES; bytes <= MAX_BYTES && worker->index == 0; bytes *= 4)
        for (size_t all = 0; all < 2 && b->status == MB_OK; all++)
            b->status = time_pattern(b, all, bytes);
}

mb_status mb_messages_time(mb_machine *machine, const mb_ranks *ranks, size_t repeats,
                           json_t **list, mb_error *error)
{
    const mb_ranks_info info = mb_ranks_describe(ranks);
    message_bench b = {.ranks = ranks,
                       .rank = info.rank,
                       .count = info.count,
                       .repeats = repeats,
                       .buffer = calloc(1 + info.count, MAX_BYTES),
                       .list = info.rank == 0 ? json_array() : NULL,
                       .error = error};
    if (b.buffer == NULL)
        b.status = mb_fail_memory(error, "messages", (1 + info.count) * MAX_BYTES);
    b.status = mb_ranks_agree(ranks, b.status, error);
    if (b.status == MB_OK) /* on the team's thread, which is pinned */
        mb_team_run(mb_machine_team(machine), time_all, &b);
    free(b.buffer);
    *list = b.list;
    return b.status;
}
