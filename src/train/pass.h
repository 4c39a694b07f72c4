/* A pass over samples, step by step: an epoch of training, or an evaluation. */
#ifndef MB_TRAIN_PASS_H
#define MB_TRAIN_PASS_H

#include "nn/loss.h"
#include "nn/network.h"
#include "train/feed.h"

/* What a step's update is; every thread asks for itself, and all must get the same. */
typedef mb_update mb_update_source(const void *context, size_t step);

typedef struct mb_pass {
    mb_arena arena;
    const mb_network *network;
    const mb_trainable *trainable; /* NULL: evaluation */
    mb_feed feed;
    mb_workspace workspace;
    mb_loss loss;
    mb_tally tally;  /* of all steps since it was cleared */
    mb_plan full;    /* a step of a whole batch */
    mb_plan smaller; /* of the last one, where it is smaller */
    char *scratch;   /* (threads, scratch_each) bytes */
    size_t scratch_each;
    mb_update_source *update_source;
    const void *update_context;
} mb_pass;

/* Prepares passes of `network` over what `supply` says (its batch size cut down to its samples), on
 * up to `threads` threads. `trainable` is NULL for evaluation. It, the network and what the supply
 * names must outlive the pass, which stays where it is. On success, mb_pass_close frees it.
 * MB_MEMORY. */
mb_status mb_pass_open(const mb_network *network, const mb_supply *supply,
                       const mb_trainable *trainable, size_t threads, mb_pass *pass,
                       mb_error *error);

/* Empties the tally, but keeps its arrays, and sets the order, (samples) numbers into the source,
 * for a new pass: epoch number `epoch` of a run, from 0; an evaluation is none, and says 0. */
void mb_pass_start(mb_pass *pass, const uint32_t *order, size_t epoch);

/* Runs the steps first .. first+count-1 of the pass, in that order from 0, on `threads` threads of
 * the team; stops early, with tally.healthy false, after a loss that is not finite. Returns the
 * steps that ran, that one included. */
size_t mb_pass_run(mb_pass *pass, mb_team *team, size_t threads, size_t first, size_t count);

void mb_pass_close(mb_pass *pass);

#endif
