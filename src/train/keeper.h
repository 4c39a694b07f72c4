/* Keeps checkpoints while a run trains: a thread of its own writes them. */
#ifndef MB_TRAIN_KEEPER_H
#define MB_TRAIN_KEEPER_H

#include "train/checkpoint.h"

typedef struct mb_keeper mb_keeper;

/* What keeping has cost. */
typedef struct mb_checkpoint_costs {
    size_t written;
    double held_max, held_sum; /* seconds for which training waited: at once, and in all */
} mb_checkpoint_costs;

/* A keeper of `trainer`'s checkpoints at `path`. Head, trainer, path and machine are borrowed until
 * mb_keeper_close. The thread runs where the opener of the machine's team could, but for the CPU of
 * its first thread, with low priority, and no signal is handled on it. MB_ERROR_MEMORY;
 * MB_ERROR_UNAVAILABLE: no thread can be had. */
mb_status mb_keeper_open(mb_machine *machine, mb_trainer *trainer,
                         const mb_checkpoint_metadata *head, const char *path, mb_keeper **keeper,
                         mb_error *error);

/* Between two steps: copies the state and has the thread write it. Does nothing, and returns false,
 * while the thread writes an earlier one. */
bool mb_keeper_offer(mb_keeper *keeper);

/* Whether a checkpoint could not be written since this was last asked; then *error says why. */
bool mb_keeper_failed(mb_keeper *keeper, mb_error *error);

/* Waits for the thread, and has it write the state as it is now, unless that is what it wrote last;
 * it stays idle after that. As mb_checkpoint_write. */
mb_status mb_keeper_finish(mb_keeper *keeper, mb_error *error);

/* Waits for the thread, too. */
mb_checkpoint_costs mb_keeper_costs_of(mb_keeper *keeper);

/* Waits for the thread to write what it was given, ends it, and frees; NULL is fine. */
void mb_keeper_close(mb_keeper *keeper);

#endif
