#include "nn/plan_ranks.h"

#include "nn/plan_messages.h"

#include <stdint.h>
#include <stdlib.h>

typedef struct open_exchange {
    mb_exchange *exchange;
    const char *buffer;
    size_t start, finish; /* before which phases */
} open_exchange;

struct mb_plan_exchanges {
    open_exchange *list;
    size_t count;
    size_t started; /* and not finished */
};

/* ---- preparing ---- */

static mb_status open_exchanges(const mb_planned_exchanges *planned, const mb_ranks *ranks,
                                mb_plan_exchanges *exchanges, mb_error *error)
{
    mb_status status = MB_OK;
    exchanges->list = calloc(planned->count + 1, sizeof *exchanges->list);
    if (exchanges->list == NULL)
        return mb_fail_memory(error, "plan", planned->count * sizeof *exchanges->list);
    for (size_t i = 0; i < planned->count && status == MB_OK; i++) {
        const mb_planned_exchange *from = &planned->list[i];
        open_exchange *new = &exchanges->list[i];
        *new =
            (open_exchange){.buffer = from->buffer, .start = from->start, .finish = from->finish};
        status = mb_exchange_open(ranks, (void *)(uintptr_t)from->buffer, from->send, from->receive,
                                  &new->exchange, error);
        exchanges->count += status == MB_OK;
    }
    return status;
}

mb_status mb_plan_divide(mb_plan *plan, const mb_ranks *ranks, mb_error *error)
{
    const mb_ranks_info info = mb_ranks_describe(ranks);
    mb_planned_exchanges planned = {0};
    if (!mb_ranks_are_several(ranks))
        return MB_OK;
    plan->exchanges = calloc(1, sizeof *plan->exchanges);
    if (plan->exchanges == NULL)
        return mb_fail_memory(error, "plan", sizeof *plan->exchanges);
    mb_status status = mb_plan_list_exchanges(plan, info.rank, info.count, &planned, error);
    if (status == MB_OK)
        status = open_exchanges(&planned, ranks, plan->exchanges, error);
    mb_planned_exchanges_free(&planned);
    return status;
}

/* ---- the step ---- */

static bool is_due(const mb_plan_exchanges *exchanges, size_t index, bool *finishes)
{
    bool due = false;
    *finishes = false;
    for (size_t i = 0; i < exchanges->count; i++) {
        due |= exchanges->list[i].start == index;
        *finishes |= exchanges->list[i].finish == index;
    }
    return due || *finishes;
}

static void run_due(mb_plan_exchanges *exchanges, size_t index)
{
    for (size_t i = 0; i < exchanges->count; i++)
        if (exchanges->list[i].start == index) {
            mb_exchange_start(exchanges->list[i].exchange);
            exchanges->started++;
        }
    for (size_t i = 0; i < exchanges->count; i++)
        if (exchanges->list[i].finish == index) {
            mb_exchange_finish(exchanges->list[i].exchange);
            exchanges->started--;
        }
}

void mb_plan_progress(mb_plan_exchanges *exchanges, const mb_worker *worker)
{
    if (worker->index > 0 || exchanges->started == 0)
        return;
    for (size_t i = 0; i < exchanges->count; i++)
        mb_exchange_progress(exchanges->list[i].exchange);
}

void mb_plan_exchange(mb_plan_exchanges *exchanges, size_t index, bool waited,
                      const mb_worker *worker)
{
    bool finishes;
    const bool due = is_due(exchanges, index, &finishes);
    if (due && !waited)
        mb_team_barrier(worker);
    if (due && worker->index == 0)
        run_due(exchanges, index);
    if (finishes)
        mb_team_barrier(worker);
}

void mb_plan_exchange_copies(const mb_plan *plan, const void *original, void *copy)
{
    for (size_t i = 0; plan->exchanges != NULL && i < plan->exchanges->count; i++) {
        const open_exchange *e = &plan->exchanges->list[i];
        if (e->finish == plan->count)
            mb_exchange_run_at(e->exchange, (char *)copy + (e->buffer - (const char *)original));
    }
}

void mb_plan_exchanges_close(mb_plan_exchanges *exchanges)
{
    for (size_t i = 0; exchanges != NULL && i < exchanges->count; i++)
        mb_exchange_close(exchanges->list[i].exchange);
    if (exchanges != NULL)
        free(exchanges->list);
    free(exchanges);
}
