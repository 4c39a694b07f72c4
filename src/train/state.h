/* All of a training run that changes while it trains, as a list of arrays: what a checkpoint is
 * made of. Options, data and network are not in it, and random draws need no state: they are
 * functions of seed, epoch and place. */
#ifndef MB_TRAIN_STATE_H
#define MB_TRAIN_STATE_H

#include "train/trainer.h"

/* What the elements are in memory; a file holds them as I64, F64 or F32. */
typedef enum mb_state_kind {
    MB_STATE_SIZES,   /* size_t */
    MB_STATE_DOUBLES, /* double */
    MB_STATE_FLOATS,  /* float */
    MB_STATE_NETWORK  /* float, in the order in which the network keeps its parameters; a file holds
                       * them tensor by tensor, under the tensor's name behind the state's */
} mb_state_kind;

typedef struct mb_state {
    const char *name;
    mb_state_kind kind;
    void *values;
    size_t stride; /* bytes from one element to the next */
    size_t count;  /* elements, which may depend on the first two states */
    size_t most;   /* that there can ever be in this run */
    bool checked;  /* parameters: what a network cannot have is refused when they are read */
} mb_state;

/* The states of any trainer; the first two are the epoch and the step. */
enum { MB_STATE_COUNT = 23, MB_STATE_EPOCH = 0, MB_STATE_STEP = 1 };

/* Bytes of an element as a copy holds it. */
size_t mb_state_size(mb_state_kind kind);

/* Lists the trainer's state, in the order in which files hold it. The values are the trainer's own,
 * to be read and written between its steps. */
void mb_state_list(mb_trainer *trainer, mb_state states[MB_STATE_COUNT]);

/* Copies a state's elements to or from `packed`, where they follow each other and sizes are
 * int64_t. */
void mb_state_pack(const mb_state *state, void *packed);
void mb_state_unpack(const mb_state *state, const void *packed);

/* After the values were written: checks that they can be a state of this run, and sets what
 * follows from them. MB_ERROR_FORMAT, `path` and what cannot be. */
mb_status mb_state_validate(const char *path, mb_trainer *trainer, mb_error *error);

/* The same for epoch and step alone, on which the other states' counts depend. */
mb_status mb_state_validate_position(const char *path, mb_trainer *trainer, mb_error *error);

#endif
