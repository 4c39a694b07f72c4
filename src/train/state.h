/* The state of a training run: everything that changes while it trains, as a list of arrays. A
 * checkpoint holds these, and what is not listed here is lost on resume. Options, data and network
 * are not part of it, and random numbers need no state: they are functions of seed, epoch and
 * place. */
#ifndef MB_TRAIN_STATE_H
#define MB_TRAIN_STATE_H

#include "train/trainer.h"

/* Types of the elements in memory; a file holds I64, F64 or F32. */
typedef enum mb_state_kind {
    MB_STATE_SIZES,   /* size_t */
    MB_STATE_DOUBLES, /* double */
    MB_STATE_FLOATS,  /* float */
    /* float, in the order of the network's parameters; a file holds one tensor for each of the
     * network's, whose name follows the state's */
    MB_STATE_NETWORK
} mb_state_kind;

typedef struct mb_state {
    const char *name;
    mb_state_kind kind;
    void *values;
    size_t stride; /* bytes from one element to the next */
    size_t count;  /* elements, which may depend on the first two states */
    bool optional; /* doubles: NaN if the file, of an earlier version, has none */
} mb_state;

/* The number of states of any trainer; the first two are the epoch and the step. */
enum { MB_STATE_COUNT = 25, MB_STATE_EPOCH = 0, MB_STATE_STEP = 1 };

/* Bytes per element in a file. */
size_t mb_state_size(mb_state_kind kind);

/* Lists the trainer's state, in the order of the file. The values are the trainer's own, to be read
 * and written between its steps. */
void mb_state_list(mb_trainer *trainer, mb_state states[MB_STATE_COUNT]);

/* Copies a state's elements to or from `packed`, an array without gaps in which sizes are
 * int64_t. */
void mb_state_pack(const mb_state *state, void *packed);
void mb_state_unpack(const mb_state *state, const void *packed);

/* After the values were restored: checks that a run can have them, and sets what follows from them.
 * MB_ERROR_FORMAT names `path` and the inconsistency. */
mb_status mb_state_validate(const char *path, mb_trainer *trainer, mb_error *error);

/* The same for epoch and step alone, on which the counts of other states depend. */
mb_status mb_state_validate_position(const char *path, mb_trainer *trainer, mb_error *error);

#endif
