/* A pass over samples, step by step: an epoch of training, or an evaluation. */
#ifndef MB_TRAIN_EPOCH_H
#define MB_TRAIN_EPOCH_H

#include "nn/loss.h"
#include "nn/network.h"
#include "train/data_loader.h"

/* What a step's update is; every thread asks for itself, and all must get the same. */
typedef mb_update mb_update_callback(const void *context, size_t step);

typedef struct mb_epoch {
    mb_arena arena;
    const mb_network *network;
    const mb_trainable *trainable; /* NULL: evaluation */
    mb_data_loader loader;
    mb_activations activations;
    mb_loss loss;
    mb_epoch_stats stats; /* of all steps since it was cleared */
    mb_plan full;         /* a step of a whole batch */
    mb_plan smaller;      /* of the last one, where it is smaller */
    char *scratch;        /* (threads, scratch_each) bytes */
    size_t scratch_each;
    mb_update_callback *get_update;
    const void *get_update_context;
} mb_epoch;

/* Prepares passes of `network` over what `supply` says (its batch size cut down to its samples), on
 * up to `threads` threads. `trainable` is NULL for evaluation. It, the network and what the supply
 * names must outlive the pass, which stays where it is. On success, mb_epoch_close frees it.
 * MB_ERROR_MEMORY. */
mb_status mb_epoch_open(const mb_network *network, const mb_data_loader_config *supply,
                        const mb_trainable *trainable, size_t threads, mb_epoch *epoch,
                        mb_error *error);

/* Empties the stats, but keeps its arrays, and sets the order, (samples) numbers into the source,
 * for a new pass: epoch number `epoch` of a run, from 0; an evaluation is none, and says 0. */
void mb_epoch_start(mb_epoch *epoch, const uint32_t *order, size_t number);

/* Runs the steps first .. first+count-1 of the pass, in that order from 0, on `threads` threads of
 * the team; stops early, with stats.finite false, after a loss that is not finite. Returns the
 * steps that ran, that one included. */
size_t mb_epoch_run(mb_epoch *epoch, mb_team *team, size_t threads, size_t first, size_t count);

void mb_epoch_close(mb_epoch *epoch);

#endif
