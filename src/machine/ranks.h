/* What ranks do together: they agree on values, and exchange parts of memory. All ranks call these
 * functions in the same order. */
#ifndef MB_MACHINE_RANKS_H
#define MB_MACHINE_RANKS_H

#include "core/region.h"

#include <mnist_blas/ranks.h>

static inline bool mb_ranks_are_several(const mb_ranks *ranks) { return ranks != NULL; }

/* Rank 0's value. */
size_t mb_ranks_broadcast(const mb_ranks *ranks, size_t value);

/* Replaces `size` bytes by those of rank 0. */
void mb_ranks_broadcast_bytes(const mb_ranks *ranks, void *bytes, size_t size);

size_t mb_ranks_sum(const mb_ranks *ranks, size_t value);

/* Sends bytes to a rank, which receives them in the same order; receiving returns how many came, at
 * most `size`. */
void mb_ranks_send_data(const mb_ranks *ranks, size_t rank, const void *bytes, size_t size);
size_t mb_ranks_receive_data(const mb_ranks *ranks, size_t rank, void *bytes, size_t size);

/* True if it is on any rank. */
static inline bool mb_ranks_any(const mb_ranks *ranks, bool value)
{
    return mb_ranks_max(ranks, value) > 0;
}

/* This rank's part of `cores`, which the ranks of this computer share: *first and the result, their
 * number. `cores` and 0 if the CPUs of the cores (cores) are this rank's alone, as mpirun binds
 * them; 0 if there are more ranks than cores. */
size_t mb_ranks_share_cores(const mb_ranks *ranks, const unsigned *cpus, size_t cores,
                            size_t *first);

/* An exchange of parts of a buffer that each rank has: some are sent, others received. It may be
 * repeated. */
typedef struct mb_exchange mb_exchange;

/* send, receive: (ranks) the parts that go to each rank and come from it. The memory at `base` must
 * outlive the exchange. MB_ERROR_MEMORY. */
mb_status mb_exchange_open(const mb_ranks *ranks, void *base, const mb_region *send,
                           const mb_region *receive, mb_exchange **exchange, mb_error *error);

/* Starts the messages. Until mb_exchange_finish what is sent must not change, and what is received
 * is undefined. */
void mb_exchange_start(mb_exchange *exchange);

/* Lets messages proceed. */
void mb_exchange_progress(mb_exchange *exchange);

void mb_exchange_finish(mb_exchange *exchange);

/* The same exchange, from start to finish, of another buffer. */
void mb_exchange_run_at(mb_exchange *exchange, void *base);

/* NULL has no effect. */
void mb_exchange_close(mb_exchange *exchange);

#endif
