#include "nn/plan.h"

#include "core/clock.h"
#include "nn/plan_ranks.h"

#include <stdlib.h>

static bool conflict(const mb_phase *a, const mb_phase *b)
{
    const bool same_parts = mb_tiling_same_parts(a->tiling, b->tiling);
    for (size_t i = 0; i < MB_MAX_USES; i++)
        for (size_t j = 0; j < MB_MAX_USES; j++) {
            const mb_use *x = &a->uses[i], *y = &b->uses[j];
            const bool apart = (same_parts && x->own && y->own) || (x->copies && y->copies);
            if (x->buffer != NULL && x->buffer == y->buffer && (x->writes || y->writes) && !apart)
                return true;
        }
    return false;
}

/* True if `phase` must wait for one of those that ran since the last barrier. */
static bool must_wait(const mb_plan *plan, const mb_phase *phase)
{
    for (size_t i = plan->count; i-- > 0;) {
        if (conflict(&plan->phases[i].phase, phase))
            return true;
        if (plan->phases[i].after_barrier)
            return false;
    }
    return false;
}

void mb_plan_add(mb_plan *plan, const mb_phase *phase)
{
    if (plan->count == plan->capacity) {
        const size_t capacity = plan->capacity > 0 ? 2 * plan->capacity : 16;
        mb_planned *phases = realloc(plan->phases, capacity * sizeof *phases);
        plan->out_of_memory |= phases == NULL;
        if (phases == NULL)
            return;
        plan->phases = phases;
        plan->capacity = capacity;
    }
    const bool waits = must_wait(plan, phase);
    const mb_phase *last = plan->count > 0 ? &plan->phases[plan->count - 1].phase : NULL;
    const bool fused = !waits && last != NULL && !last->each_worker && !phase->each_worker &&
                       last->each_rank == phase->each_rank &&
                       last->sample_rows == phase->sample_rows &&
                       mb_tiling_equal(last->tiling, phase->tiling);
    plan->phases[plan->count++] =
        (mb_planned){.phase = *phase,
                     .tiling = phase->tiling,
                     .tiles = mb_tiling_tiles(phase->tiling),
                     .chunk_tiles = phase->tiling.chunk_tiles > 0 ? phase->tiling.chunk_tiles : 1,
                     .first_chunk = 0,
                     .end_chunk = mb_tiling_chunks(phase->tiling),
                     .after_barrier = waits,
                     .fused = fused};
}

mb_status mb_plan_status(const mb_plan *plan, mb_error *error)
{
    return plan->out_of_memory ? mb_fail_memory(error, "plan", sizeof *plan->phases) : MB_OK;
}

mb_tiling mb_plan_writer(const mb_plan *plan, const void *buffer)
{
    for (size_t i = plan->count; i-- > 0;) {
        const mb_phase *phase = &plan->phases[i].phase;
        for (size_t u = 0; u < MB_MAX_USES; u++)
            if (phase->uses[u].buffer == buffer && phase->uses[u].writes)
                return phase->tiling;
    }
    return (mb_tiling){0};
}

const mb_phase *mb_plan_phase(const mb_plan *plan, size_t index)
{
    return &plan->phases[index].phase;
}

bool mb_plan_is_fused(const mb_plan *plan, size_t index) { return plan->phases[index].fused; }

size_t mb_plan_scratch(const mb_plan *plan)
{
    size_t max = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->phases[i].phase.scratch > max)
            max = plan->phases[i].phase.scratch;
    return max;
}

size_t mb_plan_barriers(const mb_plan *plan)
{
    size_t barriers = 1;
    for (size_t i = 0; i < plan->count; i++)
        barriers += plan->phases[i].after_barrier;
    return barriers;
}

/* One after the last of the phases that are fused with phase `first`. */
static size_t end_of_fused(const mb_plan *plan, size_t first)
{
    size_t end = first + 1;
    while (end < plan->count && plan->phases[end].fused)
        end++;
    return end;
}

/* The first of a worker's tiles of a phase; the first of the next worker ends them. */
static size_t first_tile(const mb_planned *phase, size_t worker, size_t workers)
{
    const size_t chunks = phase->end_chunk - phase->first_chunk;
    const size_t tile = (phase->first_chunk + chunks * worker / workers) * phase->chunk_tiles;
    return tile < phase->tiles ? tile : phase->tiles;
}

typedef struct tiles {
    size_t first, end;
} tiles;

static tiles tiles_of(const mb_planned *phase, const mb_worker *worker)
{
    return phase->phase.each_worker ? (tiles){0, phase->tiles}
                                    : (tiles){first_tile(phase, worker->index, worker->count),
                                              first_tile(phase, worker->index + 1, worker->count)};
}

static void run_tile(const mb_planned *phase, const mb_step *step, size_t tile, void *scratch)
{
    phase->phase.run(
        &(mb_tile_args){phase->phase.op, step, tile, mb_tiling_tile(phase->tiling, tile), scratch});
}

/* Adds the ticks since *last. */
static void add_ticks(uint64_t *sum, uint64_t *last)
{
    const uint64_t now = mb_ticks();
    *sum += now - *last;
    *last = now;
}

/* Waits; the time counts for the phase before `index`. */
static void wait_after(const mb_worker *worker, mb_plan_timer *timer, size_t index, uint64_t *last)
{
    mb_team_barrier(worker);
    if (timer != NULL && index > 0)
        add_ticks(&timer->times[index - 1].waiting, last);
}

/* Exchanges that are due before phase `index`; the time counts as waiting, as at a barrier. */
static void exchange_before(const mb_plan *plan, const mb_worker *worker, mb_plan_timer *timer,
                            size_t index, uint64_t *last)
{
    const bool waited = index < plan->count && plan->phases[index].after_barrier;
    mb_plan_exchange(plan->exchanges, index, waited, worker);
    if (timer != NULL && index > 0)
        add_ticks(&timer->times[index - 1].waiting, last);
}

void mb_plan_run(const mb_plan *plan, const mb_step *step, const mb_worker *worker, void *scratch)
{
    mb_plan_timer *timer = plan->timers != NULL ? &plan->timers[worker->index] : NULL;
    uint64_t last = timer != NULL ? mb_ticks() : 0;
    for (size_t i = 0, end; i < plan->count; i = end) {
        const mb_planned *phases = plan->phases;
        end = end_of_fused(plan, i);
        if (phases[i].after_barrier)
            wait_after(worker, timer, i, &last);
        if (plan->exchanges != NULL)
            exchange_before(plan, worker, timer, i, &last);
        const tiles ours = tiles_of(&phases[i], worker);
        for (size_t tile = ours.first; tile < ours.end; tile++) {
            for (size_t p = i; p < end; p++) {
                if (timer != NULL)
                    timer->phase = p;
                run_tile(&phases[p], step, tile, scratch);
                if (timer != NULL)
                    add_ticks(&timer->times[p].running, &last);
            }
            if (plan->exchanges != NULL)
                mb_plan_progress(plan->exchanges, worker);
        }
    }
    if (plan->exchanges != NULL)
        exchange_before(plan, worker, timer, plan->count, &last);
    wait_after(worker, timer, plan->count, &last);
}

void mb_plan_free(mb_plan *plan)
{
    mb_plan_exchanges_close(plan->exchanges);
    free(plan->phases);
    *plan = (mb_plan){0};
}
