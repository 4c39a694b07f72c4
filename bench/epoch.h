/* Training as bench_epoch times it: combinations of team size, batch size, optimizer, augmentation
 * and network, which take turns. */
#ifndef MB_BENCH_EPOCH_H
#define MB_BENCH_EPOCH_H

#include "result.h"

#include "core/arena.h"
#include <mnist_blas/options.h>

#include <mnist_blas/mnist_blas.h>

#include <stdbool.h>

/* The images that are trained on. */
typedef struct mb_epoch_data {
    mb_dataset *whole;  /* as read or drawn */
    uint8_t *images;    /* instead of its own, or NULL */
    mb_dataset dataset; /* what training gets: the test split is one image, for it is not timed */
    double density;     /* share of the pixels that are not zero */
    const char *from;   /* what it is, for people */
} mb_epoch_data;

/* Reads the data that train would find (`given` as its --data), or draws digits where it finds
 * none; cuts it down to `samples` images unless that is 0; with `dense`, no pixel stays 0. For
 * mb_epoch_data_close, also when it fails. Statuses as mb_dataset_open; MB_ERROR_INVALID: more
 * samples than there are. */
mb_status mb_epoch_data_open(const char *given, mb_machine *machine, size_t samples, bool dense,
                             mb_epoch_data *data, mb_error *error);
void mb_epoch_data_close(mb_epoch_data *data);

/* Where a step's time goes, as sums over watched steps, in seconds. */
typedef struct mb_phase_sums {
    size_t phases, steps;
    char (*name)[64]; /* (phases) */
    double *running;  /* (threads, phases) */
    double *waiting;  /* (threads, phases), at the barrier after each */
    double seconds;   /* wall time of the watched epochs' training */
} mb_phase_sums;

typedef struct mb_epoch_case {
    mb_machine *machine;
    size_t threads, batch_size;
    mb_optimizer_kind optimizer;
    mb_augmentation_kind augmentation;
    const char *network;
    double dense_flops, done_flops; /* of a sample in training, 2 a multiply-add; done: at
                                     * most, and of images as they are, for augmented ones have
                                     * more that is not zero */
    double *seconds;                /* (rounds, epochs) */
    double *cpu;                    /* (rounds, epochs) of the calling thread */
    double *sgemm;                  /* (rounds) GFLOP/s of the large product, before the turn */
    mb_phase_sums phases;
} mb_epoch_case;

/* What all combinations have in common. */
typedef struct mb_epoch_settings {
    const mb_epoch_data *data;
    size_t rounds, epochs; /* timed ones; one more before them warms up */
    bool watch;            /* one more after them, with its phases timed */
    mb_arena *arena;       /* for what is noted */
} mb_epoch_settings;

/* Room for what will be noted of a combination. MB_ERROR_MEMORY. */
mb_status mb_epoch_case_open(const mb_epoch_settings *plan, mb_epoch_case *combination,
                             mb_error *error);

/* A turn of round `round`: the large product, and a new network trained. Statuses as mb_train. */
mb_status mb_epoch_case_run(const mb_epoch_settings *plan, size_t round, mb_epoch_case *combination,
                            mb_error *error);

/* Appends what was noted of a combination to the results: the whole of it first, then each epoch,
 * and, when watched, the step and its phases. MB_ERROR_MEMORY. */
mb_status mb_epoch_case_results(const mb_epoch_settings *plan, const mb_epoch_case *combination,
                                mb_bench_results *results, mb_error *error);

/* The tables. `results` are those of all combinations. */
void mb_epoch_print(const mb_epoch_settings *plan, const mb_bench_results *results);
void mb_phases_print(const mb_epoch_case *combination, const mb_bench_results *results);

#endif
