/* When checkpoints are written while a run trains, and when it ends. */
#ifndef MB_TOOLS_KEEPING_H
#define MB_TOOLS_KEEPING_H

#include "train_options.h"

#include "train/keeper.h"

/* Keys of what a checkpoint holds of the command line besides training options. Those that are
 * flags are there or not. */
#define MB_NOTE_OUT "out"
#define MB_NOTE_EVERY "checkpoint-every"
#define MB_NOTE_NO_REPORT "no-report"
#define MB_NOTE_EPOCHS_EXTENDED "stretched"

typedef struct mb_keeping {
    const mb_train_arguments *arguments;
    mb_machine *machine;
    const mb_dataset *dataset;
    mb_trainer *trainer;
    char *path; /* of the checkpoint */
    mb_checkpoint_metadata head;
    mb_keeper *keeper; /* NULL: none so far */
    bool due;          /* one that was not written because the last was under way */
} mb_keeping;

/* Prepares to keep checkpoints in the arguments' run folder, if they ask for any. Everything is
 * borrowed until mb_keeping_close; the trainer is open. MB_ERROR_MEMORY, MB_ERROR_UNAVAILABLE. */
mb_status mb_keeping_open(const mb_train_arguments *arguments, mb_machine *machine,
                          const mb_dataset *dataset, mb_trainer *trainer, mb_keeping *keeping,
                          mb_error *error);

/* Between two steps, and after an epoch: has one written if the arguments ask for it here. */
void mb_keeping_step(mb_keeping *keeping);
void mb_keeping_epoch(mb_keeping *keeping);

/* Whether one could not be written since this was last asked; then *error says why. */
bool mb_keeping_failed(mb_keeping *keeping, mb_error *error);

/* Writes the state as it is now, also where the arguments ask for none. MB_ERROR_IO,
 * MB_ERROR_MEMORY, MB_ERROR_UNAVAILABLE. */
mb_status mb_keeping_save(mb_keeping *keeping, mb_error *error);

/* Frees what it holds; {0} is fine. */
void mb_keeping_close(mb_keeping *keeping);

#endif
