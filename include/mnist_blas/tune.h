/* Which thread count and pins train a network fastest on this machine. */
#ifndef MNIST_BLAS_TUNE_H
#define MNIST_BLAS_TUNE_H

#include <mnist_blas/dataset.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/training.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MB_TUNE_MAX_CANDIDATES = 16 };

/* One choice and its training samples per second over the rounds. */
typedef struct mb_tune_candidate {
    mb_machine_options machine;
    double min, median, max;
} mb_tune_candidate;

typedef struct mb_tune_result {
    mb_tune_candidate candidates[MB_TUNE_MAX_CANDIDATES]; /* (count), one thread first */
    size_t count, rounds;
    size_t best;       /* index of the first candidate within 2 % of the fastest */
    bool openmp_binds; /* OMP_PROC_BIND or OMP_PLACES is set: only thread counts are tried */
} mb_tune_result;

/* Trains new networks on the training split with each candidate in turn, in alternating rounds, for
 * less than ten seconds. Candidates: powers of two of threads and all cores, pinned; all cores not
 * pinned; all logical processors, if a core has several. No choice changes a bit of a model.
 * No machine may be open meanwhile: its pins would disturb.
 * Statuses of mb_machine_open, mb_network_open and mb_train. */
MB_API mb_status mb_tune(const mb_dataset *dataset, const char *network,
                         const mb_training_options *options, mb_tune_result *result,
                         mb_error *error);

#ifdef __cplusplus
}
#endif
#endif
