#include "core/file.h"
#include "support.h"
#include "test.h"

#include <jansson.h>
#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <mnist_blas/options.h>
#include <stdlib.h>
#include <string.h>

#define JSON(...) #__VA_ARGS__

/* A fictitious run, and a folder for its files. */
typedef struct fixture {
    char *folder;
    mb_machine *machine;
    mb_network *network;
    mb_machine_info info;
    mb_training_options options;
    mb_epoch_metrics epochs[4];
    mb_history history;
    mb_dataset dataset;
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
    f->info = (mb_machine_info){.cpu = "Made-up CPU",
                                .cpu_level = "x86-64-v3",
                                .cores = 4,
                                .cores_allowed = 3,
                                .threads = 3,
                                .threads_from = "cores",
                                .pin_policy = "core",
                                .blas_version = "0.3.21",
                                .blas_core = "SkylakeX",
                                .blas_threading = "openmp"};
    f->options = (mb_training_options){.epochs = 7, /* of which 3 are finished */
                                       .batch_size = 50,
                                       .optimizer = MB_OPTIMIZER_ADAMW,
                                       .lr = 0.004,
                                       .weight_decay = 0.2,
                                       .label_smoothing = 0.05,
                                       .beta1 = 0.8,
                                       .beta2 = 0.95,
                                       .epsilon = 1e-7,
                                       .schedule = MB_SCHEDULE_COSINE,
                                       .seed = 9007199254740993}; /* not exact in a double */
    for (size_t i = 0; i < 4; i++)
        f->epochs[i] = (mb_epoch_metrics){.epoch = i + 1,
                                          .epochs = 3,
                                          .train_loss = 0.123456789 / (double)(i + 1),
                                          .train_excess_loss = 0.25 * (double)(i + 1),
                                          .test_loss = 0.5 * (double)(i + 1),
                                          .train_accuracy = 0.9 + 0.01 * (double)i,
                                          .test_accuracy = 0.91 + 0.01 * (double)i,
                                          .validation_accuracy = NAN,
                                          .lr = 0.008 / (double)(i + 1),
                                          .seconds = 0.25 * (double)(i + 1),
                                          .samples_per_second = i == 1 ? 3e5 : 1e5 * (double)i,
                                          .gflops = 100.5 - (double)i,
                                          .threads = 3 - i % 2};
    f->history.epochs = f->epochs;
    f->history.finished = 3;
    f->history.curve = (mb_loss_curve){.stride = 2, .steps = 3, .sum = {1.5, 0.1}};
    f->dataset =
        (mb_dataset){.folder = "data/mnist",
                     .classes = 10,
                     .train.images.count = 900,
                     .test.images = {.count = 300, .channels = 1, .rows = 20, .columns = 30}};
    f->run = (mb_run){.dataset = &f->dataset,
                      .network = f->network,
                      .machine = &f->info,
                      .options = &f->options,
                      .history = &f->history,
                      .selected = &f->epochs[2],
                      .command = "mnist_blas train"};
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
    assert_int_equal(bytes.data[bytes.size - 1], '\n');
    bytes.data[bytes.size - 1] = '\0';
    return (char *)bytes.data;
}

static json_t *read_object(const char *text)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(object));
    return object;
}

/* Both texts are the same JSON; takes the references. */
static void check_equal(json_t *object, json_t *expected)
{
    if (!json_equal(object, expected))
        fail_msg("%s\nexpected %s", json_dumps(object, JSON_SORT_KEYS),
                 json_dumps(expected, JSON_SORT_KEYS));
    json_decref(object);
    json_decref(expected);
}

/* summary.json of open_fixture's run, but for the version. */
static const char fixture_summary[] = JSON({
    "version" : "",
    "training_images" : 900,
    "validation_images" : 0,
    "test_images" : 300,
    "channels" : 1,
    "rows" : 20,
    "columns" : 30,
    "classes" : 10,
    "data" : "data/mnist",
    "network" : "dense:128,relu,dense:64,relu,dense:10",
    "parameters" : 109386,
    "threads" : 3,
    "blas_core" : "SkylakeX",
    "epochs_requested" : 7,
    "epochs" : 3,
    "validation" : 0,
    "patience" : 0,
    "temperature" : false,
    "batch_size" : 50,
    "optimizer" : "adamw",
    "lr" : 0.004,
    "min_lr" : 0.0,
    "label_smoothing" : 0.05,
    "class_weights" : "off",
    "ema" : 0.0,
    "schedule" : "cosine",
    "weight_decay" : 0.2,
    "seed" : 9007199254740993,
    "augment" : "off",
    "beta1" : 0.8,
    "beta2" : 0.95,
    "epsilon" : 1e-7,
    "final_train_loss" : 0.041152263,
    "final_train_excess_loss" : 0.75,
    "test_loss" : 1.5,
    "test_accuracy" : 0.93,
    "train_seconds" : 1.5,
    "samples_per_second" : {"min" : 0.0, "median" : 200000.0, "max" : 300000.0},
    "machine" : {
        "cpu" : "Made-up CPU",
        "cores" : 4,
        "cores_allowed" : 3,
        "threads_from" : "cores",
        "pin_policy" : "core",
        "blas_version" : "0.3.21",
        "blas_threading" : "openmp",
        "cpu_level" : "x86-64-v3"
    },
    "command" : "mnist_blas train",
    "loss_curve" : {"steps" : 3, "steps_per_point" : 2, "means" : [ 0.75, 0.100000001 ]}
});

/* Options that have no effect in that run. */
static const char *const without_effect[] = {
    "rotate",       "scale", "shear",  "shift",        "elastic_alpha", "elastic_sigma",
    "padding_mode", "flip",  "cutout", "plain_epochs", "momentum",      "nesterov"};

/* Checks summary.json of the fixture's run; `changes`: the differences from open_fixture's. */
static void check_summary(const fixture *f, const char *changes)
{
    mb_error error = {0};
    json_t *expected = read_object(fixture_summary);
    json_t *changed = read_object(changes);
    for (size_t i = 0; i < TEST_COUNT(without_effect); i++)
        json_object_set_new(expected, without_effect[i], json_null());
    json_object_set_new(changed, "version", json_string(mb_version()));
    json_object_update(expected, changed);
    json_decref(changed);
    if (mb_summary_write(&f->run, f->folder, &error) != MB_OK)
        fail_msg("%s", error.text);
    char *text = read_text(f, "summary.json");
    check_equal(read_object(text), expected);
    free(text);
}

#define CASE(name) TEST_WITH(name, open_fixture, close_fixture)

CASE(summary_has_the_run) { check_summary(*state, "{}"); }

/* A class without images has no scores. */
CASE(summary_has_the_evaluation)
{
    fixture *f = *state;
    static const size_t confusion[] = {3, 1, 0, 0};
    static const mb_class_score scores[] = {{1.0, 0.75, 0.875, 4}, {.support = 0}};
    const mb_evaluation evaluation = {.classes = 2,
                                      .confusion = confusion,
                                      .scores = scores,
                                      .macro = {0.5, 0.25, 0.125, 4},
                                      .bins[12] = {4, 3, 4.0},
                                      .calibration_error = 0.25};
    f->run.evaluation = &evaluation;
    check_summary(
        f, JSON({
            "balanced_accuracy" : 0.25,
            "calibration_error" : 0.25,
            "confidence_bins" :
                [ {"from" : 0.8, "samples" : 4, "accuracy" : 0.75, "confidence" : 1.0} ],
            "macro" : {"precision" : 0.5, "recall" : 0.25, "f1" : 0.125, "support" : 4},
            "class_scores" : [
                {"class" : 0, "precision" : 1.0, "recall" : 0.75, "f1" : 0.875, "support" : 4},
                {"class" : 1, "precision" : null, "recall" : null, "f1" : null, "support" : 0}
            ],
            "confusion" : [ [ 3, 1 ], [ 0, 0 ] ]
        }));
}

#define AFFINE_STRENGTHS "\"rotate\": 11.0, \"scale\": 0.2, \"shear\": 0.3, \"shift\": 1.5"

CASE(summary_has_the_options_that_apply)
{
    fixture *f = *state;
    f->options.augmentation = (mb_augmentation){.kind = MB_AUGMENT_AFFINE,
                                                .rotate = 11.0,
                                                .scale = 0.2,
                                                .shear = 0.3,
                                                .shift = 1.5,
                                                .elastic_alpha = 30,
                                                .elastic_sigma = 5};
    check_summary(
        f, "{\"augment\": \"affine\", \"padding_mode\": \"auto\", \"flip\": false, \"cutout\": 0, "
           "\"plain_epochs\": 0, " AFFINE_STRENGTHS "}");
    f->options.augmentation.kind = MB_AUGMENT_ELASTIC;
    f->options.augmentation.plain_epochs = 2;
    f->options.augmentation.flip = true;
    f->options.augmentation.cutout = 6;
    f->options.ema = 0.99;
    f->options.validation = 70;
    check_summary(f,
                  "{\"augment\": \"elastic\", \"elastic_alpha\": 30.0, \"elastic_sigma\": 5.0, "
                  "\"padding_mode\": \"auto\", \"flip\": true, \"cutout\": 6, \"plain_epochs\": 2, "
                  "\"ema\": 0.99, \"validation\": 70, \"training_images\": 830, "
                  "\"validation_images\": 70, " AFFINE_STRENGTHS "}");
}

CASE(the_selected_epoch_gives_the_results)
{
    fixture *f = *state;
    char length[MB_RUN_LENGTH];
    assert_string_equal(mb_run_length(&f->run, length), "3 epochs");
    f->options.patience = 2;
    f->run.selected = &f->epochs[0];
    f->epochs[0].validation_accuracy = 0.875;
    f->epochs[0].validation_loss = 2.0;
    check_summary(f, JSON({
                      "patience" : 2,
                      "best_epoch" : 1,
                      "final_train_loss" : 0.123456789,
                      "final_train_excess_loss" : 0.25,
                      "validation_loss" : 2.0,
                      "test_loss" : 0.5,
                      "test_accuracy" : 0.91,
                      "validation_accuracy" : 0.875
                  }));
    assert_string_equal(mb_run_length(&f->run, length), "3 epochs (epoch 1 is the best)");
}

CASE(an_interrupted_run_may_have_no_results)
{
    fixture *f = *state;
    const mb_checkpoint_costs checkpoints = {4, 0.25, 0.5};
    const mb_run_position at = {1, 7};
    f->history.finished = 0;
    f->run.selected = NULL;
    f->run.checkpoints = &checkpoints;
    f->run.interrupted = &at;
    check_summary(
        f, JSON({
            "epochs" : 0,
            "final_train_loss" : null,
            "final_train_excess_loss" : null,
            "test_loss" : null,
            "test_accuracy" : null,
            "train_seconds" : 0.0,
            "samples_per_second" : {"min" : null, "median" : null, "max" : null},
            "checkpoints" : {"written" : 4, "held_seconds_max" : 0.25, "held_seconds_sum" : 0.5},
            "interrupted_at" : {"epoch" : 1, "step" : 7}
        }));
}

/* A folder's name may be any bytes; JSON text is UTF-8. */
CASE(names_of_folders_are_any_bytes)
{
    fixture *f = *state;
    f->dataset.folder = "a \"b\"\n\\ \xc3\xbc";
    check_summary(f, JSON({"data" : "a \"b\"\n\\ ü"}));
    f->dataset.folder = "data/\xff/mnist";
    check_summary(f, "{\"data\": \"data/\xef\xbf\xbd/mnist\"}");
    f->dataset.folder = NULL;
    check_summary(f, JSON({"data" : "synthetic"}));
}

CASE(the_median_of_an_even_number_is_between_two)
{
    fixture *f = *state;
    mb_run_totals totals;
    f->history.finished = 4; /* 0, 3e5, 2e5, 3e5 */
    assert_int_equal(mb_run_sum_up(&f->run, &totals, NULL), MB_OK);
    assert_true(totals.min_speed == 0.0 && totals.median_speed == 2.5e5 &&
                totals.max_speed == 3e5 && totals.seconds == 2.5);
    f->history = (mb_history){.epochs = &f->epochs[2], .finished = 1};
    assert_int_equal(mb_run_sum_up(&f->run, &totals, NULL), MB_OK);
    assert_true(totals.min_speed == 2e5 && totals.median_speed == 2e5 && totals.max_speed == 2e5);
    assert_true(totals.seconds == 0.75);
}

CASE(metrics_are_a_line_per_epoch)
{
    fixture *f = *state;
    static const char *const lines[] = {JSON({
                                            "epoch" : 1,
                                            "train_loss" : 0.123456789,
                                            "train_excess_loss" : 0.25,
                                            "test_loss" : 0.5,
                                            "train_accuracy" : 0.9,
                                            "test_accuracy" : 0.91,
                                            "lr" : 0.008,
                                            "threads" : 3,
                                            "seconds" : 0.25,
                                            "samples_per_second" : 0.0,
                                            "gflops" : 100.5
                                        }),
                                        JSON({
                                            "epoch" : 2,
                                            "train_loss" : 0.0617283945,
                                            "train_excess_loss" : 0.5,
                                            "test_loss" : 1.0,
                                            "validation_loss" : 2.0,
                                            "train_accuracy" : 0.91,
                                            "validation_accuracy" : 0.875,
                                            "test_accuracy" : 0.92,
                                            "lr" : 0.004,
                                            "threads" : 2,
                                            "seconds" : 0.5,
                                            "samples_per_second" : 300000.0,
                                            "gflops" : 99.5
                                        }),
                                        JSON({
                                            "epoch" : 3,
                                            "train_loss" : 0.041152263,
                                            "train_excess_loss" : 0.75,
                                            "test_loss" : 1.5,
                                            "train_accuracy" : 0.92,
                                            "test_accuracy" : 0.93,
                                            "lr" : 0.00266666667,
                                            "threads" : 3,
                                            "seconds" : 0.75,
                                            "samples_per_second" : 200000.0,
                                            "gflops" : 98.5
                                        })};
    f->epochs[1].validation_accuracy = 0.875;
    f->epochs[1].validation_loss = 2.0;
    assert_int_equal(mb_metrics_write(&f->run, f->folder, NULL), MB_OK);
    char *text = read_text(f, "metrics.jsonl"), *rest = text;
    for (size_t i = 0; i < TEST_COUNT(lines); i++)
        check_equal(read_object(strsep(&rest, "\n")), read_object(lines[i]));
    assert_null(rest);
    free(text);
}

CASE(a_missing_folder_is_an_error)
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
