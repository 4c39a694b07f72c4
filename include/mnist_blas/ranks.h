/* Ranks: the processes of one run, on one computer or several, that mpirun started. */
#ifndef MNIST_BLAS_RANKS_H
#define MNIST_BLAS_RANKS_H

#include <mnist_blas/status.h>

#include <stdbool.h>

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

/* The number of processes that mpirun started with this one, as its environment says (Open MPI,
 * MPICH, PMIx); 1 without mpirun. *rank is this one's. */
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

/* Collects `size` bytes of each rank, which must call it together, in `all` (count, size) on rank 0.
 */
MB_API void mb_ranks_gather(const mb_ranks *ranks, const void *mine, size_t size, void *all);

/* The largest value of all ranks, which must call it together. */
MB_API size_t mb_ranks_max(const mb_ranks *ranks, size_t value);

/* Leaves the others; waits for them. NULL has no effect. */
MB_API void mb_ranks_close(mb_ranks *ranks);

#ifdef __cplusplus
}
#endif
#endif
