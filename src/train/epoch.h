/* An epoch: a pass over samples, step by step, that trains or evaluates. */
#ifndef MB_TRAIN_EPOCH_H
#define MB_TRAIN_EPOCH_H

#include "machine/ranks.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "train/data_loader.h"

#include <mnist_blas/training.h>
#include <stdatomic.h>

/* Returns the update of a step; each thread calls it, and all must get the same. */
typedef mb_update mb_update_callback(const void *context, size_t step);

typedef struct mb_epoch {
    mb_arena arena;
    const mb_network *network;
    const mb_trainable *trainable; /* NULL: evaluation */
    mb_data_loader loader;
    mb_activations activations;
    mb_loss loss;
    mb_epoch_stats stats; /* of the steps since mb_epoch_start */
    mb_plan full;         /* a step of a full batch */
    mb_plan smaller;      /* the last step, if its batch has only smaller_rows */
    mb_arena smaller_arena;
    size_t smaller_rows;
    char *scratch; /* (threads, scratch_each) bytes */
    size_t threads, scratch_each;
    const mb_ranks *ranks; /* that share the work of each step; NULL: this process alone does it */
    size_t planned_ranks;  /* of mb_epoch_plan_as; 0: those */
    mb_arena scratch_arena;
    /* Without labels: the logits of a step are stored at `logits` (samples, classes), the caller's,
     * and counted in stats.samples. */
    float *logits;
    mb_update_callback *get_update; /* NULL: evaluation */
    const void *get_update_context;
    atomic_ullong cpu_nanoseconds; /* of all threads in the last mb_epoch_run */
} mb_epoch;

/* Prepares epochs of `network` over the samples of `config` (a batch size above their number
 * becomes their number), on up to `threads` threads, and together with other ranks if there are
 * any. `trainable` is NULL for evaluation. It, the network and what the config names must outlive
 * the epoch, which must not move. On success, mb_epoch_close frees it. MB_ERROR_MEMORY. */
mb_status mb_epoch_open(const mb_network *network, const mb_data_loader_config *config,
                        const mb_trainable *trainable, size_t threads, const mb_ranks *ranks,
                        mb_epoch *epoch, mb_error *error);

/* Plans the steps as those of `ranks` ranks, all of whose tiles this process runs: for
 * measurements. MB_ERROR_MEMORY. */
mb_status mb_epoch_plan_as(mb_epoch *epoch, size_t ranks, mb_error *error);

/* Changes the number of samples of the following epochs, at most as many as the source has.
 * MB_ERROR_MEMORY. */
mb_status mb_epoch_set_samples(mb_epoch *epoch, size_t samples, mb_error *error);

/* Starts epoch `number` of a run, from 0 (an evaluation has no number and passes 0): clears the
 * statistics, except for the places of their arrays, and sets the order, (samples) indices into the
 * source. */
void mb_epoch_start(mb_epoch *epoch, const uint32_t *order, size_t number);

/* Runs the steps first .. first+count-1 of the epoch on `threads` threads of the team. A loss that
 * is not finite ends it early, with stats.finite false. Returns the number of steps that ran, that
 * one included. */
size_t mb_epoch_run(mb_epoch *epoch, mb_team *team, size_t threads, size_t first, size_t count);

/* MB_ERROR_INVALID, with a text that begins with `what`, unless there are images and they have the
 * network's input shape. */
mb_status mb_network_check_images(const mb_network *network, const char *what,
                                  const mb_images *images, mb_error *error);

/* The same of images with labels, each of which must be a class of the network. */
mb_status mb_network_check_split(const mb_network *network, const char *what, const mb_split *split,
                                 mb_error *error);

/* The number of steps of the next interval: about 50 ms if `steps` steps took `seconds`. */
size_t mb_epoch_interval(size_t steps, double seconds);

/* True if events->stop requests a stop; events may be NULL. */
bool mb_events_stop(const mb_training_events *events);

void mb_epoch_close(mb_epoch *epoch);

#endif
