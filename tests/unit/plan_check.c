#include "plan_check.h"

#include "test.h"

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
    r->phase->run(&(mb_tile_args){r->phase->op, r->step, r->tile, r->scratch});
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

bool mb_plan_check_run(mb_plan_check *check, const mb_plan *plan, const mb_step *step)
{
    const size_t size = snapshot_size(check);
    tile_run r = {.check = check,
                  .plan = plan,
                  .step = step,
                  .before = malloc(size),
                  .after = malloc(size),
                  .owner = calloc(plan->count, sizeof *r.owner),
                  .scratch = aligned_alloc(64, mb_plan_scratch(plan) / 64 * 64 + 64)};
    unsigned char *owners = calloc(plan->count, size);
    assert_true(r.before && r.after && r.owner && r.scratch && owners);
    for (size_t i = 0; i < plan->count; i++)
        r.owner[i] = owners + i * size;
    check->problem[0] = '\0';
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1); /* as in a team: OpenBLAS starts no threads of its own, which spin */
    r.learns = true;
    run_step(&r);
    r.learns = false;
    run_step(&r);
    omp_set_num_threads(threads);
    free(r.before);
    free(r.after);
    free(r.owner);
    free(r.scratch);
    free(owners);
    return check->problem[0] == '\0';
}
