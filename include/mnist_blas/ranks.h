/* Ranks: the processes of one run, on one computer or several, that mpirun started. */
#ifndef MNIST_BLAS_RANKS_H
#define MNIST_BLAS_RANKS_H

#include <mnist_blas/status.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL wherever one is expected: this process alone. */
typedef struct mb_ranks mb_ranks;

typedef struct mb_ranks_info {
    size_t rank, count;             /* 0 .. count-1 */
    size_t local_rank, local_count; /* among those on this computer */
    const char *library;            /* the MPI library, "Open MPI 4.1.4"; "": none */
} mb_ranks_info;

/* The number of processes that mpirun started with this one, as its environment says (Open MPI;
 * MPICH and others with PMI); 1 without mpirun. *rank is this one's. */
MB_API size_t mb_ranks_launched(size_t *rank);

/* Joins the processes that mpirun started. *ranks is NULL if this is the only one; else the caller
 * closes it, on all ranks, before the process ends. May be called once in a process.
 * MB_ERROR_UNAVAILABLE: mpirun started several, but the library was built without
 * MB_FEATURE_MPI, or with another MPI than mpirun's; MB_ERROR_MEMORY. */
MB_API mb_status mb_ranks_open(mb_ranks **ranks, mb_error *error);

MB_API mb_ranks_info mb_ranks_describe(const mb_ranks *ranks);

/* Gives all ranks, which must call it together, the same status: MB_OK if all have that, else the
 * status and the error of the first that failed, whose text then begins with "rank N: " if it is
 * not rank 0. */
MB_API mb_status mb_ranks_agree(const mb_ranks *ranks, mb_status status, mb_error *error);

/* Collects `size` bytes of each rank, which must call it together, in `all` (count, size), on
 * rank 0. */
MB_API void mb_ranks_gather(const mb_ranks *ranks, const void *mine, size_t size, void *all);

/* The largest value of all ranks, which must call it together. */
MB_API size_t mb_ranks_max(const mb_ranks *ranks, size_t value);

/* Sends a message, of at most MB_MAX_MESSAGE bytes, to rank `to`, and does not wait. Messages of
 * one rank to another arrive in order; one to a rank that has died is lost. MB_ERROR_MEMORY. */
enum { MB_MAX_MESSAGE = 2048 };
MB_API mb_status mb_ranks_send(mb_ranks *ranks, size_t to, const void *message, size_t bytes,
                               mb_error *error);

/* Receives a message of `bytes` bytes, as all have that a program sends, and its sender. False:
 * none has come yet. */
MB_API bool mb_ranks_receive(mb_ranks *ranks, void *message, size_t bytes, size_t *from);

/* Leaves the others; waits for them, and until they have received what was sent. NULL has no
 * effect. */
MB_API void mb_ranks_close(mb_ranks *ranks);

/* In place of mb_ranks_close after some of the others have died, for which it would wait forever.
 * The process must then end. */
MB_API void mb_ranks_abandon(mb_ranks *ranks);

#ifdef __cplusplus
}
#endif
#endif
