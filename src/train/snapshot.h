/* The state of a training run at one moment, copied so fast that training hardly waits, and turned
 * into tensors later, by another thread if need be. */
#ifndef MB_TRAIN_SNAPSHOT_H
#define MB_TRAIN_SNAPSHOT_H

#include "model/safetensors.h"
#include "train/state.h"

typedef struct mb_snapshot {
    mb_network *network; /* of the same layers: knows where its tensors are among its parameters */
    mb_state states[MB_STATE_COUNT]; /* of the copies */
} mb_snapshot;

/* Room for the states of `trainer`, for any number of snapshots of it; mb_snapshot_close frees it.
 * The machine is that of the trainer's network, and must outlive the snapshot. MB_ERROR_MEMORY. */
mb_status mb_snapshot_open(const mb_machine *machine, mb_trainer *trainer, mb_snapshot *snapshot,
                           mb_error *error);

/* Copies the states as they are now, between two steps. */
void mb_snapshot_take(mb_snapshot *snapshot, mb_trainer *trainer);

/* The tensors of the last snapshot in `arena`, *count of them; NULL when memory is out. */
const mb_named_tensor *mb_snapshot_tensors(const mb_snapshot *snapshot, mb_arena *arena,
                                           size_t *count);

/* Frees what it holds; {0} is fine. */
void mb_snapshot_close(mb_snapshot *snapshot);

#endif
