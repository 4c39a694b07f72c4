#include "plan_check.h"

#include "test.h"

#include "core/region.h"
#include "nn/plan_messages.h"
#include "nn/plan_ranks.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POISON = 0xff }; /* NaN */

/* A run of one tile of one phase. */
typedef struct tile_run {
    mb_plan_check *check;
    const mb_plan *plan;
    const mb_step *step;
    size_t index; /* of the phase */
    const mb_phase *phase;
    size_t tile, chunk;
    char *before, *after;  /* snapshots of all buffers */
    unsigned char **owner; /* (phases) of each byte: chunk + 1 of the tile that writes it, or 0 */
    unsigned char **writer; /* the same of all buffers, not only those declared own */
    char *scratch;
    bool learns;
} tile_run;

void mb_plan_check_add(mb_plan_check *check, const void *buffer, const char *text,
                       const void *start, size_t size, mb_checked_as kind)
{
    if (buffer == NULL || start == NULL || size == 0)
        return;
    assert_true(check->count < MB_MAX_CHECKED_BUFFERS);
    check->buffers[check->count++] =
        (mb_checked_buffer){buffer, text, (char *)(uintptr_t)start, size, kind};
}

static char poison_of(const mb_checked_buffer *buffer)
{
    return buffer->kind == MB_CHECKED_INDICES ? 0 : (char)POISON;
}

static void report(const tile_run *r, const char *what, const mb_checked_buffer *buffer)
{
    if (r->check->problem[0] == '\0')
        snprintf(r->check->problem, sizeof r->check->problem, "%s, tile %zu: %s %s", r->phase->name,
                 r->tile, what, buffer->text);
}

/* ---- snapshots of all buffers ---- */

static size_t snapshot_size(const mb_plan_check *check)
{
    size_t size = 0;
    for (size_t b = 0; b < check->count; b++)
        size += check->buffers[b].size;
    return size;
}

static void copy_all(const mb_plan_check *check, char *snapshot, bool restore)
{
    for (size_t b = 0; b < check->count; b++) {
        const mb_checked_buffer *buffer = &check->buffers[b];
        if (restore)
            memcpy(buffer->start, snapshot, buffer->size);
        else
            memcpy(snapshot, buffer->start, buffer->size);
        snapshot += buffer->size;
    }
}

/* ---- the declared uses of a phase ---- */

typedef struct declared {
    bool any, writes, own;
} declared;

static declared declaration_of(const mb_phase *phase, const void *buffer)
{
    declared d = {.own = true};
    for (size_t u = 0; u < MB_MAX_USES; u++)
        if (phase->uses[u].buffer == buffer) {
            d.any = true;
            d.writes |= phase->uses[u].writes;
            d.own &= phase->uses[u].own;
        }
    d.own &= d.any;
    return d;
}

/* The owners of a buffer's bytes: those of the last phase, up to this one, that wrote it with the
 * same tiling. NULL: unknown. */
static const unsigned char *owners_for(const tile_run *r, const void *buffer)
{
    for (size_t i = r->index + 1; i-- > 0;) {
        const mb_phase *writer = mb_plan_phase(r->plan, i);
        const declared d = declaration_of(writer, buffer);
        if (d.writes)
            return d.own && mb_tiling_equal(writer->tiling, r->phase->tiling) ? r->owner[i] : NULL;
    }
    return NULL;
}

/* ---- one tile ---- */

static void run_tile(const tile_run *r, int scratch)
{
    memset(r->scratch, scratch, r->phase->scratch);
    r->phase->run(&(mb_tile_args){r->phase->op, r->step, r->tile,
                                  mb_tiling_tile(r->phase->tiling, r->tile), r->scratch});
}

/* The owners of a buffer of which the tile may read its own part; NULL: all of it, or nothing. */
static const unsigned char *owners_to_respect(const tile_run *r, const mb_checked_buffer *buffer,
                                              size_t offset)
{
    const declared d = declaration_of(r->phase, buffer->buffer);
    const unsigned char *owner = d.own && !r->learns ? owners_for(r, buffer->buffer) : NULL;
    return owner != NULL ? owner + offset : NULL;
}

static bool is_others(const tile_run *r, unsigned char owner)
{
    return owner != 0 && owner != r->chunk + 1;
}

/* Poisons the bytes that the tile must not read. */
static void poison(const tile_run *r)
{
    size_t offset = 0;
    for (size_t b = 0; b < r->check->count; b++) {
        const mb_checked_buffer *buffer = &r->check->buffers[b];
        const unsigned char *owner = owners_to_respect(r, buffer, offset);
        if (!declaration_of(r->phase, buffer->buffer).any)
            memset(buffer->start, poison_of(buffer), buffer->size);
        for (size_t i = 0; owner != NULL && i < buffer->size; i++)
            if (is_others(r, owner[i]))
                buffer->start[i] = poison_of(buffer);
        offset += buffer->size;
    }
}

/* Compares the bytes that were poisoned with the poison, and the others with the snapshot. */
static bool differs(const tile_run *r, const mb_checked_buffer *buffer, size_t offset)
{
    const char *start = buffer->start, *snapshot = r->after + offset;
    const unsigned char *owner = owners_to_respect(r, buffer, offset);
    if (!declaration_of(r->phase, buffer->buffer).any)
        return start[0] != poison_of(buffer) || memcmp(start, start + 1, buffer->size - 1) != 0;
    if (owner == NULL)
        return memcmp(start, snapshot, buffer->size) != 0;
    for (size_t i = 0; i < buffer->size; i++)
        if (start[i] != (is_others(r, owner[i]) ? poison_of(buffer) : snapshot[i]))
            return true;
    return false;
}

static void note_owners(const tile_run *r, const mb_checked_buffer *buffer, size_t offset)
{
    unsigned char *owner = r->owner[r->index] + offset;
    if (memcmp(r->before + offset, r->after + offset, buffer->size) == 0)
        return;
    for (size_t i = 0; i < buffer->size; i++)
        if (r->before[offset + i] != r->after[offset + i]) {
            if (owner[i] != 0 && owner[i] != r->chunk + 1)
                report(r, "writes another tile's part of", buffer);
            owner[i] = (unsigned char)(r->chunk + 1);
        }
}

/* A byte that two chunks write is of both ranks that run them. */
static void note_writer(const tile_run *r, const mb_checked_buffer *buffer, size_t offset)
{
    unsigned char *writer = r->writer[r->index] + offset;
    for (size_t i = 0; i < buffer->size; i++)
        if (r->before[offset + i] != r->after[offset + i]) {
            if (writer[i] != 0 && writer[i] != r->chunk + 1)
                report(r, "two chunks write the same part of", buffer);
            writer[i] = (unsigned char)(r->chunk + 1);
        }
}

/* True if tiles, and the parts that they write, are divided among ranks. */
static bool is_divided(const mb_phase *phase, const mb_checked_buffer *buffer)
{
    for (size_t u = 0; u < MB_MAX_USES; u++)
        if (phase->uses[u].buffer == buffer->buffer && phase->uses[u].copies)
            return false;
    return !phase->each_rank && phase->tiling.sample_chunk == 0 &&
           buffer->kind != MB_CHECKED_PER_THREAD;
}

/* Runs the tile as it is: only what is declared as written may change. */
static void check_writes(const tile_run *r)
{
    const mb_plan_check *check = r->check;
    size_t offset = 0;
    copy_all(check, r->before, false);
    run_tile(r, 0);
    copy_all(check, r->after, false);
    for (size_t b = 0; b < check->count; b++) {
        const mb_checked_buffer *buffer = &check->buffers[b];
        const declared d = declaration_of(r->phase, buffer->buffer);
        if (!d.writes && memcmp(buffer->start, r->before + offset, buffer->size) != 0)
            report(r, "writes", buffer);
        if (d.writes && d.own && buffer->kind != MB_CHECKED_PER_THREAD)
            note_owners(r, buffer, offset);
        if (d.writes && is_divided(r->phase, buffer))
            note_writer(r, buffer, offset);
        offset += buffer->size;
    }
}

/* Runs it again with all else poisoned: nothing may come out differently. */
static void check_reads(const tile_run *r)
{
    const mb_plan_check *check = r->check;
    size_t offset = 0;
    copy_all(check, r->before, true);
    poison(r);
    run_tile(r, POISON);
    for (size_t b = 0; b < check->count; b++) {
        const mb_checked_buffer *buffer = &check->buffers[b];
        const bool any = declaration_of(r->phase, buffer->buffer).any;
        if (differs(r, buffer, offset))
            report(r, any ? "reads more than it declares: see" : "writes", buffer);
        offset += buffer->size;
    }
    copy_all(check, r->after, true);
}

/* ---- a step ---- */

static size_t fused_end(const mb_plan *plan, size_t first)
{
    size_t end = first + 1;
    while (end < plan->count && mb_plan_is_fused(plan, end))
        end++;
    return end;
}

static void run_step(tile_run *r)
{
    for (size_t i = 0, end; i < r->plan->count; i = end) {
        const mb_tiling tiling = mb_plan_phase(r->plan, i)->tiling;
        end = fused_end(r->plan, i);
        for (r->tile = 0; r->tile < mb_tiling_tiles(tiling); r->tile++)
            for (r->index = i; r->index < end && r->check->problem[0] == '\0'; r->index++) {
                r->phase = mb_plan_phase(r->plan, r->index);
                r->chunk = r->tile / (tiling.chunk_tiles > 0 ? tiling.chunk_tiles : 1);
                assert_true(r->chunk < 255);
                check_writes(r);
                check_reads(r);
            }
    }
}

/* ---- parts of ranks ---- */

/* The rank + 1 whose part each byte of the buffer is, 0: no rank's. The use must say which. */
static void map_parts(tile_run *r, const mb_use *use, size_t ranks, const mb_checked_buffer *buffer,
                      unsigned char *rank_of)
{
    memset(rank_of, 0, buffer->size);
    for (size_t rank = 0; rank < ranks; rank++) {
        mb_region part = {0};
        assert_true(mb_plan_part(r->plan, r->index, use, rank, ranks, &part));
        for (size_t s = 0; s < part.count; s++)
            for (size_t i = part.segments[s].begin; i < part.segments[s].end; i++) {
                if (i >= buffer->size)
                    report(r, "has a part beyond the end of", buffer);
                else if (rank_of[i] != 0)
                    report(r, "is of two ranks, with parts that overlap, of", buffer);
                if (i < buffer->size)
                    rank_of[i] = (unsigned char)(rank + 1);
            }
        mb_region_free(&part);
    }
}

/* Marks the bytes of the buffer that a use touches: all if it does not say which. */
static void mark_part(const tile_run *r, size_t phase, const mb_use *use,
                      const mb_checked_buffer *buffer, bool *marks)
{
    mb_region part = {0};
    if (!mb_plan_part(r->plan, phase, use, 0, 1, &part))
        mb_region_add(&part, 0, buffer->size);
    for (size_t s = 0; s < part.count; s++)
        for (size_t i = part.segments[s].begin; i < part.segments[s].end && i < buffer->size; i++)
            marks[i] = true;
    mb_region_free(&part);
}

/* Marks the bytes that later phases read, up to the next that writes the buffer; all if it is kept.
 * Others may be a phase's own scratch. */
static void mark_read(const tile_run *r, const mb_use *written, const mb_checked_buffer *buffer,
                      bool *marks)
{
    bool is_last = false;
    memset(marks, written->persistent, buffer->size);
    for (size_t p = r->index + 1; p < r->plan->count && !is_last; p++)
        for (size_t u = 0; u < MB_MAX_USES; u++) {
            const mb_use *use = &mb_plan_phase(r->plan, p)->uses[u];
            if (use->buffer == written->buffer && !use->copies)
                mark_part(r, p, use, buffer, marks);
            is_last |= use->buffer == written->buffer && use->writes;
        }
}

/* What the tiles of a rank wrote and others read must be in its part. */
static void check_part(tile_run *r, const mb_use *use, size_t ranks,
                       const mb_checked_buffer *buffer, const unsigned char *writer)
{
    const size_t chunks = mb_tiling_chunks(r->phase->tiling);
    unsigned char *rank_of = malloc(buffer->size);
    bool *is_read = malloc(buffer->size * sizeof *is_read);
    assert_true(rank_of != NULL && is_read != NULL);
    map_parts(r, use, ranks, buffer, rank_of);
    mark_read(r, use, buffer, is_read);
    for (size_t i = 0; i < buffer->size; i++) {
        size_t rank = 0;
        while (writer[i] != 0 && chunks * (rank + 1) / ranks < writer[i])
            rank++;
        if (writer[i] != 0 && rank_of[i] != rank + 1 && (rank_of[i] != 0 || is_read[i]))
            report(r, "writes outside of its rank's part of", buffer);
    }
    free(rank_of);
    free(is_read);
}

/* All uses that say which part of a buffer a rank's tiles write. */
static void check_parts(tile_run *r)
{
    static const size_t ranks[] = {1, 2, 3, 5};
    for (r->index = 0, r->tile = 0; r->index < r->plan->count; r->index++) {
        size_t offset = 0;
        r->phase = mb_plan_phase(r->plan, r->index);
        for (size_t b = 0; b < r->check->count; b++) {
            const mb_checked_buffer *buffer = &r->check->buffers[b];
            for (size_t u = 0; u < MB_MAX_USES && is_divided(r->phase, buffer); u++) {
                const mb_use *use = &r->phase->uses[u];
                const mb_tile_part *part = &use->part;
                const bool says =
                    part->of_tile != NULL || part->chunk_bytes > 0 || part->column_bytes > 0;
                for (size_t n = 0;
                     n < TEST_COUNT(ranks) && says && use->writes && use->buffer == buffer->buffer;
                     n++)
                    check_part(r, use, ranks[n], buffer, r->writer[r->index] + offset);
            }
            offset += buffer->size;
        }
    }
}

bool mb_plan_check_run(mb_plan_check *check, const mb_plan *plan, const mb_step *step)
{
    const size_t size = snapshot_size(check);
    tile_run r = {.check = check,
                  .plan = plan,
                  .step = step,
                  .before = malloc(size),
                  .after = malloc(size),
                  .owner = calloc(plan->count, sizeof *r.owner),
                  .writer = calloc(plan->count, sizeof *r.writer),
                  .scratch = aligned_alloc(64, mb_plan_scratch(plan) / 64 * 64 + 64)};
    unsigned char *owners = calloc(plan->count, size), *writers = calloc(plan->count, size);
    assert_true(r.before && r.after && r.owner && r.writer && r.scratch && owners && writers);
    for (size_t i = 0; i < plan->count; i++) {
        r.owner[i] = owners + i * size;
        r.writer[i] = writers + i * size;
    }
    check->problem[0] = '\0';
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1); /* as in a team: OpenBLAS starts no threads of its own, which spin */
    r.learns = true;
    run_step(&r);
    r.learns = false;
    run_step(&r);
    omp_set_num_threads(threads);
    check_parts(&r);
    free(r.before);
    free(r.after);
    free(r.owner);
    free(r.scratch);
    free(owners);
    free(r.writer);
    free(writers);
    return check->problem[0] == '\0';
}
