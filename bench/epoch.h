/* The measurements of bench_epoch: cases, each a combination of thread count, batch size,
 * optimizer, augmentation and network, run in alternating rounds. */
#ifndef MB_BENCH_EPOCH_H
#define MB_BENCH_EPOCH_H

#include "distance.h"
#include "result.h"

#include "core/arena.h"

#include <mnist_blas/mnist_blas.h>

#include <stdbool.h>

/* The training images. */
typedef struct mb_epoch_data {
    mb_dataset *whole;  /* as read or synthesized */
    uint8_t *pixels;    /* replacement without zeros; NULL: none */
    mb_dataset dataset; /* for training; its test split is one image: evaluation is not timed */
    double density;     /* fraction of non-zero pixels */
    const char *source; /* description for output */
} mb_epoch_data;

/* Reads the data that train would find with --data `folder`, or synthesizes digits if there is
 * none. Uses the first `samples` images (0: all); with `dense`, pixels of value 0 become 1. Close
 * it after a failure, too. Statuses of mb_dataset_open; MB_ERROR_INVALID: fewer than `samples`
 * images. */
mb_status mb_epoch_data_open(const char *folder, mb_machine *machine, size_t samples, bool dense,
                             mb_epoch_data *data, mb_error *error);
void mb_epoch_data_close(mb_epoch_data *data);

/* Time of each phase of the training step, summed over the timed steps, in seconds. */
typedef struct mb_phase_sums {
    size_t phases, steps;
    char (*name)[64]; /* (phases) */
    double *running;  /* (threads, phases) */
    double *waiting;  /* (threads, phases) at the barrier after the phase */
    double seconds;   /* wall time of the training phase of these epochs */
} mb_phase_sums;

typedef struct mb_epoch_case {
    mb_machine *machine;
    size_t threads, batch_size;
    mb_optimizer_kind optimizer;
    mb_augmentation_kind augmentation;
    const char *network;
    /* FLOP of training per sample, 2 per multiply-add: dense arithmetic, and without the zeros that
     * are skipped. The latter is an upper bound, for images without augmentation, which adds
     * non-zero pixels. */
    double dense_flops, done_flops;
    double *seconds;             /* (rounds, epochs) */
    double *cpu;                 /* (rounds, epochs) CPU time of the calling thread */
    double *sgemm;               /* (rounds) GFLOP/s of a large SGEMM before the round */
    mb_round_distance *distance; /* (rounds) */
    mb_phase_sums phases;
} mb_epoch_case;

/* Common to all cases. */
typedef struct mb_epoch_settings {
    const mb_epoch_data *data;
    size_t rounds, epochs; /* timed; one more epoch before them warms up */
    bool time_phases;      /* in one more epoch after them */
    size_t planned_ranks;  /* whose plan one process runs */
    mb_arena *arena;       /* of the measurements */
} mb_epoch_settings;

/* Allocates the measurements of a case. MB_ERROR_MEMORY. */
mb_status mb_epoch_case_open(const mb_epoch_settings *settings, mb_epoch_case *epoch_case,
                             mb_error *error);

/* Round `round` of a case: the large SGEMM, then training of a new network; again if the distance
 * of the cores changed meanwhile. Statuses of mb_train. */
mb_status mb_epoch_case_run(const mb_epoch_settings *settings, size_t round,
                            mb_epoch_case *epoch_case, mb_error *error);

/* Appends the results of a case: all epochs together, each epoch, and with time_phases the step and
 * its phases. MB_ERROR_MEMORY. */
mb_status mb_epoch_case_results(const mb_epoch_settings *settings, const mb_epoch_case *epoch_case,
                                mb_bench_results *results, mb_error *error);

/* Tables of the results of all cases, and of the phases of one. */
void mb_epoch_print(const mb_epoch_settings *settings, const mb_bench_results *results);
void mb_phases_print(const mb_epoch_case *epoch_case, const mb_bench_results *results);

#endif
