/* Training runs on a small data set that are stopped after any step, kept in memory or in a file,
 * and go on. A step that fails ends the test through cmocka. */
#ifndef MB_TESTS_INTERRUPTED_H
#define MB_TESTS_INTERRUPTED_H

#include "train/checkpoint.h"
#include <mnist_blas/options.h>

/* 150 training images are 9 batches of 16 and a rest of 6. */
enum { MB_TEST_STEPS = 10, MB_TEST_BATCH = 16 };

/* One run, from its opening to its end. */
typedef struct mb_test_run {
    mb_machine *machine;
    mb_network *network;
    mb_training_options options;
    mb_training_events events;
    mb_trainer *trainer;
    size_t stop_after; /* steps in all; SIZE_MAX: never */
} mb_test_run;

/* For cmocka's groups: the data set of all runs. */
int mb_test_open_data(void **state);
int mb_test_close_data(void **state);
const mb_dataset *mb_test_data(void);

/* Two epochs of this optimizer in batches of MB_TEST_BATCH. */
mb_training_options mb_test_options(mb_optimizer_kind kind, uint64_t seed);

/* A run at its beginning. `run` stays where it is until mb_test_run_close. */
void mb_test_run_open(const char *spec, const mb_training_options *options, size_t threads,
                      mb_test_run *run);

/* Trains up to `stop_after` steps of the whole run, and not beyond. */
void mb_test_run_on(mb_test_run *run, size_t stop_after);

/* Writes a checkpoint of the run as it is now; the notes are "place": "a b%". */
void mb_test_run_save(mb_test_run *run, const char *path);

/* Gives the bytes of a checkpoint the checksum that they should have; false where there is no place
 * for one. */
bool mb_test_sign(mb_bytes bytes);

/* Puts the checkpoint `path` into a run at its beginning. */
void mb_test_run_restore(mb_test_run *run, const char *path);

/* Fails unless the two have the same parameters, moments and records, but for times and threads. */
void mb_test_runs_equal(mb_test_run *one, mb_test_run *other);

void mb_test_run_close(mb_test_run *run);

#endif
