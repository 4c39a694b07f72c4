/* Checkpoint files: content, invalid files, and when they are written. */
#include "core/endian.h"
#include "core/parse.h"
#include "interrupted.h"
#include "support.h"
#include "test.h"
#include "train/checkpoint_format.h"

#include <mnist_blas/model.h>
#include <mnist_blas/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char layers[] = "dense:9,relu,dense:4";

/* A checkpoint after 13 steps, and its run. */
typedef struct fixture {
    char *folder, *path;
    mb_test_run run;
    mb_bytes bytes;
} fixture;

static int enter(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    const mb_training_options options = mb_test_options(MB_OPTIMIZER_ADAMW, 7);
    f->folder = mb_test_make_folder();
    f->path = mb_path_join(f->folder, "checkpoint");
    mb_test_run_open(layers, &options, 1, &f->run);
    mb_test_run_on(&f->run, MB_TEST_STEPS + 3);
    mb_test_run_save(&f->run, f->path);
    assert_int_equal(mb_file_read(f->path, MB_SAFETENSORS_LIMIT, &f->bytes, NULL), MB_OK);
    *state = f;
    return 0;
}

static int leave(void **state)
{
    fixture *f = *state;
    mb_test_run_close(&f->run);
    mb_test_remove_folder(f->folder);
    free(f->bytes.data);
    free(f->path);
    free(f);
    return 0;
}

/* Opening these bytes fails with this status; the expected part of the message may be "". */
static void refused(mb_bytes bytes, const char *part)
{
    mb_checkpoint *checkpoint = NULL;
    mb_error error = {0};
    const mb_status status = mb_checkpoint_parse("it", bytes, &checkpoint, &error);
    if (status == MB_OK)
        fail_msg("read; expected \"%s\"", part);
    assert_int_equal(status, MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, part);
    assert_memory_equal(error.text, "it: ", 4);
    assert_null(checkpoint);
}

/* Replaces a text in the header by one of the same length, and updates the checksum. */
static void replace(mb_bytes bytes, const char *old, const char *new)
{
    assert_int_equal(strlen(old), strlen(new));
    uint8_t *found = memmem(bytes.data, bytes.size, old, strlen(old));
    assert_non_null(found);
    memcpy(found, new, strlen(new));
    assert_true(mb_test_sign(bytes));
}

TEST_WITH(holds_what_was_put_in, enter, leave)
{
    fixture *f = *state;
    mb_checkpoint *checkpoint = NULL;
    const mb_image_form form = {MB_GROUND_LIGHT, MB_FRAMING_NONE, {{0.1307f}, {0.3081f}}};
    mb_network_set_form(f->run.network, form);
    mb_test_run_save(&f->run, f->path);
    assert_int_equal(mb_checkpoint_open(f->path, &checkpoint, NULL), MB_OK);
    assert_memory_equal(&checkpoint->info.form, &form, sizeof form);
    assert_string_equal(checkpoint->info.network, layers);
    assert_string_equal(checkpoint->info.data, mb_test_data()->folder);
    assert_string_equal(mb_checkpoint_note(checkpoint, "place"), "a b%");
    assert_null(mb_checkpoint_note(checkpoint, "other"));
    const mb_training_options *held = &checkpoint->info.options;
    assert_int_equal(mb_training_options_compare(f->path, held, &f->run.options, NULL), MB_OK);
    assert_int_equal(mb_safetensors_find(checkpoint->file, "tally.step_loss")->elements, 3);
    assert_int_equal(mb_safetensors_find(checkpoint->file, "0.weight")->elements, 9 * 56);
    mb_checkpoint_close(checkpoint);
}

TEST_WITH(equal_states_give_equal_bytes, enter, leave)
{
    fixture *f = *state;
    mb_bytes again = {0};
    mb_test_run_save(&f->run, f->path);
    assert_int_equal(mb_file_read(f->path, MB_SAFETENSORS_LIMIT, &again, NULL), MB_OK);
    assert_int_equal(again.size, f->bytes.size);
    assert_memory_equal(again.data, f->bytes.data, again.size);
    free(again.data);
}

TEST_WITH(any_flipped_bit_is_seen_and_named_damage, enter, leave)
{
    fixture *f = *state;
    for (size_t i = 0; i < f->bytes.size; i++) {
        const uint8_t bit = (uint8_t)(1 << i % 8);
        f->bytes.data[i] ^= bit;
        refused(f->bytes, "");
        f->bytes.data[i] ^= bit;
    }
    f->bytes.data[f->bytes.size - 1] ^= 1;
    refused(f->bytes, "damaged: its bytes do not match its checksum ");
}

TEST_WITH(any_missing_end_is_seen, enter, leave)
{
    fixture *f = *state;
    for (size_t size = 0; size < f->bytes.size; size += size < 4096 ? 1 : 61) {
        uint8_t *copy = malloc(size + 1); /* exact size: reading past the end is detected */
        memcpy(copy, f->bytes.data, size);
        refused((mb_bytes){copy, size}, "");
        free(copy);
    }
}

TEST_WITH(other_versions_are_refused, enter, leave)
{
    fixture *f = *state;
    replace(f->bytes, "\"version\":\"" MB_CHECKPOINT_VERSION "\"", "\"version\":\"9\"");
    refused(f->bytes,
            "a checkpoint of version 9, this program reads version " MB_CHECKPOINT_VERSION);
}

TEST_WITH(a_model_is_no_checkpoint, enter, leave)
{
    fixture *f = *state;
    mb_checkpoint *checkpoint = NULL;
    mb_error error = {0};
    assert_int_equal(mb_model_save(f->run.network, f->path, NULL), MB_OK);
    assert_int_equal(mb_checkpoint_open(f->path, &checkpoint, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT,
                        "not a checkpoint of mnist_blas: no metadata \"checksum\"");
    unlink(f->path);
    assert_int_equal(mb_checkpoint_open(f->path, &checkpoint, &error), MB_ERROR_IO);
}

/* A checkpoint from before the option existed. */
TEST_WITH(a_feature_without_a_value_is_off, enter, leave)
{
    fixture *f = *state;
    mb_checkpoint *checkpoint = NULL;
    replace(f->bytes, "\"option.label-smoothing\"", "\"absent.label-smoothing\"");
    assert_int_equal(mb_checkpoint_parse("it", f->bytes, &checkpoint, NULL), MB_OK);
    assert_true(checkpoint->info.options.label_smoothing == 0.0);
    mb_checkpoint_close(checkpoint);
    replace(f->bytes, "\"option.lr\"", "\"absent.lr\"");
    refused(f->bytes, "no metadata \"option.lr\"");
}

TEST_WITH(options_that_are_none_are_refused, enter, leave)
{
    fixture *f = *state;
    replace(f->bytes, "\"option.optimizer\":\"adamw\"", "\"option.optimizer\":\"adams\"");
    char names[256], message[512];
    snprintf(message, sizeof message,
             "metadata \"option.optimizer\": optimizer: must be %s, got 'adams'",
             mb_format_names(&mb_optimizer_names, names, sizeof names));
    refused(f->bytes, message);
}

/* One value changed, with a valid checksum: values out of range are refused. */
TEST_WITH(states_that_cannot_be_are_refused, enter, leave)
{
    fixture *f = *state;
    static const struct {
        const char *tensor, *part;
        uint64_t value;
    } cases[] = {
        {"epoch", "step 3 after 3 epochs is out of range", 3},
        {"epoch", "step 3 after 2 epochs is out of range", 2},
        {"epoch", "epochs is out of range", UINT64_MAX},
        {"epoch", "epochs is out of range", 1ull << 32 | 1}, /* 1 in 32 bits */
        {"epoch", "tensor \"epochs.", 0},
        {"step", "step 11 after 1 epochs is out of range", 11},
        {"step", "tensor \"tally.step_loss\" has the wrong dtype or size, expected 4 of F32", 4},
        {"curve.steps", "its loss curve of 11 steps is not that of a run that has done 10", 11},
        {"curve.stride", "its loss curve", 0},
        {"curve.stride", "its loss curve", UINT64_MAX},
        {"tally.correct", "inconsistent statistics: 49 of 48 correct", 49},
        {"tally.loss", "inconsistent statistics: ", 0x7ff0000000000000},
        {"seconds", "seconds of the epoch: must be 0 or more, got -1", 0xbff0000000000000},
        {"curve.sum", "its loss curve", 0x7ff8000000000000},
        {"tally.step_loss", "inconsistent statistics: ", 0x7f800000},
        {"epochs.train_accuracy", "epoch 1: its metrics are not finite", 0x7ff8000000000000}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        mb_bytes copy = {malloc(f->bytes.size), f->bytes.size};
        mb_checkpoint *checkpoint = NULL;
        mb_error error = {0};
        memcpy(copy.data, f->bytes.data, copy.size);
        assert_int_equal(mb_checkpoint_parse("it", copy, &checkpoint, NULL), MB_OK);
        const mb_stored_tensor *tensor = mb_safetensors_find(checkpoint->file, cases[c].tensor);
        mb_store_le64(copy.data + (tensor->data - copy.data), cases[c].value);
        mb_checkpoint_close(checkpoint);
        refused(copy, "damaged");
        assert_true(mb_test_sign(copy));
        mb_test_run fresh;
        mb_test_run_open(layers, &f->run.options, 1, &fresh);
        assert_int_equal(mb_checkpoint_parse("it", copy, &checkpoint, NULL), MB_OK);
        assert_int_equal(mb_trainer_restore(fresh.trainer, checkpoint, &error), MB_ERROR_FORMAT);
        mb_test_check_error(&error, MB_ERROR_FORMAT, cases[c].part);
        mb_test_run_close(&fresh);
        mb_checkpoint_close(checkpoint);
        free(copy.data);
    }
}

TEST_WITH(other_data_are_refused, enter, leave)
{
    fixture *f = *state;
    mb_checkpoint *checkpoint = NULL;
    mb_error error = {0};
    const mb_dataset *data = mb_test_data();
    assert_int_equal(mb_checkpoint_open(f->path, &checkpoint, NULL), MB_OK);
    assert_int_equal(mb_checkpoint_check_data(checkpoint, data, NULL), MB_OK);
    mb_dataset other = *data;
    uint8_t *labels = malloc(data->train.images.count);
    memcpy(labels, data->train.labels, data->train.images.count);
    labels[17] = (uint8_t)((labels[17] + 1) % 4);
    other.train.labels = labels;
    assert_int_equal(mb_checkpoint_check_data(checkpoint, &other, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT,
                        "other training images or labels than those of the run in ");
    other = *data;
    other.test.images.count--;
    assert_int_equal(mb_checkpoint_check_data(checkpoint, &other, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT,
                        "other test images or labels than those of the run in ");
    other = *data;
    other.train.images.rows = data->train.images.columns; /* the same bytes in another shape */
    other.train.images.columns = data->train.images.rows;
    assert_int_equal(mb_checkpoint_check_data(checkpoint, &other, &error), MB_ERROR_FORMAT);
    free(labels);
    mb_checkpoint_close(checkpoint);
}

TEST_WITH(another_network_is_refused, enter, leave)
{
    fixture *f = *state;
    mb_checkpoint *checkpoint = NULL;
    mb_error error = {0};
    mb_test_run other;
    mb_test_run_open("dense:8,relu,dense:4", &f->run.options, 1, &other);
    assert_int_equal(mb_checkpoint_open(f->path, &checkpoint, NULL), MB_OK);
    assert_int_equal(mb_trainer_restore(other.trainer, checkpoint, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, "tensor \"0.weight\" has the wrong dtype or size");
    mb_checkpoint_close(checkpoint);
    mb_test_run_close(&other);
}

/* A small file with a changed spec and a valid checksum does not allocate gigabytes. */
TEST_WITH(networks_that_are_not_in_the_file_are_refused, enter, leave)
{
    fixture *f = *state;
    static const struct {
        const char *layers, *part;
    } cases[] = {{"dense:999999,", "parameters, expected at most"},
                 {"dense:8,relu,", "tensor \"0.weight\" has the wrong dtype or size"},
                 {"dense:9,tanh,", "no layer is called 'tanh'"}};
    const mb_dataset *data = mb_test_data();
    const mb_shape input = mb_images_shape(&data->train.images);
    const char *before = "dense:9,relu,";
    mb_network *network = NULL;
    mb_checkpoint *checkpoint = NULL;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        mb_error error = {0};
        replace(f->bytes, before, cases[c].layers);
        before = cases[c].layers;
        assert_true(mb_test_sign(f->bytes));
        assert_int_equal(mb_checkpoint_parse("it", f->bytes, &checkpoint, NULL), MB_OK);
        assert_int_equal(mb_checkpoint_network(checkpoint, f->run.machine, input, data->classes,
                                               &network, &error),
                         MB_ERROR_FORMAT);
        mb_test_check_error(&error, MB_ERROR_FORMAT, cases[c].part);
        assert_memory_equal(error.text, "it: ", 4);
        mb_checkpoint_close(checkpoint);
    }
    assert_null(network);
}

/* --- writing during a run --- */

static size_t steps_in(const char *path)
{
    mb_checkpoint *checkpoint = NULL;
    int64_t epoch, step;
    assert_int_equal(mb_checkpoint_open(path, &checkpoint, NULL), MB_OK);
    mb_safetensors_values(mb_safetensors_find(checkpoint->file, "epoch"), &epoch);
    mb_safetensors_values(mb_safetensors_find(checkpoint->file, "step"), &step);
    mb_checkpoint_close(checkpoint);
    return (size_t)epoch * MB_TEST_STEPS + (size_t)step;
}

/* The number of files that a run of 20 steps in 2 epochs writes, and the steps in the last. */
TEST_WITH(a_policy_says_when_files_are_written, enter, leave)
{
    fixture *f = *state;
    static const struct {
        size_t every_steps;
        bool every_epoch;
        size_t written, steps;
    } cases[] = {{0, false, 0, 0},   {1, false, 20, 20}, {3, false, 6, 18}, {7, false, 2, 14},
                 {20, false, 1, 20}, {21, false, 0, 0},  {0, true, 2, 20},  {4, true, 7, 20}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const mb_checkpoint_policy policy = {.path = f->path,
                                             .every_steps = cases[i].every_steps,
                                             .every_epoch = cases[i].every_epoch};
        mb_test_run run;
        unlink(f->path);
        mb_test_run_open(layers, &f->run.options, 2, &run);
        assert_int_equal(mb_trainer_set_checkpoints(run.trainer, &policy, NULL), MB_OK);
        mb_test_run_on(&run, SIZE_MAX);
        mb_checkpoint_costs costs = mb_trainer_checkpoint_costs(run.trainer);
        assert_int_equal(costs.written, cases[i].written);
        assert_int_equal(costs.seconds_max > 0, costs.written > 0);
        assert_true(costs.seconds_max <= costs.seconds_sum);
        assert_int_equal(access(f->path, F_OK) == 0, costs.written > 0);
        if (costs.written > 0)
            assert_int_equal(steps_in(f->path), cases[i].steps);
        for (size_t again = 0; again < 2; again++)
            assert_int_equal(mb_trainer_save(run.trainer, NULL), MB_OK);
        assert_int_equal(steps_in(f->path), 2 * MB_TEST_STEPS);
        costs = mb_trainer_checkpoint_costs(run.trainer); /* an evaluated epoch is a new state */
        assert_int_equal(costs.written, cases[i].written + !cases[i].every_epoch);
        mb_test_run_close(&run);
    }
}

/* A file has the state of its step, although the run continues. */
TEST_WITH(a_run_resumes_from_a_file_of_its_middle, enter, leave)
{
    fixture *f = *state;
    const mb_checkpoint_policy policy = {.path = f->path, .every_steps = MB_TEST_STEPS + 6};
    mb_test_run fresh;
    assert_int_equal(mb_trainer_set_checkpoints(f->run.trainer, &policy, NULL), MB_OK);
    mb_test_run_on(&f->run, SIZE_MAX);
    assert_int_equal(steps_in(f->path), MB_TEST_STEPS + 6);
    mb_test_run_open(layers, &f->run.options, 1, &fresh);
    mb_test_run_restore(&fresh, f->path);
    mb_test_run_on(&fresh, SIZE_MAX);
    mb_test_runs_equal(&f->run, &fresh);
    mb_test_run_close(&fresh);
}

static size_t failures;

static void count_failure(void *context, const mb_error *error)
{
    (void)context;
    mb_test_check_error(error, MB_ERROR_IO, "no/folder: cannot be written: ");
    failures++;
}

/* The run continues, and the same state can be saved later. */
TEST_WITH(files_that_cannot_be_written_are_reported, enter, leave)
{
    fixture *f = *state;
    char *place = mb_path_join(f->folder, "no/folder"), *folder = mb_path_join(f->folder, "no");
    const mb_checkpoint_policy policy = {.path = place, .every_steps = 5};
    mb_error error = {0};
    assert_int_equal(mb_trainer_set_checkpoints(f->run.trainer, &policy, NULL), MB_OK);
    f->run.events.checkpoint_failed = count_failure;
    failures = 0;
    mb_test_run_on(&f->run, SIZE_MAX);
    assert_int_equal(failures, 2); /* after steps 15 and 20 */
    assert_int_equal(mb_trainer_save(f->run.trainer, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "no/folder: cannot be written: ");
    assert_int_equal(mb_trainer_checkpoint_costs(f->run.trainer).written, 0);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(mb_trainer_save(f->run.trainer, &error), MB_OK);
    assert_int_equal(steps_in(place), 2 * MB_TEST_STEPS);
    free(place);
    free(folder);
}

TEST_WITH(a_trainer_without_a_policy_saves_nothing, enter, leave)
{
    fixture *f = *state;
    mb_test_run run;
    mb_error error = {0};
    mb_test_run_open(layers, &f->run.options, 1, &run);
    assert_int_equal(mb_trainer_save(run.trainer, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, "no checkpoint policy");
    mb_test_run_close(&run);
}

TEST_GROUP(mb_test_open_data, mb_test_close_data);
