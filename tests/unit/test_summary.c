#include "report/summary.h"
#include "support.h"
#include "test.h"

#include <jansson.h>
#include <math.h>
#include <mnist_blas/network.h>
#include <stdlib.h>
#include <string.h>

/* A made-up run, and a folder to write it to. */
typedef struct fixture {
    char *folder;
    mb_machine *machine;
    mb_network *network;
    mb_machine_info info;
    mb_training_options options;
    mb_epoch_metrics epochs[4];
    mb_run run;
} fixture;

static int open_fixture(void **state)
{
    fixture *f = *state = calloc(1, sizeof *f);
    const mb_machine_options options = {.threads = 1, .pin = "none"};
    f->folder = mb_test_make_folder();
    assert_int_equal(mb_machine_open(&options, &f->machine, NULL), MB_OK);
    assert_int_equal(
        mb_network_open(f->machine, "mlp", (mb_shape){1, 28, 28}, 10, &f->network, NULL), MB_OK);
    f->info = (mb_machine_info){.threads = 3, .blas_core = "SkylakeX"};
    f->options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    f->options.epochs = 3;
    f->options.seed = 9007199254740993; /* more than a double holds */
    for (size_t i = 0; i < 4; i++)
        f->epochs[i] = (mb_epoch_metrics){.epoch = i + 1,
                                          .epochs = 3,
                                          .train_loss = 0.123456789 / (double)(i + 1),
                                          .train_accuracy = 0.9 + 0.01 * (double)i,
                                          .test_accuracy = 0.91 + 0.01 * (double)i,
                                          .validation_accuracy = NAN,
                                          .lr = 0.008 / (double)(i + 1),
                                          .seconds = 0.25 * (double)(i + 1),
                                          .samples_per_second = i == 1 ? 3e5 : 1e5 * (double)i,
                                          .gflops = 100.5 - (double)i,
                                          .threads = 3 - i % 2};
    f->run = (mb_run){.data = "data/mnist",
                      .network = f->network,
                      .machine = &f->info,
                      .options = &f->options,
                      .epochs = f->epochs,
                      .selected = &f->epochs[2]};
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    mb_network_close(f->network);
    mb_machine_close(f->machine);
    mb_test_remove_folder(f->folder);
    free(f);
    return 0;
}

static char *read_text(const fixture *f, const char *name)
{
    char *path = mb_path_join(f->folder, name);
    mb_bytes bytes = {0};
    mb_error error = {0};
    if (mb_file_read(path, 1 << 20, &bytes, &error) != MB_OK)
        fail_msg("%s", error.text);
    free(path);
    bytes.data[bytes.size] = '\0'; /* there is room: an empty file has a byte, too */
    return (char *)bytes.data;
}

static json_t *read_summary(const fixture *f)
{
    mb_error error = {0};
    if (mb_summary_write(&f->run, f->folder, &error) != MB_OK)
        fail_msg("%s", error.text);
    char *text = read_text(f, "summary.json");
    assert_int_equal(text[strlen(text) - 1], '\n');
    json_t *summary = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(summary));
    free(text);
    return summary;
}

static void is_text(const json_t *object, const char *key, const char *wanted)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_string(value));
    assert_string_equal(json_string_value(value), wanted);
}

static void is_count(const json_t *object, const char *key, long long wanted)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    assert_int_equal(json_integer_value(value), wanted);
}

static void is_number(const json_t *object, const char *key, double wanted)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_real(value));
    assert_true(fabs(json_real_value(value) - wanted) <= 1e-8 * fabs(wanted));
}

TEST_WITH(summary_tells_the_run, open_fixture, close_fixture)
{
    const fixture *f = *state;
    json_t *summary = read_summary(f);
    is_text(summary, "data", "data/mnist");
    is_text(summary, "network", "dense:128,relu,dense:64,relu,dense:10");
    is_count(summary, "parameters", 109386);
    is_count(summary, "epochs", 3);
    is_count(summary, "batch_size", 64);
    is_text(summary, "optimizer", "adamw");
    is_text(summary, "schedule", "onecycle");
    is_number(summary, "lr", f->options.lr);
    is_number(summary, "weight_decay", f->options.weight_decay);
    is_count(summary, "seed", 9007199254740993);
    is_count(summary, "threads", 3);
    is_text(summary, "blas_core", "SkylakeX");
    is_number(summary, "final_train_loss", 0.123456789 / 3);
    is_number(summary, "test_accuracy", 0.93);
    is_number(summary, "train_seconds", 1.5);
    const json_t *speed = json_object_get(summary, "samples_per_second");
    is_number(speed, "min", 0.0);
    is_number(speed, "median", 2e5);
    is_number(speed, "max", 3e5);
    assert_int_equal(json_object_size(speed), 3);
    is_number(summary, "label_smoothing", f->options.label_smoothing);
    is_text(summary, "augment", "off");
    assert_int_equal(json_object_size(summary), 18);
    json_decref(summary);
}

TEST_WITH(strengths_of_augmentation_are_those_that_play_a_part, open_fixture, close_fixture)
{
    fixture *f = *state;
    f->options.augmentation =
        (mb_augmentation){MB_AUGMENT_AFFINE, 11.0, 0.2, 0.3, 1.5, 30.0, 5.0, 0};
    json_t *summary = read_summary(f);
    is_text(summary, "augment", "affine");
    is_number(summary, "rotate", 11.0);
    is_number(summary, "scale", 0.2);
    is_number(summary, "shear", 0.3);
    is_number(summary, "shift", 1.5);
    assert_int_equal(json_object_size(summary), 22);
    json_decref(summary);
    f->options.augmentation.kind = MB_AUGMENT_ELASTIC;
    summary = read_summary(f);
    is_text(summary, "augment", "elastic");
    is_number(summary, "elastic_alpha", 30.0);
    is_number(summary, "elastic_sigma", 5.0);
    assert_int_equal(json_object_size(summary), 24);
    json_decref(summary);
    f->options.augmentation.plain_epochs = 2;
    summary = read_summary(f);
    is_count(summary, "plain_epochs", 2);
    assert_int_equal(json_object_size(summary), 25);
    json_decref(summary);
}

TEST_WITH(the_median_of_an_even_number_is_between_two, open_fixture, close_fixture)
{
    fixture *f = *state;
    mb_spread speed;
    f->options.epochs = 4; /* 0, 3e5, 2e5, 3e5 */
    assert_int_equal(mb_run_speed(&f->run, &speed, NULL), MB_OK);
    assert_true(speed.min == 0.0 && speed.median == 2.5e5 && speed.max == 3e5);
    f->options.epochs = 1;
    f->run.epochs = &f->epochs[2];
    assert_int_equal(mb_run_speed(&f->run, &speed, NULL), MB_OK);
    assert_true(speed.min == 2e5 && speed.median == 2e5 && speed.max == 2e5);
    assert_true(mb_run_seconds(&f->run) == 0.75);
}

TEST_WITH(metrics_are_a_line_an_epoch, open_fixture, close_fixture)
{
    const fixture *f = *state;
    assert_int_equal(mb_metrics_write(&f->run, f->folder, NULL), MB_OK);
    char *text = read_text(f, "metrics.jsonl"), *rest = text;
    for (size_t i = 0; i < 3; i++) {
        json_t *line = json_loads(strsep(&rest, "\n"), JSON_REJECT_DUPLICATES, NULL);
        const mb_epoch_metrics *epoch = &f->epochs[i];
        is_count(line, "epoch", (long long)i + 1);
        is_number(line, "train_loss", epoch->train_loss);
        is_number(line, "train_accuracy", epoch->train_accuracy);
        is_number(line, "test_accuracy", epoch->test_accuracy);
        is_number(line, "lr", epoch->lr);
        is_number(line, "seconds", epoch->seconds);
        is_number(line, "samples_per_second", epoch->samples_per_second);
        is_number(line, "gflops", epoch->gflops);
        is_count(line, "threads", (long long)epoch->threads);
        assert_int_equal(json_object_size(line), 9);
        json_decref(line);
    }
    assert_string_equal(rest, "");
    free(text);
}

TEST_WITH(validation_is_told_where_there_was_one, open_fixture, close_fixture)
{
    fixture *f = *state;
    f->options.epochs = 1;
    f->run.selected = &f->epochs[0];
    f->epochs[0].validation_accuracy = 0.875;
    json_t *summary = read_summary(f);
    is_number(summary, "validation_accuracy", 0.875);
    json_decref(summary);
    assert_int_equal(mb_metrics_write(&f->run, f->folder, NULL), MB_OK);
    char *text = read_text(f, "metrics.jsonl");
    json_t *line = json_loads(text, 0, NULL);
    is_number(line, "validation_accuracy", 0.875);
    json_decref(line);
    free(text);
}

TEST_WITH(the_epoch_that_is_kept_is_told_of, open_fixture, close_fixture)
{
    fixture *f = *state;
    char length[MB_RUN_LENGTH];
    assert_string_equal(mb_format_run_length(&f->run, length), "3 epochs");
    f->options.patience = 2;
    f->run.selected = &f->epochs[0];
    f->epochs[0].validation_accuracy = 0.875;
    json_t *summary = read_summary(f);
    is_count(summary, "epochs", 3);
    is_count(summary, "patience", 2);
    is_count(summary, "best_epoch", 1);
    is_number(summary, "final_train_loss", f->epochs[0].train_loss);
    is_number(summary, "test_accuracy", f->epochs[0].test_accuracy);
    is_number(summary, "validation_accuracy", 0.875);
    is_number(summary, "train_seconds", 1.5);
    json_decref(summary);
    assert_string_equal(mb_format_run_length(&f->run, length), "3 epochs (epoch 1 is kept)");
}

TEST(names_are_those_of_the_options)
{
    assert_string_equal(mb_optimizer_name(MB_OPTIMIZER_SGD), "sgd");
    assert_string_equal(mb_optimizer_name(MB_OPTIMIZER_ADAM), "adam");
    assert_string_equal(mb_optimizer_name(MB_OPTIMIZER_ADAMW), "adamw");
    assert_string_equal(mb_schedule_name(MB_SCHEDULE_CONSTANT), "constant");
    assert_string_equal(mb_schedule_name(MB_SCHEDULE_COSINE), "cosine");
    assert_string_equal(mb_schedule_name(MB_SCHEDULE_ONECYCLE), "onecycle");
}

TEST_WITH(folders_names_are_quoted, open_fixture, close_fixture)
{
    fixture *f = *state;
    f->run.data = "a \"b\"\n\\ \xc3\xbc";
    json_t *summary = read_summary(f);
    is_text(summary, "data", f->run.data);
    json_decref(summary);
}

/* A folder's name is any bytes; JSON's text is UTF-8. A run is not to end without its summary for
 * that: what stands for the byte is free. */
TEST_WITH(folders_names_need_not_be_utf8, open_fixture, close_fixture)
{
    fixture *f = *state;
    f->run.data = "data/\xff/mnist";
    json_t *summary = read_summary(f);
    const char *data = json_string_value(json_object_get(summary, "data"));
    assert_non_null(data);
    assert_memory_equal(data, "data/", 5);
    is_count(summary, "epochs", 3);
    json_decref(summary);
}

TEST_WITH(a_missing_folder_is_an_error, open_fixture, close_fixture)
{
    const fixture *f = *state;
    char *missing = mb_path_join(f->folder, "missing");
    mb_error error = {0};
    assert_int_equal(mb_summary_write(&f->run, missing, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "missing/summary.json: cannot be written");
    assert_int_equal(mb_metrics_write(&f->run, missing, &error), MB_ERROR_IO);
    mb_test_check_error(&error, MB_ERROR_IO, "missing/metrics.jsonl: cannot be written");
    free(missing);
}
