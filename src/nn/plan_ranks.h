/* A plan whose tiles are divided among ranks: which rank runs which, and what they send each other.
 *
 * Each rank has all buffers, and in each the parts that its own tiles wrote. Before a phase reads a
 * part that another rank wrote, that rank sends it: messages start when the writing phase is done,
 * and end before the reading phase, or at the end of the step where the buffer is persistent
 * (parameters). The sums of a step are added by the rank that runs the tile, in the order of one
 * process: equal bits. */
#ifndef MB_NN_PLAN_RANKS_H
#define MB_NN_PLAN_RANKS_H

#include "machine/ranks.h"
#include "nn/plan.h"

struct mb_planned {
    mb_phase phase;
    mb_tiling tiling; /* the phase's, or this rank's part of it */
    size_t tiles, chunk_tiles;
    size_t first_chunk, end_chunk; /* of this rank's tiles */
    bool after_barrier;
    bool fused; /* runs tile by tile with the phase before it */
};

typedef struct mb_plan_exchanges mb_plan_exchanges;

/* Divides the tiles of a plan whose phases are all added, and prepares its messages. No effect if
 * there is one rank. MB_ERROR_MEMORY; MB_ERROR_INVALID: a phase does not say which part of a buffer
 * it writes. */
mb_status mb_plan_divide(mb_plan *plan, const mb_ranks *ranks, mb_error *error);

/* Runs what is due before phase `index` (plan->count: at the end); called by every worker. waited:
 * they have just waited for each other. */
void mb_plan_exchange(mb_plan_exchanges *exchanges, size_t index, bool waited,
                      const mb_worker *worker);

/* Lets messages proceed; called between tiles. */
void mb_plan_progress(mb_plan_exchanges *exchanges, const mb_worker *worker);

/* Exchanges the parts of persistent buffers that ranks wrote in a step in other memory, where each
 * buffer's copy is as far from `copy` as the buffer is from `original`. */
void mb_plan_exchange_copies(const mb_plan *plan, const void *original, void *copy);

void mb_plan_exchanges_close(mb_plan_exchanges *exchanges);

#endif
