/* Training runs on a small dataset that are stopped after any step, saved, and resumed. A failure
 * ends the test through cmocka. */
#ifndef MB_TESTS_INTERRUPTED_H
#define MB_TESTS_INTERRUPTED_H

#include "train/checkpoint.h"
#include <mnist_blas/options.h>

/* 150 training images are 9 batches of 16 and one of 6. */
enum { MB_TEST_STEPS = 10, MB_TEST_BATCH = 16 };

/* One run. */
typedef struct mb_test_run {
    mb_machine *machine;
    mb_network *network;
    mb_training_options options;
    mb_training_events events;
    mb_trainer *trainer;
    size_t stop_after; /* total steps; SIZE_MAX: never */
} mb_test_run;

/* For cmocka's groups: the dataset of all runs. */
int mb_test_open_data(void **state);
int mb_test_close_data(void **state);
const mb_dataset *mb_test_data(void);

/* Two epochs of this optimizer in batches of MB_TEST_BATCH. */
mb_training_options mb_test_options(mb_optimizer_kind kind, uint64_t seed);

/* Starts a run. `run` must not move before mb_test_run_close. */
void mb_test_run_open(const char *spec, const mb_training_options *options, size_t threads,
                      mb_test_run *run);

/* Trains until `stop_after` steps of the whole run are done. */
void mb_test_run_on(mb_test_run *run, size_t stop_after);

/* Writes a checkpoint with the note "place": "a b%". */
void mb_test_run_save(mb_test_run *run, const char *path);

/* Corrects the checksum in the bytes of a checkpoint; false if they contain none. */
bool mb_test_sign(mb_bytes bytes);

/* Restores the checkpoint `path` in a new run. */
void mb_test_run_restore(mb_test_run *run, const char *path);

/* Fails unless the two have the same parameters, moments and histories, except times and threads.
 */
void mb_test_runs_equal(mb_test_run *one, mb_test_run *other);

void mb_test_run_close(mb_test_run *run);

#endif
