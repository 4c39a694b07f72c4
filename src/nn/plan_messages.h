/* What the ranks of a divided plan send each other, derived from the uses of its phases. Nothing is
 * sent here, and the ranks need not exist. */
#ifndef MB_NN_PLAN_MESSAGES_H
#define MB_NN_PLAN_MESSAGES_H

#include "core/region.h"
#include "nn/plan.h"

/* Parts of a buffer that this rank sends to each rank, and receives from it, between phase `writer`
 * and a phase that reads them, or the end of the step. */
typedef struct mb_planned_exchange {
    const char *buffer;
    size_t writer;
    size_t start,
        finish; /* before which phases (count of the plan: at its end); equal on all ranks */
    bool whole; /* all ranks then have all of the buffer */
    mb_region *send, *receive; /* (ranks) */
} mb_planned_exchange;

/* {0} is empty. */
typedef struct mb_planned_exchanges {
    mb_planned_exchange *list;
    size_t count, capacity, ranks;
} mb_planned_exchanges;

/* Divides the tiles of a plan, whose phases are all added, as rank `rank` of `ranks` does, and
 * lists its exchanges in `exchanges`, which is empty; a plan may be divided again. Free them after
 * a failure, too. MB_ERROR_MEMORY; MB_ERROR_INVALID: a phase does not say which part of a buffer it
 * writes. */
mb_status mb_plan_list_exchanges(mb_plan *plan, size_t rank, size_t ranks,
                                 mb_planned_exchanges *exchanges, mb_error *error);

/* The bytes of a buffer that the tiles of rank `rank` of `ranks` touch, in *part, normalised;
 * false if the use does not say. */
bool mb_plan_part(const mb_plan *plan, size_t phase, const mb_use *use, size_t rank, size_t ranks,
                  mb_region *part);

void mb_planned_exchanges_free(mb_planned_exchanges *exchanges);

#endif
