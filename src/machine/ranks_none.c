/* Ranks in a build without MPI: there is one. */
#include "core/features.h"
#include "machine/ranks.h"

#include <string.h>

mb_status mb_ranks_open(mb_ranks **ranks, mb_error *error)
{
    size_t rank;
    *ranks = NULL;
    return mb_ranks_launched(&rank) > 1 ? mb_fail_feature(error, "mpirun", MB_FEATURE_MPI) : MB_OK;
}

mb_ranks_info mb_ranks_describe(const mb_ranks *ranks)
{
    (void)ranks;
    return (mb_ranks_info){.count = 1, .local_count = 1, .library = ""};
}

mb_status mb_ranks_agree(const mb_ranks *ranks, mb_status status, mb_error *error)
{
    (void)ranks, (void)error;
    return status;
}

void mb_ranks_close(mb_ranks *ranks) { (void)ranks; }
void mb_ranks_abandon(mb_ranks *ranks) { (void)ranks; }

mb_status mb_ranks_send(mb_ranks *ranks, size_t to, const void *message, size_t bytes,
                        mb_error *error)
{
    (void)ranks, (void)to, (void)message, (void)bytes;
    return mb_fail_feature(error, "message", MB_FEATURE_MPI);
}

bool mb_ranks_receive(mb_ranks *ranks, void *message, size_t bytes, size_t *from)
{
    (void)ranks, (void)message, (void)bytes, (void)from;
    return false;
}

size_t mb_ranks_broadcast(const mb_ranks *ranks, size_t value)
{
    (void)ranks;
    return value;
}

size_t mb_ranks_max(const mb_ranks *ranks, size_t value)
{
    (void)ranks;
    return value;
}

void mb_ranks_broadcast_bytes(const mb_ranks *ranks, void *bytes, size_t size)
{
    (void)ranks, (void)bytes, (void)size;
}

void mb_ranks_gather(const mb_ranks *ranks, const void *mine, size_t size, void *all)
{
    (void)ranks;
    memcpy(all, mine, size);
}

size_t mb_ranks_sum(const mb_ranks *ranks, size_t value)
{
    (void)ranks;
    return value;
}

void mb_ranks_send_data(const mb_ranks *ranks, size_t rank, const void *bytes, size_t size)
{
    (void)ranks, (void)rank, (void)bytes, (void)size;
}

size_t mb_ranks_receive_data(const mb_ranks *ranks, size_t rank, void *bytes, size_t size)
{
    (void)ranks, (void)rank, (void)bytes;
    return size;
}

size_t mb_ranks_share_cores(const mb_ranks *ranks, const unsigned *cpus, size_t cores,
                            size_t *first)
{
    (void)ranks, (void)cpus;
    *first = 0;
    return cores;
}

mb_status mb_exchange_open(const mb_ranks *ranks, void *base, const mb_region *send,
                           const mb_region *receive, mb_exchange **exchange, mb_error *error)
{
    (void)ranks, (void)base, (void)send, (void)receive, (void)exchange;
    return mb_fail_feature(error, "exchange", MB_FEATURE_MPI);
}

void mb_exchange_start(mb_exchange *exchange) { (void)exchange; }
void mb_exchange_progress(mb_exchange *exchange) { (void)exchange; }
void mb_exchange_finish(mb_exchange *exchange) { (void)exchange; }
void mb_exchange_run_at(mb_exchange *exchange, void *base) { (void)exchange, (void)base; }
void mb_exchange_close(mb_exchange *exchange) { (void)exchange; }
