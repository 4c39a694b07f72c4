/* A training step as a list of phases, divided into tiles, run by a team.
 *
 * Layers append phases when a plan is built, in the order in which the step would happen on one
 * thread. Each phase says what it reads and writes, and from that the plan works out where the
 * team must wait: a phase waits for those before it that it depends on, and phases that do not
 * depend on each other share the interval between two barriers.
 *
 * Two phases of equal tiling may depend on each other tile by tile (a ReLU on what a dense layer
 * just wrote): if both say that a tile touches only its own part, no barrier is needed, because a
 * tile is always run by the same thread. Such neighbours are fused: they run tile by tile, one
 * after the other, while the tile is in cache.
 *
 * Tiles are divided among ranks (processes) before they are divided among threads; large batches
 * are divided among ranks by samples, of which each rank then has tiles of its own. Ranks share no
 * memory: what a phase reads that another rank wrote is sent before (plan_ranks.h). */
#ifndef MB_NN_PLAN_H
#define MB_NN_PLAN_H

#include "core/region.h"
#include "core/status.h"
#include "data/batch.h"
#include "machine/team.h"
#include "nn/tiling.h"

/* The arguments of one step. Each thread has its own, equal copy. */
typedef struct mb_step {
    mb_batch *batch;                   /* gathered in this step */
    mb_sample_indices samples;         /* what it is gathered from: rows of batch->source */
    mb_sample_indices dataset_samples; /* the same samples by their index in the data set */
    mb_sample_indices next;            /* those of the next step; none at the end of an epoch */
    size_t worker;                     /* the thread's index in the team */
    size_t epoch;                      /* of the run, from 0: random numbers depend on it */
    const mb_update *update;           /* NULL in evaluation */
    double weight;                     /* sum of the samples' class weights, if there are any */
} mb_step;

/* Arguments of one tile of a phase. */
typedef struct mb_tile_args {
    const void *op; /* the phase's */
    const mb_step *step;
    size_t tile;
    mb_tile part;  /* of the matrix that the phase's tiling divides */
    void *scratch; /* the thread's own, mb_phase.scratch bytes */
} mb_tile_args;

typedef void mb_tile_fn(const mb_tile_args *args);

/* Adds the bytes of a buffer that a tile of the phase of `op` touches. */
typedef void mb_tile_part_fn(const void *op, mb_tile tile, mb_region *part);

/* Where the part of a tile is in its buffer: in a matrix whose rows are `row_bytes` apart and whose
 * elements have `column_bytes`, or its whole rows, or, chunk by chunk, in pieces of `chunk_bytes`
 * after `offset` bytes, or where `of_tile` says. {0}: not known. */
typedef struct mb_tile_part {
    size_t row_bytes, column_bytes, chunk_bytes, offset;
    bool whole_rows; /* whatever columns the tile has */
    mb_tile_part_fn *of_tile;
} mb_tile_part;

/* One buffer that a phase reads or writes, named by its address. `own`: each tile touches only the
 * part of it that the tiling gives to the tile. `copies`: each worker has one of its own.
 * `persistent`: all of it is needed after the step. */
typedef struct mb_use {
    const void *buffer; /* NULL: no use */
    bool writes, own, copies, persistent;
    mb_tile_part part;
} mb_use;

enum { MB_MAX_USES = 6 };

static inline mb_use mb_reads(const void *buffer) { return (mb_use){.buffer = buffer}; }
static inline mb_use mb_reads_own(const void *buffer)
{
    return (mb_use){.buffer = buffer, .own = true};
}
static inline mb_use mb_writes(const void *buffer)
{
    return (mb_use){.buffer = buffer, .writes = true};
}
static inline mb_use mb_writes_own(const void *buffer)
{
    return (mb_use){.buffer = buffer, .writes = true, .own = true};
}
static inline mb_use mb_reads_copy(const void *buffer)
{
    return (mb_use){.buffer = buffer, .copies = true};
}
static inline mb_use mb_writes_copy(const void *buffer)
{
    return (mb_use){.buffer = buffer, .writes = true, .copies = true};
}

typedef struct mb_phase {
    const char *name; /* "dense1 forward"; valid as long as op */
    mb_tile_fn *run;
    const void *op; /* outlives the plan */
    mb_tiling tiling;
    size_t scratch;   /* bytes per thread */
    bool each_worker; /* runs all tiles, to write its copies of buffers */
    /* Each rank runs all tiles, from what every rank has; or, where tile i makes the samples
     * i * sample_rows and following, the tiles of samples that the rank needs. */
    bool each_rank;
    size_t sample_rows; /* 0: tiles do not make samples */
    mb_use uses[MB_MAX_USES];
} mb_phase;

typedef struct mb_planned mb_planned;

/* Ticks (mb_ticks) that one worker has spent on a phase. */
typedef struct mb_phase_time {
    uint64_t running; /* in its tiles */
    uint64_t waiting; /* at the barrier after it; 0 if there is none */
} mb_phase_time;

/* Times the phases of one worker in the runs of a plan. */
typedef struct mb_plan_timer {
    mb_phase_time *times; /* (phases of the plan), added to */
    size_t phase;         /* the current or the last one */
} mb_plan_timer;

/* {0} is an empty plan. */
typedef struct mb_plan {
    mb_planned *phases;
    size_t count, capacity;
    bool out_of_memory;                  /* a phase could not be added */
    struct mb_plan_exchanges *exchanges; /* between ranks (plan_ranks.h); NULL: there is one */
    mb_plan_timer *timers; /* (workers), the caller's; NULL: runs are not timed, at no cost */
} mb_plan;

/* Appends a phase. mb_plan_status reports if memory has run out. */
void mb_plan_add(mb_plan *plan, const mb_phase *phase);

/* MB_ERROR_MEMORY if a phase could not be added since the plan was empty. */
mb_status mb_plan_status(const mb_plan *plan, mb_error *error);

/* The tiling of the last phase that writes the buffer; a tiling of no rows if none does. */
mb_tiling mb_plan_writer(const mb_plan *plan, const void *buffer);

/* Phase `index` of plan->count, in the order in which they were added. */
const mb_phase *mb_plan_phase(const mb_plan *plan, size_t index);

/* Bytes of scratch that each thread must bring. */
size_t mb_plan_scratch(const mb_plan *plan);

/* Barriers per step. */
size_t mb_plan_barriers(const mb_plan *plan);

/* Runs the phases once; called by every worker of a team, each with its own scratch and an equal
 * step. When it returns all phases are finished on all threads. */
void mb_plan_run(const mb_plan *plan, const mb_step *step, const mb_worker *worker, void *scratch);

/* True if phase `index` runs tile by tile with the one before it. */
bool mb_plan_is_fused(const mb_plan *plan, size_t index);

/* Frees the plan; the ops and the timers are the caller's. */
void mb_plan_free(mb_plan *plan);

#endif
