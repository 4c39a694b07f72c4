#include "nn/plan_messages.h"

#include "core/util.h"
#include "nn/plan_ranks.h"

#include <stdlib.h>

static mb_planned *planned(const mb_plan *plan, size_t phase) { return &plan->phases[phase]; }

static size_t chunks_of(const mb_planned *phase) { return mb_tiling_chunks(phase->phase.tiling); }

static bool is_divided_by_samples(const mb_planned *phase)
{
    return phase->phase.tiling.sample_chunk > 0 && !phase->phase.each_rank;
}

static mb_tiling tiling_of(const mb_planned *phase, size_t rank, size_t ranks)
{
    return is_divided_by_samples(phase) ? mb_tiling_of_rank(phase->phase.tiling, rank, ranks)
                                        : phase->phase.tiling;
}

/* ---- parts of buffers ---- */

/* The first chunk of rank `rank`; that of the next one ends them. */
static size_t first_chunk(const mb_planned *phase, size_t rank, size_t ranks)
{
    return chunks_of(phase) * rank / ranks;
}

static void add_rows(const mb_use *use, mb_tiling tiling, mb_tile tile, mb_region *part)
{
    const size_t row_bytes = use->part.row_bytes, column_bytes = use->part.column_bytes;
    if (use->part.whole_rows || mb_tiling_is_rows(tiling)) {
        mb_region_add(part, tile.row * row_bytes, tile.rows * row_bytes);
        return;
    }
    for (size_t row = tile.row; row < tile.row + tile.rows; row++)
        mb_region_add(part, row * row_bytes + tile.column * column_bytes,
                      tile.columns * column_bytes);
}

/* True if a use says which part of its buffer a tile touches. */
static bool has_part(const mb_use *use)
{
    return use->part.of_tile != NULL || use->part.chunk_bytes > 0 || use->part.column_bytes > 0 ||
           use->part.whole_rows;
}

bool mb_plan_part(const mb_plan *plan, size_t phase, const mb_use *use, size_t rank, size_t ranks,
                  mb_region *part)
{
    const mb_planned *here = planned(plan, phase);
    const mb_tiling tiling = tiling_of(here, rank, ranks);
    const bool all = here->phase.each_rank || is_divided_by_samples(here);
    const size_t tiles = mb_tiling_tiles(tiling), chunks = mb_tiling_chunks(tiling);
    const size_t first = all ? 0 : first_chunk(here, rank, ranks);
    const size_t end = all ? chunks : first_chunk(here, rank + 1, ranks);
    const mb_tile_part *where = &use->part;
    if (!has_part(use))
        return false;
    if (where->chunk_bytes > 0)
        mb_region_add(part, where->offset + first * where->chunk_bytes,
                      (end - first) * where->chunk_bytes);
    for (size_t tile = first * here->chunk_tiles;
         where->chunk_bytes == 0 && tile < mb_min_size(end * here->chunk_tiles, tiles); tile++)
        if (where->of_tile != NULL)
            where->of_tile(here->phase.op, mb_tiling_tile(tiling, tile), part);
        else
            add_rows(use, here->phase.tiling, mb_tiling_tile(tiling, tile), part);
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
    const mb_tiling tiling = reader->tiling;
    const size_t first = reader->first_chunk * reader->chunk_tiles;
    const size_t end = mb_min_size(reader->end_chunk * reader->chunk_tiles, reader->tiles);
    if (first >= end)
        return (rows){0, 0};
    if (is_divided_by_samples(reader))
        return (rows){tiling.first_row, tiling.first_row + tiling.rows};
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

static void divide_tiles(mb_plan *plan, size_t rank, size_t ranks)
{
    for (size_t p = plan->count; p-- > 0;) {
        mb_planned *phase = planned(plan, p);
        if (phase->phase.each_rank)
            continue;
        phase->tiling = tiling_of(phase, rank, ranks);
        phase->tiles = mb_tiling_tiles(phase->tiling);
        const bool all = is_divided_by_samples(phase);
        phase->first_chunk = all ? 0 : first_chunk(phase, rank, ranks);
        phase->end_chunk =
            all ? mb_tiling_chunks(phase->tiling) : first_chunk(phase, rank + 1, ranks);
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

static mb_region *open_regions(size_t count) { return calloc(count, sizeof(mb_region)); }

static void free_regions(mb_region *regions, size_t count)
{
    for (size_t i = 0; regions != NULL && i < count; i++)
        mb_region_free(&regions[i]);
    free(regions);
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

static size_t after_fused(const mb_plan *plan, size_t phase)
{
    for (phase++; phase < plan->count && planned(plan, phase)->fused;)
        phase++;
    return phase;
}

/* NULL if memory is out. */
static mb_planned_exchange *append(mb_planned_exchanges *exchanges)
{
    if (exchanges->count == exchanges->capacity) {
        const size_t capacity = exchanges->capacity > 0 ? 2 * exchanges->capacity : 16;
        mb_planned_exchange *list = realloc(exchanges->list, capacity * sizeof *list);
        if (list == NULL)
            return NULL;
        exchanges->list = list;
        exchanges->capacity = capacity;
    }
    mb_planned_exchange *new = &exchanges->list[exchanges->count++];
    *new = (mb_planned_exchange){.send = open_regions(exchanges->ranks),
                                 .receive = open_regions(exchanges->ranks)};
    return new->send != NULL &&new->receive != NULL ? new : NULL;
}

/* An exchange of what `writer` wrote, which is whole, or becomes so if `whole` is wanted: parts
 * need not be sent once more. NULL: none. */
static mb_planned_exchange *find_planned(const mb_planned_exchanges *exchanges, const void *buffer,
                                         size_t writer, bool whole)
{
    for (size_t i = 0; i < exchanges->count; i++) {
        mb_planned_exchange *e = &exchanges->list[i];
        if (e->buffer == buffer && e->writer == writer && (e->whole || whole))
            return e;
    }
    return NULL;
}

/* The derivation of the exchanges of one rank. */
typedef struct derivation {
    const mb_plan *plan;
    size_t rank, ranks;
    mb_planned_exchanges *exchanges;
} derivation;

/* A buffer that phase `reader` (count of the plan: the end of the step) needs as `writer` wrote it:
 * the part that it says it touches, or the whole. */
typedef struct link {
    size_t writer, reader;
    const mb_use *write, *read;
    bool whole;
} link;

/* A rank's side of a link. */
typedef struct side {
    mb_region written, needed; /* needed: only if the link is not whole */
} side;

static side side_of(const derivation *d, const link *l, size_t rank)
{
    side s = {.written = {0}};
    mb_plan_part(d->plan, l->writer, l->write, rank, d->ranks, &s.written);
    if (!l->whole)
        mb_plan_part(d->plan, l->reader, l->read, rank, d->ranks, &s.needed);
    return s;
}

static void free_side(side *s)
{
    mb_region_free(&s->written);
    mb_region_free(&s->needed);
}

static void find_message(const link *l, const side *from, const side *to, mb_region *message)
{
    mb_region_intersect(&from->written, l->whole ? &from->written : &to->needed, message);
}

static mb_status add_messages(const derivation *d, const link *l, mb_planned_exchange *exchange,
                              mb_error *error)
{
    side mine = side_of(d, l, d->rank);
    bool failed = false;
    for (size_t other = 0; other < d->ranks; other++) {
        if (other == d->rank)
            continue;
        side theirs = side_of(d, l, other);
        mb_region_clear(&exchange->send[other]);
        mb_region_clear(&exchange->receive[other]);
        find_message(l, &mine, &theirs, &exchange->send[other]);
        find_message(l, &theirs, &mine, &exchange->receive[other]);
        failed |= exchange->send[other].out_of_memory || exchange->receive[other].out_of_memory;
        free_side(&theirs);
    }
    free_side(&mine);
    return failed ? mb_fail_memory(error, "plan", d->ranks * sizeof(mb_region)) : MB_OK;
}

static mb_status add_exchange(const derivation *d, size_t writer, size_t reader, const mb_use *use,
                              mb_error *error)
{
    const mb_plan *plan = d->plan;
    const link l = {.writer = writer,
                    .reader = reader,
                    .write = find_write(plan, writer, use->buffer),
                    .read = use,
                    .whole = reader == plan->count || planned(plan, reader)->phase.each_rank ||
                             !has_part(use)};
    if (!has_part(l.write))
        return mb_fail(error, MB_ERROR_INVALID,
                       "plan: %s does not say where in a buffer its tiles write, and another "
                       "rank reads that",
                       planned(plan, writer)->phase.name);
    mb_planned_exchange *e = find_planned(d->exchanges, use->buffer, writer, l.whole);
    if (e != NULL && e->whole)
        return MB_OK;
    if (e == NULL) {
        e = append(d->exchanges);
        if (e == NULL)
            return mb_fail_memory(error, "plan", sizeof *e);
        e->buffer = use->buffer;
        e->writer = writer;
        e->start = after_fused(plan, writer);
        e->finish = reader;
    }
    e->whole = l.whole;
    return add_messages(d, &l, e, error);
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

static mb_status add_exchanges_of(const derivation *d, size_t reader, mb_error *error)
{
    const mb_plan *plan = d->plan;
    mb_status status = MB_OK;
    for (size_t u = 0; u < MB_MAX_USES && status == MB_OK; u++) {
        const mb_use *use = &planned(plan, reader)->phase.uses[u];
        const size_t writer = use->buffer != NULL ? find_writer(plan, use->buffer, reader) : reader;
        if (writer < reader && crosses_ranks(plan, writer, reader, use))
            status = add_exchange(d, writer, reader, use, error);
    }
    return status;
}

/* What other ranks wrote in buffers that are persistent. */
static mb_status add_persistent(const derivation *d, size_t writer, mb_error *error)
{
    mb_status status = MB_OK;
    const mb_phase *phase = &planned(d->plan, writer)->phase;
    for (size_t u = 0; u < MB_MAX_USES && status == MB_OK && !phase->each_rank; u++)
        if (phase->uses[u].persistent)
            status = add_exchange(d, writer, d->plan->count, &phase->uses[u], error);
    return status;
}

mb_status mb_plan_list_exchanges(mb_plan *plan, size_t rank, size_t ranks,
                                 mb_planned_exchanges *exchanges, mb_error *error)
{
    const derivation d = {plan, rank, ranks, exchanges};
    mb_status status = MB_OK;
    exchanges->ranks = ranks;
    divide_tiles(plan, rank, ranks);
    for (size_t p = 0; p < plan->count && status == MB_OK; p++)
        status = add_exchanges_of(&d, p, error);
    for (size_t p = 0; p < plan->count && status == MB_OK; p++)
        status = add_persistent(&d, p, error);
    return status;
}

void mb_planned_exchanges_free(mb_planned_exchanges *exchanges)
{
    for (size_t i = 0; i < exchanges->count; i++) {
        free_regions(exchanges->list[i].send, exchanges->ranks);
        free_regions(exchanges->list[i].receive, exchanges->ranks);
    }
    free(exchanges->list);
    *exchanges = (mb_planned_exchanges){0};
}
