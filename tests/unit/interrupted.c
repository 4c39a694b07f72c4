#include "interrupted.h"
#include "support.h"
#include "test.h"
#include "train/checkpoint_format.h"
#include "training.h"

#include <string.h>

enum { TRAIN = 150, TEST = 40, ROWS = 8, COLUMNS = 7, CLASSES = 4 };

static mb_dataset *dataset;

int mb_test_open_data(void **state)
{
    (void)state;
    dataset =
        mb_test_dataset_open(&(mb_test_dataset){TRAIN, TEST, ROWS, COLUMNS, CLASSES, 3, false});
    return 0;
}

int mb_test_close_data(void **state)
{
    (void)state;
    mb_dataset_close(dataset);
    return 0;
}

const mb_dataset *mb_test_data(void) { return dataset; }

mb_training_options mb_test_options(mb_optimizer_kind kind, uint64_t seed)
{
    mb_training_options options = mb_training_defaults(kind);
    options.epochs = 2;
    options.batch_size = MB_TEST_BATCH;
    options.seed = seed;
    return options;
}

static bool is_to_stop(void *context)
{
    const mb_test_run *run = context;
    return run->trainer->epoch * run->trainer->steps + run->trainer->step >= run->stop_after;
}

void mb_test_run_open(const char *spec, const mb_training_options *options, size_t threads,
                      mb_test_run *run)
{
    mb_error error;
    *run = (mb_test_run){.machine = mb_test_machine(threads),
                         .options = *options,
                         .events = {.context = run, .stop = is_to_stop}};
    const mb_shape input = {1, ROWS, COLUMNS};
    if (mb_network_open(run->machine, spec, input, CLASSES, &run->network, &error) != MB_OK)
        fail_msg("%s", error.text);
    mb_network_initialise(run->network, options->seed);
    if (mb_trainer_open(run->machine, run->network, dataset, &run->options, &run->events,
                        &run->trainer, &error) != MB_OK)
        fail_msg("%s", error.text);
    run->trainer->interval_multiple = 1;
    assert_int_equal(run->trainer->steps, (TRAIN - options->validation - 1) / MB_TEST_BATCH + 1);
}

void mb_test_run_on(mb_test_run *run, size_t stop_after)
{
    mb_error error;
    run->stop_after = stop_after;
    if (mb_trainer_run(run->trainer, &error) != MB_OK)
        fail_msg("%s", error.text);
}

void mb_test_run_save(mb_test_run *run, const char *path)
{
    static const mb_note note = {"place", "a b%"};
    const mb_checkpoint_policy policy = {.path = path, .notes = &note, .note_count = 1};
    mb_error error;
    if (mb_trainer_set_checkpoints(run->trainer, &policy, &error) != MB_OK ||
        mb_trainer_save(run->trainer, &error) != MB_OK)
        fail_msg("%s", error.text);
    run->trainer->interval_multiple = 1;
}

bool mb_test_sign(mb_bytes bytes)
{
    static const char key[] = "\"checksum\":\"";
    const size_t length = sizeof key - 1;
    const uint8_t *place = memmem(bytes.data, bytes.size, key, length);
    char value[MB_DIGEST_DIGITS + 1] = "";
    mb_digest digest;
    size_t at = 0;
    if (place == NULL || bytes.size - (size_t)(place - bytes.data) < length + MB_DIGEST_DIGITS)
        return false;
    memcpy(value, place + length, MB_DIGEST_DIGITS);
    if (!mb_checkpoint_checksum(bytes, value, &digest, &at))
        return false;
    memcpy(bytes.data + at, digest.text, MB_DIGEST_DIGITS);
    return true;
}

void mb_test_run_restore(mb_test_run *run, const char *path)
{
    mb_error error;
    mb_checkpoint *checkpoint = NULL;
    if (mb_checkpoint_open(path, &checkpoint, &error) != MB_OK ||
        mb_training_options_compare(path, &checkpoint->info.options, &run->options, &error) !=
            MB_OK ||
        mb_checkpoint_check_data(checkpoint, dataset, &error) != MB_OK ||
        mb_trainer_restore(run->trainer, checkpoint, &error) != MB_OK)
        fail_msg("%s", error.text);
    mb_checkpoint_close(checkpoint);
}

static void epochs_equal(const mb_epoch_metrics *one, const mb_epoch_metrics *other)
{
    assert_int_equal(one->epoch, other->epoch);
    assert_int_equal(one->epochs, other->epochs);
    assert_true(one->train_loss == other->train_loss);
    assert_true(one->train_accuracy == other->train_accuracy);
    assert_true(one->test_accuracy == other->test_accuracy);
    assert_memory_equal(&one->validation_accuracy, &other->validation_accuracy, sizeof(double));
    assert_true(one->lr == other->lr);
}

void mb_test_runs_equal(mb_test_run *one, mb_test_run *other)
{
    const size_t size = one->network->parameter_elements * sizeof(float);
    const mb_history *a = &one->trainer->history, *b = &other->trainer->history;
    assert_int_equal(one->trainer->epoch, other->trainer->epoch);
    assert_int_equal(one->trainer->step, other->trainer->step);
    assert_memory_equal(one->network->parameters, other->network->parameters, size);
    assert_memory_equal(one->trainer->trainable.m, other->trainer->trainable.m, size);
    assert_memory_equal(one->trainer->trainable.v, other->trainer->trainable.v, size);
    assert_int_equal(one->trainer->trainable.ema != NULL, one->options.ema > 0.0);
    if (one->trainer->trainable.ema != NULL)
        assert_memory_equal(one->trainer->trainable.ema, other->trainer->trainable.ema, size);
    assert_int_equal(one->trainer->best != NULL, one->options.patience > 0);
    if (one->trainer->best != NULL)
        assert_memory_equal(one->trainer->best, other->trainer->best, size);
    assert_int_equal(a->finished, b->finished);
    for (size_t i = 0; i < a->finished; i++)
        epochs_equal(&a->epochs[i], &b->epochs[i]);
    assert_memory_equal(&a->curve, &b->curve, sizeof a->curve);
}

void mb_test_run_close(mb_test_run *run)
{
    mb_trainer_close(run->trainer);
    mb_network_close(run->network);
    mb_machine_close(run->machine);
}
