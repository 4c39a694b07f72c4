/* Writing a trainer's checkpoints while it runs: mb_checkpoint_policy at work. */
#ifndef MB_TRAIN_CHECKPOINT_WRITER_H
#define MB_TRAIN_CHECKPOINT_WRITER_H

#include "core/arena.h"
#include "model/safetensors.h"

#include <mnist_blas/checkpoint.h>

typedef struct mb_checkpoint_writer {
    mb_checkpoint_policy policy; /* path NULL: none */
    mb_arena arena;              /* holds the metadata */
    mb_key_value *metadata;      /* the same in each file of the run; NULL until it is needed */
    size_t metadata_count;
    mb_checkpoint_costs costs;
    bool is_saved; /* the file holds the state after these steps and epochs */
    size_t saved_epoch, saved_step;
} mb_checkpoint_writer;

/* Between two steps, and after an epoch: write a checkpoint if the policy says so. A failure goes
 * to the events. */
void mb_checkpoint_after_interval(mb_trainer *trainer);
void mb_checkpoint_after_epoch(mb_trainer *trainer);

/* Frees; {0} is fine. */
void mb_checkpoint_writer_close(mb_checkpoint_writer *writer);

#endif
