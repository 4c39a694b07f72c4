#include "nn/plan_ranks.h"

#include "core/util.h"

#include <stdlib.h>

/* Between the phases `writer` and `reader` of a plan; reader = plan->count: at the end. */
typedef struct planned_exchange {
    mb_exchange *exchange;
    const char *buffer;
    size_t writer;
    size_t start, finish; /* before which phases; equal on all ranks */
    bool whole;           /* all ranks then have all of the buffer */
    size_t bytes;         /* sent by this rank */
} planned_exchange;

struct mb_plan_exchanges {
    planned_exchange *list;
    size_t count, capacity;
    size_t started; /* and not finished */
};

static mb_planned *planned(const mb_plan *plan, size_t phase) { return &plan->phases[phase]; }

static size_t chunks_of(const mb_planned *phase) { return mb_tiling_chunks(phase->phase.tiling); }

/* ---- parts of buffers ---- */

/* The first chunk of rank `rank`; that of the next one ends them. */
static size_t first_chunk(const mb_planned *phase, size_t rank, size_t ranks)
{
    return chunks_of(phase) * rank / ranks;
}

static void add_rows(const mb_use *use, mb_tiling tiling, size_t number, mb_region *part)
{
    const mb_tile tile = mb_tiling_tile(tiling, number);
    const size_t row_bytes = use->part.row_bytes, column_bytes = use->part.column_bytes;
    if (mb_tiling_is_rows(tiling)) {
        mb_region_add(part, tile.row * row_bytes, tile.rows * row_bytes);
        return;
    }
    for (size_t row = tile.row; row < tile.row + tile.rows; row++)
        mb_region_add(part, row * row_bytes + tile.column * column_bytes,
                      tile.columns * column_bytes);
}

bool mb_plan_part(const mb_plan *plan, size_t phase, const mb_use *use, size_t rank, size_t ranks,
                  mb_region *part)
{
    const mb_planned *here = planned(plan, phase);
    const bool all = here->phase.each_rank;
    const size_t first = all ? 0 : first_chunk(here, rank, ranks);
    const size_t end = all ? chunks_of(here) : first_chunk(here, rank + 1, ranks);
    const mb_tile_part *where = &use->part;
    if (where->of_tile == NULL && where->chunk_bytes == 0 && where->column_bytes == 0)
        return false;
    if (where->chunk_bytes > 0)
        mb_region_add(part, where->offset + first * where->chunk_bytes,
                      (end - first) * where->chunk_bytes);
    for (size_t tile = first * here->chunk_tiles;
         where->chunk_bytes == 0 && tile < mb_min_size(end * here->chunk_tiles, here->tiles);
         tile++)
        if (where->of_tile != NULL)
            where->of_tile(here->phase.op, tile, part);
        else
            add_rows(use, here->phase.tiling, tile, part);
    mb_region_normalise(part);
    return true;
}

/* ---- which tiles a rank runs ---- */

typedef struct rows {
    size_t first, end;
} rows;

/* The samples of the batch that this rank needs of a buffer for a phase. */
static rows rows_needed(const mb_planned *reader, const mb_use *use)
{
    const mb_tiling tiling = reader->phase.tiling;
    const size_t first = reader->first_chunk * reader->chunk_tiles;
    const size_t end = mb_min_size(reader->end_chunk * reader->chunk_tiles, reader->tiles);
    if (first >= end)
        return (rows){0, 0};
    if (reader->phase.sample_rows > 0)
        return (rows){first * reader->phase.sample_rows, end * reader->phase.sample_rows};
    if (!use->own || !mb_tiling_is_rows(tiling) || reader->phase.each_rank)
        return (rows){0, SIZE_MAX};
    const mb_tile last = mb_tiling_tile(tiling, end - 1);
    return (rows){mb_tiling_tile(tiling, first).row, last.row + last.rows};
}

static bool writes(const mb_phase *phase, const void *buffer)
{
    for (size_t u = 0; u < MB_MAX_USES; u++)
        if (phase->uses[u].writes && phase->uses[u].buffer == buffer)
            return true;
    return false;
}

/* Of all later phases. */
static rows all_rows_needed(const mb_plan *plan, size_t maker)
{
    rows all = {SIZE_MAX, 0};
    for (size_t p = maker + 1; p < plan->count; p++)
        for (size_t u = 0; u < MB_MAX_USES; u++) {
            const mb_use *use = &planned(plan, p)->phase.uses[u];
            if (use->buffer == NULL || !writes(&planned(plan, maker)->phase, use->buffer))
                continue;
            const rows needed = rows_needed(planned(plan, p), use);
            if (needed.first < needed.end) {
                all.first = mb_min_size(all.first, needed.first);
                all.end = mb_max_size(all.end, needed.end);
            }
        }
    return all;
}

/* The tiles that make the samples which this rank needs. A phase that writes nothing only prepares
 * for one of the same tiles. */
static void limit_to_needed(const mb_plan *plan, size_t index)
{
    mb_planned *phase = planned(plan, index);
    const size_t step = phase->phase.sample_rows;
    for (size_t p = 0; p < index && phase->phase.uses[0].buffer == NULL; p++)
        if (planned(plan, p)->phase.sample_rows == step) {
            phase->first_chunk = planned(plan, p)->first_chunk;
            phase->end_chunk = planned(plan, p)->end_chunk;
        }
    if (phase->phase.uses[0].buffer == NULL)
        return;
    const rows needed = all_rows_needed(plan, index);
    phase->first_chunk = mb_min_size(needed.first / step, phase->tiles);
    phase->end_chunk = mb_min_size(needed.end / step + (needed.end % step > 0), phase->tiles);
    if (phase->first_chunk > phase->end_chunk)
        phase->first_chunk = phase->end_chunk;
}

static void divide_tiles(mb_plan *plan, const mb_ranks_info *ranks)
{
    for (size_t p = plan->count; p-- > 0;) {
        mb_planned *phase = planned(plan, p);
        if (phase->phase.each_rank)
            continue;
        phase->first_chunk = first_chunk(phase, ranks->rank, ranks->count);
        phase->end_chunk = first_chunk(phase, ranks->rank + 1, ranks->count);
    }
    for (size_t p = plan->count; p-- > 0;)
        if (planned(plan, p)->phase.each_rank && planned(plan, p)->phase.sample_rows > 0 &&
            planned(plan, p)->phase.uses[0].buffer != NULL)
            limit_to_needed(plan, p);
    for (size_t p = 0; p < plan->count; p++)
        if (planned(plan, p)->phase.sample_rows > 0 &&
            planned(plan, p)->phase.uses[0].buffer == NULL)
            limit_to_needed(plan, p);
}

/* ---- messages ---- */

/* The parts of a buffer by rank, (ranks): what each writes, and what it needs. */
typedef struct parts {
    mb_region *written, *needed, *send, *receive;
    size_t ranks;
} parts;

static void free_regions(mb_region *regions, size_t count)
{
    for (size_t i = 0; regions != NULL && i < count; i++)
        mb_region_free(&regions[i]);
    free(regions);
}

static void close_parts(parts *all)
{
    free_regions(all->written, all->ranks);
    free_regions(all->needed, all->ranks);
    free_regions(all->send, all->ranks);
    free_regions(all->receive, all->ranks);
}

static bool open_parts(size_t ranks, parts *all)
{
    *all = (parts){calloc(ranks, sizeof *all->written), calloc(ranks, sizeof *all->needed),
                   calloc(ranks, sizeof *all->send), calloc(ranks, sizeof *all->receive), ranks};
    return all->written != NULL && all->needed != NULL && all->send != NULL && all->receive != NULL;
}

static void find_messages(parts *all, size_t rank)
{
    for (size_t other = 0; other < all->ranks; other++) {
        if (other == rank)
            continue;
        mb_region_intersect(&all->written[rank], &all->needed[other], &all->send[other]);
        mb_region_intersect(&all->written[other], &all->needed[rank], &all->receive[other]);
    }
}

static const mb_use *find_write(const mb_plan *plan, size_t phase, const void *buffer)
{
    for (size_t u = 0; u < MB_MAX_USES; u++) {
        const mb_use *use = &planned(plan, phase)->phase.uses[u];
        if (use->writes && use->buffer == buffer)
            return use;
    }
    return NULL;
}

/* The last phase before `end` that writes the buffer; `end` if none does. */
static size_t find_writer(const mb_plan *plan, const void *buffer, size_t end)
{
    for (size_t p = end; p-- > 0;)
        if (find_write(plan, p, buffer) != NULL)
            return p;
    return end;
}

/* All of what is written, or if `reader` says which part it touches, that. */
static mb_status find_needed(const mb_plan *plan, size_t reader, const mb_use *use, parts *all,
                             bool *whole)
{
    *whole = false;
    for (size_t rank = 0; rank < all->ranks; rank++)
        if (reader == plan->count || planned(plan, reader)->phase.each_rank ||
            !mb_plan_part(plan, reader, use, rank, all->ranks, &all->needed[rank])) {
            *whole = true;
            for (size_t other = 0; other < all->ranks; other++)
                mb_region_append(&all->needed[rank], &all->written[other]);
            mb_region_normalise(&all->needed[rank]);
        }
    return MB_OK;
}

static planned_exchange *append(mb_plan_exchanges *exchanges)
{
    if (exchanges->count == exchanges->capacity) {
        const size_t capacity = exchanges->capacity > 0 ? 2 * exchanges->capacity : 16;
        planned_exchange *list = realloc(exchanges->list, capacity * sizeof *list);
        if (list == NULL)
            return NULL;
        exchanges->list = list;
        exchanges->capacity = capacity;
    }
    return &exchanges->list[exchanges->count];
}

static size_t after_fused(const mb_plan *plan, size_t phase)
{
    for (phase++; phase < plan->count && planned(plan, phase)->fused;)
        phase++;
    return phase;
}

static bool is_planned(const mb_plan *plan, const void *buffer, size_t writer, bool whole)
{
    const mb_plan_exchanges *exchanges = plan->exchanges;
    for (size_t i = 0; i < exchanges->count; i++) {
        const planned_exchange *e = &exchanges->list[i];
        if (e->buffer == buffer && e->writer == writer && (e->whole || !whole))
            return true;
    }
    return false;
}

static mb_status open_exchange(mb_plan *plan, const mb_ranks *ranks, size_t writer, size_t reader,
                               const mb_use *use, parts *all, mb_error *error)
{
    bool whole;
    const mb_use *write = find_write(plan, writer, use->buffer);
    for (size_t rank = 0; rank < all->ranks; rank++)
        if (!mb_plan_part(plan, writer, write, rank, all->ranks, &all->written[rank]))
            return mb_fail(error, MB_ERROR_INVALID,
                           "plan: %s does not say where in a buffer its tiles write, and another "
                           "rank reads that",
                           planned(plan, writer)->phase.name);
    find_needed(plan, reader, use, all, &whole);
    if (is_planned(plan, use->buffer, writer, whole))
        return MB_OK;
    find_messages(all, mb_ranks_describe(ranks).rank);
    planned_exchange *new = append(plan->exchanges);
    if (new == NULL)
        return mb_fail_memory(error, "plan", sizeof *new);
    *new = (planned_exchange){.buffer = use->buffer,
                              .writer = writer,
                              .start = after_fused(plan, writer),
                              .finish = reader,
                              .whole = whole};
    for (size_t other = 0; other < all->ranks; other++)
        new->bytes += mb_region_bytes(&all->send[other]);
    void *base = (void *)(uintptr_t)use->buffer;
    const mb_status status =
        mb_exchange_open(ranks, base, all->send, all->receive, &new->exchange, error);
    plan->exchanges->count += status == MB_OK;
    return status;
}

static mb_status add_exchange(mb_plan *plan, const mb_ranks *ranks, size_t writer, size_t reader,
                              const mb_use *use, mb_error *error)
{
    parts all;
    mb_status status = MB_OK;
    if (!open_parts(mb_ranks_describe(ranks).count, &all))
        status = mb_fail_memory(error, "plan", sizeof all);
    if (status == MB_OK)
        status = open_exchange(plan, ranks, writer, reader, use, &all, error);
    close_parts(&all);
    return status;
}

/* True if tiles of other ranks wrote what the reader uses. */
static bool crosses_ranks(const mb_plan *plan, size_t writer, size_t reader, const mb_use *use)
{
    const mb_use *write = find_write(plan, writer, use->buffer);
    const mb_phase *from = &planned(plan, writer)->phase, *to = &planned(plan, reader)->phase;
    if (from->each_rank || use->copies)
        return false;
    return to->each_rank ||
           !(write->own && use->own && mb_tiling_same_parts(from->tiling, to->tiling));
}

static mb_status add_exchanges_of(mb_plan *plan, const mb_ranks *ranks, size_t reader,
                                  mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t u = 0; u < MB_MAX_USES && status == MB_OK; u++) {
        const mb_use *use = &planned(plan, reader)->phase.uses[u];
        const size_t writer = use->buffer != NULL ? find_writer(plan, use->buffer, reader) : reader;
        if (writer < reader && crosses_ranks(plan, writer, reader, use))
            status = add_exchange(plan, ranks, writer, reader, use, error);
    }
    return status;
}

/* What other ranks wrote in buffers that are persistent. */
static mb_status add_persistent(mb_plan *plan, const mb_ranks *ranks, size_t writer, mb_error *error)
{
    mb_status status = MB_OK;
    const mb_phase *phase = &planned(plan, writer)->phase;
    for (size_t u = 0; u < MB_MAX_USES && status == MB_OK && !phase->each_rank; u++)
        if (phase->uses[u].persistent)
            status = add_exchange(plan, ranks, writer, plan->count, &phase->uses[u], error);
    return status;
}

mb_status mb_plan_divide(mb_plan *plan, const mb_ranks *ranks, mb_error *error)
{
    const mb_ranks_info info = mb_ranks_describe(ranks);
    mb_status status = MB_OK;
    if (!mb_ranks_are_several(ranks))
        return MB_OK;
    plan->exchanges = calloc(1, sizeof *plan->exchanges);
    if (plan->exchanges == NULL)
        return mb_fail_memory(error, "plan", sizeof *plan->exchanges);
    divide_tiles(plan, &info);
    for (size_t p = 0; p < plan->count && status == MB_OK; p++)
        status = add_exchanges_of(plan, ranks, p, error);
    for (size_t p = 0; p < plan->count && status == MB_OK; p++)
        status = add_persistent(plan, ranks, p, error);
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
        const planned_exchange *e = &plan->exchanges->list[i];
        if (e->finish == plan->count)
            mb_exchange_run_at(e->exchange, (char *)copy + (e->buffer - (const char *)original));
    }
}

size_t mb_plan_bytes_sent(const mb_plan *plan)
{
    size_t bytes = 0;
    for (size_t i = 0; plan->exchanges != NULL && i < plan->exchanges->count; i++)
        bytes += plan->exchanges->list[i].bytes;
    return bytes;
}

void mb_plan_exchanges_close(mb_plan_exchanges *exchanges)
{
    for (size_t i = 0; exchanges != NULL && i < exchanges->count; i++)
        mb_exchange_close(exchanges->list[i].exchange);
    if (exchanges != NULL)
        free(exchanges->list);
    free(exchanges);
}
