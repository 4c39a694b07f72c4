/* The ranks of a run, as info shows them. */
#ifndef MB_TOOLS_INFO_RANKS_H
#define MB_TOOLS_INFO_RANKS_H

#include <mnist_blas/machine.h>

#include <jansson.h>

enum { MB_RANK_PINS = 64 }; /* shown of a rank */

typedef struct mb_rank_info {
    char host[64];
    size_t threads, pins;
    unsigned pin[MB_RANK_PINS]; /* (pins) CPU of each thread */
} mb_rank_info;

/* Collects them of all ranks, which call it together: *all is (ranks) on the heap, filled on rank 0.
 * MB_ERROR_MEMORY. */
mb_status mb_info_gather_ranks(const mb_ranks *ranks, const mb_machine_info *machine,
                               mb_rank_info **all, mb_error *error);

/* Nothing if there is one rank. */
void mb_info_print_ranks(const mb_rank_info *all, mb_ranks_info ranks);

/* NULL if there is one rank, or memory is out. */
json_t *mb_info_ranks(const mb_rank_info *all, size_t count);

#endif
