/* Ranks over MPI: the only file that calls it. Exchanges are persistent requests: what each step
 * sends and receives is prepared once. */
#include "core/status.h"
#include "core/util.h"
#include "machine/ranks.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { EXCHANGE_TAG = 1, OTHER_EXCHANGE_TAG, MESSAGE_TAG };

/* A message on its way. */
typedef struct sent_message {
    MPI_Request request;
    struct sent_message *next;
    unsigned char bytes[];
} sent_message;

struct mb_ranks {
    MPI_Comm all, local, messages;
    sent_message *sent;
    mb_ranks_info info;
    char library[MPI_MAX_LIBRARY_VERSION_STRING];
};

/* ---- messages ---- */

/* Frees messages that have been received, or are in MPI's own memory; waits for the others. */
static void free_sent(mb_ranks *ranks, bool waits)
{
    sent_message **at = &ranks->sent;
    while (*at != NULL) {
        sent_message *sent = *at;
        int done = 1;
        if (waits)
            MPI_Wait(&sent->request, MPI_STATUS_IGNORE);
        else
            MPI_Test(&sent->request, &done, MPI_STATUS_IGNORE);
        if (done) {
            *at = sent->next;
            free(sent);
        } else
            at = &sent->next;
    }
}

mb_status mb_ranks_send(mb_ranks *ranks, size_t to, const void *message, size_t bytes,
                        mb_error *error)
{
    sent_message *new = malloc(sizeof *new + bytes);
    if (new == NULL)
        return mb_fail_memory(error, "message", bytes);
    free_sent(ranks, false);
    memcpy(new->bytes, message, bytes);
    new->request = MPI_REQUEST_NULL;
    MPI_Isend(new->bytes, (int)bytes, MPI_BYTE, (int)to, MESSAGE_TAG, ranks->messages,
              &new->request);
    new->next = ranks->sent;
    ranks->sent = new;
    return MB_OK;
}

bool mb_ranks_receive(mb_ranks *ranks, void *message, size_t bytes, size_t *from)
{
    int come = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, MESSAGE_TAG, ranks->messages, &come, &status) != MPI_SUCCESS ||
        !come)
        return false;
    *from = (size_t)status.MPI_SOURCE;
    return MPI_Recv(message, (int)bytes, MPI_BYTE, status.MPI_SOURCE, MESSAGE_TAG, ranks->messages,
                    MPI_STATUS_IGNORE) == MPI_SUCCESS;
}

/* ---- opening ---- */

/* "Open MPI v4.1.4, package: ..." and "MPICH Version:\t4.0.2\nMPICH Release..." are shortened. */
static void shorten(char *library) { library[strcspn(library, ",\n")] = '\0'; }

static size_t size_of(MPI_Comm comm)
{
    int size;
    MPI_Comm_size(comm, &size);
    return (size_t)size;
}

static size_t rank_in(MPI_Comm comm)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    return (size_t)rank;
}

mb_status mb_ranks_open(mb_ranks **ranks, mb_error *error)
{
    size_t rank;
    int threads, length, opened_before;
    const size_t launched = mb_ranks_launched(&rank);
    *ranks = NULL;
    if (launched == 1)
        return MB_OK;
    MPI_Initialized(&opened_before);
    if (opened_before)
        return mb_fail(error, MB_ERROR_UNAVAILABLE,
                       "mpirun: this process has joined its run before");
    mb_ranks *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "ranks", sizeof *opened);
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &threads);
    MPI_Comm_dup(MPI_COMM_WORLD, &opened->all);
    MPI_Comm_dup(MPI_COMM_WORLD, &opened->messages);
    MPI_Comm_set_errhandler(opened->messages, MPI_ERRORS_RETURN); /* a rank may die */
    MPI_Comm_split_type(opened->all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &opened->local);
    MPI_Get_library_version(opened->library, &length);
    shorten(opened->library);
    opened->info = (mb_ranks_info){.rank = rank_in(opened->all),
                                   .count = size_of(opened->all),
                                   .local_rank = rank_in(opened->local),
                                   .local_count = size_of(opened->local),
                                   .library = opened->library};
    if (opened->info.count == launched) {
        *ranks = opened;
        return MB_OK;
    }
    mb_fail(error, MB_ERROR_UNAVAILABLE,
            "mpirun: it started %zu processes, and %s sees %zu: use the mpirun of that library",
            launched, opened->library, opened->info.count);
    mb_ranks_close(opened);
    return MB_ERROR_UNAVAILABLE;
}

mb_ranks_info mb_ranks_describe(const mb_ranks *ranks)
{
    return ranks != NULL ? ranks->info
                         : (mb_ranks_info){.count = 1, .local_count = 1, .library = ""};
}

void mb_ranks_close(mb_ranks *ranks)
{
    if (ranks == NULL)
        return;
    free_sent(ranks, true);
    MPI_Comm_free(&ranks->local);
    MPI_Comm_free(&ranks->messages);
    MPI_Comm_free(&ranks->all);
    MPI_Finalize();
    free(ranks);
}

/* Messages to the dead are MPI's until the process ends, and so is their memory. */
void mb_ranks_abandon(mb_ranks *ranks) { (void)ranks; }

/* ---- values ---- */

size_t mb_ranks_broadcast(const mb_ranks *ranks, size_t value)
{
    unsigned long long sent = value;
    if (ranks != NULL)
        MPI_Bcast(&sent, 1, MPI_UNSIGNED_LONG_LONG, 0, ranks->all);
    return (size_t)sent;
}

size_t mb_ranks_max(const mb_ranks *ranks, size_t value)
{
    unsigned long long max = value;
    if (ranks != NULL)
        MPI_Allreduce(MPI_IN_PLACE, &max, 1, MPI_UNSIGNED_LONG_LONG, MPI_MAX, ranks->all);
    return (size_t)max;
}

void mb_ranks_gather(const mb_ranks *ranks, const void *mine, size_t size, void *all)
{
    if (ranks != NULL)
        MPI_Gather(mine, (int)size, MPI_BYTE, all, (int)size, MPI_BYTE, 0, ranks->all);
    else
        memcpy(all, mine, size);
}

size_t mb_ranks_sum(const mb_ranks *ranks, size_t value)
{
    unsigned long long sum = value;
    if (ranks != NULL)
        MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UNSIGNED_LONG_LONG, MPI_SUM, ranks->all);
    return (size_t)sum;
}

void mb_ranks_broadcast_bytes(const mb_ranks *ranks, void *bytes, size_t size)
{
    if (ranks != NULL)
        MPI_Bcast(bytes, (int)size, MPI_BYTE, 0, ranks->all);
}

/* A message has at most MAX_MESSAGE bytes: MPI of version 3 counts in int. */
enum { MAX_MESSAGE = 1 << 30, DATA_TAG = 3 };

void mb_ranks_send_data(const mb_ranks *ranks, size_t rank, const void *bytes, size_t size)
{
    for (size_t sent = 0; sent < size; sent += MAX_MESSAGE)
        MPI_Send((const char *)bytes + sent, (int)mb_min_size(size - sent, MAX_MESSAGE), MPI_BYTE,
                 (int)rank, DATA_TAG, ranks->all);
}

size_t mb_ranks_receive_data(const mb_ranks *ranks, size_t rank, void *bytes, size_t size)
{
    size_t done = 0;
    for (int came = MAX_MESSAGE; came == MAX_MESSAGE && done < size; done += (size_t)came) {
        MPI_Status status;
        MPI_Recv((char *)bytes + done, (int)mb_min_size(size - done, MAX_MESSAGE), MPI_BYTE,
                 (int)rank, DATA_TAG, ranks->all, &status);
        MPI_Get_count(&status, MPI_BYTE, &came);
    }
    return done;
}

mb_status mb_ranks_agree(const mb_ranks *ranks, mb_status status, mb_error *error)
{
    if (ranks == NULL)
        return status;
    const int count = (int)ranks->info.count, mine = (int)ranks->info.rank;
    int first = status != MB_OK ? mine : count;
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, ranks->all);
    if (first == count)
        return MB_OK;
    mb_error theirs = {.status = status};
    if (mine == first && error != NULL)
        theirs = *error;
    MPI_Bcast(&theirs, (int)sizeof theirs, MPI_BYTE, first, ranks->all);
    return first > 0 ? mb_fail(error, theirs.status, "rank %d: %s", first, theirs.text)
                     : mb_fail(error, theirs.status, "%s", theirs.text);
}

size_t mb_ranks_share_cores(const mb_ranks *ranks, const unsigned *cpus, size_t cores,
                            size_t *first)
{
    *first = 0;
    if (ranks == NULL || ranks->info.local_count == 1)
        return cores;
    /* Ranks that have the same first core have the same cores. */
    const unsigned long long core = cores > 0 ? cpus[0] : 0;
    const size_t count = ranks->info.local_count;
    size_t sharing = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned long long theirs = core;
        MPI_Bcast(&theirs, 1, MPI_UNSIGNED_LONG_LONG, (int)i, ranks->local);
        sharing += theirs == core;
        before += theirs == core && i < ranks->info.local_rank;
    }
    *first = cores * before / sharing;
    return cores * (before + 1) / sharing - *first;
}

/* ---- exchanges ---- */

typedef struct message {
    MPI_Datatype type; /* the segments; MPI_DATATYPE_NULL: nothing is sent or received */
    int peer;
    bool sends;
} message;

struct mb_exchange {
    MPI_Comm comm;
    message *messages;
    MPI_Request *requests, *others; /* prepared; of mb_exchange_run_at */
    int count;
    bool active;
};

/* MPI of version 3 counts in int. */
static bool fits(const mb_region *region)
{
    return region->count <= INT_MAX && mb_region_bytes(region) <= INT_MAX;
}

static bool make_type(const mb_region *region, MPI_Datatype *type)
{
    int *lengths = malloc(region->count * sizeof *lengths);
    MPI_Aint *begins = malloc(region->count * sizeof *begins);
    const bool made = lengths != NULL && begins != NULL;
    for (size_t i = 0; made && i < region->count; i++) {
        begins[i] = (MPI_Aint)region->segments[i].begin;
        lengths[i] = (int)(region->segments[i].end - region->segments[i].begin);
    }
    if (made) {
        MPI_Type_create_hindexed((int)region->count, lengths, begins, MPI_BYTE, type);
        MPI_Type_commit(type);
    }
    free(lengths);
    free(begins);
    return made;
}

static bool add_message(mb_exchange *exchange, void *base, const mb_region *region, size_t peer,
                        bool sends)
{
    message *new = &exchange->messages[exchange->count];
    MPI_Request *request = &exchange->requests[exchange->count];
    if (region->count == 0)
        return true;
    *new = (message){.peer = (int)peer, .sends = sends};
    if (!make_type(region, &new->type))
        return false;
    if (sends)
        MPI_Send_init(base, 1, new->type, new->peer, EXCHANGE_TAG, exchange->comm, request);
    else
        MPI_Recv_init(base, 1, new->type, new->peer, EXCHANGE_TAG, exchange->comm, request);
    exchange->count++;
    return true;
}

mb_status mb_exchange_open(const mb_ranks *ranks, void *base, const mb_region *send,
                           const mb_region *receive, mb_exchange **exchange, mb_error *error)
{
    const size_t peers = ranks->info.count;
    mb_exchange *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "exchange", sizeof *opened);
    opened->comm = ranks->all;
    opened->messages = calloc(2 * peers, sizeof *opened->messages);
    opened->requests = calloc(2 * peers, sizeof *opened->requests);
    opened->others = calloc(2 * peers, sizeof *opened->others);
    bool made = opened->messages != NULL && opened->requests != NULL && opened->others != NULL;
    for (size_t peer = 0; made && peer < peers; peer++) {
        made = fits(&send[peer]) && fits(&receive[peer]) && !send[peer].out_of_memory &&
               !receive[peer].out_of_memory &&
               add_message(opened, base, &receive[peer], peer, false) &&
               add_message(opened, base, &send[peer], peer, true);
    }
    if (made) {
        *exchange = opened;
        return MB_OK;
    }
    mb_exchange_close(opened);
    return mb_fail_memory(error, "exchange", 2 * peers * sizeof(message));
}

void mb_exchange_start(mb_exchange *exchange)
{
    if (exchange->count > 0)
        MPI_Startall(exchange->count, exchange->requests);
    exchange->active = true;
}

void mb_exchange_progress(mb_exchange *exchange)
{
    int done;
    if (exchange->active && exchange->count > 0)
        MPI_Testall(exchange->count, exchange->requests, &done, MPI_STATUSES_IGNORE);
}

void mb_exchange_finish(mb_exchange *exchange)
{
    if (exchange->active && exchange->count > 0)
        MPI_Waitall(exchange->count, exchange->requests, MPI_STATUSES_IGNORE);
    exchange->active = false;
}

void mb_exchange_run_at(mb_exchange *exchange, void *base)
{
    for (int i = 0; i < exchange->count; i++) {
        const message *m = &exchange->messages[i];
        if (!m->sends)
            MPI_Irecv(base, 1, m->type, m->peer, OTHER_EXCHANGE_TAG, exchange->comm,
                      &exchange->others[i]);
        else
            MPI_Isend(base, 1, m->type, m->peer, OTHER_EXCHANGE_TAG, exchange->comm,
                      &exchange->others[i]);
    }
    MPI_Waitall(exchange->count, exchange->others, MPI_STATUSES_IGNORE);
}

void mb_exchange_close(mb_exchange *exchange)
{
    if (exchange == NULL)
        return;
    for (int i = 0; i < exchange->count; i++) {
        MPI_Request_free(&exchange->requests[i]);
        MPI_Type_free(&exchange->messages[i].type);
    }
    free(exchange->messages);
    free(exchange->requests);
    free(exchange->others);
    free(exchange);
}
