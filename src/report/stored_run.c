/* Reads what summary.c writes. */
#include "report/stored_run.h"

#include "core/file.h"
#include "core/json_error.h"
#include "core/status.h"
#include "report/json.h"
#include "train/history.h"

#include <inttypes.h>
#include <math.h>
#include <mnist_blas/options.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 30 };

typedef struct mb_stored_run_storage {
    mb_stored_run stored;
    const char *folder; /* while it is read */
    json_t *summary;    /* has the strings */
    mb_machine_info machine;
    mb_training_options options;
    mb_data_options reading;
    mb_history history;
    mb_calibration calibration;
    mb_checkpoint_costs checkpoints;
    mb_run_position interrupted;
} storage;

/* json_unpack_ex: MB_ERROR_FORMAT, which the caller reports, or MB_ERROR_MEMORY. */
static mb_status unpack(const json_t *object, const storage *s, mb_error *error, const char *format,
                        ...)
{
    json_error_t why;
    va_list values;
    va_start(values, format);
    const int failed =
        json_vunpack_ex((json_t *)(uintptr_t)object, &why, 0, format, values); /* only read */
    va_end(values);
    if (failed == 0)
        return MB_OK;
    return mb_json_out_of_memory(&why) ? mb_fail_memory(error, s->folder, 1) : MB_ERROR_FORMAT;
}

static mb_status fail_summary(const storage *s, mb_status status, const char *key, mb_error *error)
{
    if (status == MB_ERROR_MEMORY)
        return status;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s/summary.json: no valid \"%s\": it may be of an earlier version", s->folder,
                   key);
}

/* Reads FOLDER/NAME; *bytes is the caller's to free. */
static mb_status read_file(const storage *s, const char *name, mb_bytes *bytes, mb_error *error)
{
    char *path = mb_path_join(s->folder, name);
    const mb_status status = path != NULL ? mb_file_read(path, MAX_BYTES, bytes, error)
                                          : mb_fail_memory(error, s->folder, strlen(name));
    free(path);
    return status;
}

static mb_status read_summary(storage *s, mb_error *error)
{
    mb_bytes bytes = {0};
    json_error_t why;
    const mb_status status = read_file(s, "summary.json", &bytes, error);
    if (status != MB_OK)
        return status;
    s->summary = mb_json_load(bytes.data, bytes.size, 0, &why);
    free(bytes.data);
    if (s->summary != NULL)
        return MB_OK;
    if (mb_json_out_of_memory(&why))
        return mb_fail_memory(error, s->folder, bytes.size);
    return mb_fail(error, MB_ERROR_FORMAT, "%s/summary.json: line %d: %s", s->folder, why.line,
                   why.text);
}

/* ---- options ---- */

/* The value as text that mb_option_parse takes; false if there is none. */
static bool option_text(const json_t *value, char text[MB_OPTION_TEXT_SIZE])
{
    switch (value != NULL ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%s", json_string_value(value));
        return true;
    case JSON_INTEGER:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%" PRIu64, (uint64_t)json_integer_value(value));
        return true;
    case JSON_REAL:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%.17g", json_real_value(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%s", json_is_true(value) ? "on" : "off");
        return true;
    default:
        return false;
    }
}

/* Options without an effect are null, and keep their defaults. */
static mb_status read_option(storage *s, const mb_option *option, void *options, mb_error *error)
{
    char key[MB_OPTION_TEXT_SIZE], text[MB_OPTION_TEXT_SIZE];
    mb_error why;
    mb_option_key(option, key);
    const bool is_epochs = strcmp(key, "epochs") == 0; /* there: those that are finished */
    if (!option_text(json_object_get(s->summary, is_epochs ? "epochs_requested" : key), text))
        return MB_OK;
    if (mb_option_parse(option, options, text, &why) == MB_OK)
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT, "%s/summary.json: %s", s->folder, why.text);
}

/* The optimizer first: other defaults depend on it. */
static mb_status read_options(storage *s, mb_error *error)
{
    mb_status status = MB_OK;
    s->options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++)
        if (strcmp(option->name, "optimizer") == 0)
            status = read_option(s, option, &s->options, error);
    s->options = mb_training_defaults(s->options.optimizer);
    for (const mb_option *option = mb_training_option_table;
         option->name != NULL && status == MB_OK; option++)
        status = read_option(s, option, &s->options, error);
    s->reading = mb_data_defaults();
    for (const mb_option *option = mb_data_option_table; option->name != NULL && status == MB_OK;
         option++)
        status = read_option(s, option, &s->reading, error);
    s->reading.seed = s->options.seed;
    return status;
}

static mb_status read_machine(storage *s, mb_error *error)
{
    mb_machine_info *m = &s->machine;
    json_int_t cores = 0, allowed = 0, threads = 0, ranks = 1;
    const mb_status status =
        unpack(s->summary, s, error,
               "{s:{s:s, s:I, s:I, s?F, s:s, s:s, s:s, s:s, s:s}, s:I, s?I, s:s, s:s, s:s}",
               "machine", "cpu", &m->cpu, "cores", &cores, "cores_allowed", &allowed, "quota",
               &m->quota, "threads_from", &m->threads_from, "pin_policy", &m->pin_policy,
               "blas_version", &m->blas_version, "blas_threading", &m->blas_threading, "cpu_level",
               &m->cpu_level, "threads", &threads, "ranks", &ranks, "blas_core", &m->blas_core,
               "data", &s->stored.data, "command", &s->stored.run.command);
    if (status != MB_OK)
        return fail_summary(s, status, "machine", error);
    m->cores = (size_t)cores;
    m->cores_allowed = (size_t)allowed;
    m->threads = (size_t)threads;
    m->ranks = (size_t)ranks;
    if (strcmp(s->stored.data, "synthetic") == 0)
        s->stored.data = NULL;
    return MB_OK;
}

/* ---- history ---- */

static double real_or_nan(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The next epoch, from its line. */
static mb_status read_epoch(storage *s, const char *text, size_t length, mb_error *error)
{
    json_int_t number = 0, threads = 0;
    json_error_t why;
    const size_t next = s->history.finished + 1;
    mb_epoch_metrics *epoch = &s->history.epochs[next - 1];
    json_t *line = mb_json_load(text, length, 0, &why);
    mb_status status =
        line == NULL && mb_json_out_of_memory(&why)
            ? mb_fail_memory(error, s->folder, length)
            : unpack(line, s, error, "{s:I, s:F, s:F, s:F, s:F, s:I, s:F, s:F, s:F}", "epoch",
                     &number, "train_loss", &epoch->train_loss, "train_accuracy",
                     &epoch->train_accuracy, "test_accuracy", &epoch->test_accuracy, "lr",
                     &epoch->lr, "threads", &threads, "seconds", &epoch->seconds,
                     "samples_per_second", &epoch->samples_per_second, "gflops", &epoch->gflops);
    if (status == MB_ERROR_FORMAT || (status == MB_OK && (size_t)number != next))
        status =
            mb_fail(error, MB_ERROR_FORMAT, "%s/metrics.jsonl: line %zu: is not that of epoch %zu",
                    s->folder, next, next);
    epoch->epoch = next;
    epoch->epochs = s->options.epochs;
    epoch->threads = (size_t)threads;
    epoch->validation_accuracy = real_or_nan(line, "validation_accuracy");
    epoch->validation_loss = real_or_nan(line, "validation_loss");
    epoch->test_loss = real_or_nan(line, "test_loss");
    epoch->train_excess_loss = real_or_nan(line, "train_excess_loss");
    if (isnan(epoch->train_excess_loss))
        epoch->train_excess_loss = epoch->train_loss;
    json_decref(line);
    return status;
}

static mb_status read_epochs(storage *s, size_t count, mb_error *error)
{
    mb_bytes bytes = {0};
    mb_status status = mb_history_open(count, &s->history, error);
    if (status == MB_OK)
        status = read_file(s, "metrics.jsonl", &bytes, error);
    const char *next = (const char *)bytes.data, *end = next + bytes.size;
    while (status == MB_OK && s->history.finished < count) {
        const char *line_end = next < end ? memchr(next, '\n', (size_t)(end - next)) : NULL;
        status = read_epoch(s, next, line_end != NULL ? (size_t)(line_end - next) : 0, error);
        s->history.finished++;
        next = line_end != NULL ? line_end + 1 : end;
    }
    free(bytes.data);
    return status;
}

static mb_status read_curve(storage *s, mb_error *error)
{
    mb_loss_curve *curve = &s->history.curve;
    json_int_t stride = 0, steps = 0;
    json_t *means = NULL;
    const mb_status status = unpack(s->summary, s, error, "{s:{s:I, s:I, s:o}}", "loss_curve",
                                    "steps", &steps, "steps_per_point", &stride, "means", &means);
    if (status != MB_OK || steps < 1 || stride < 1 || (steps - 1) / stride >= MB_LOSS_CURVE_POINTS)
        return fail_summary(s, status, "loss_curve", error);
    curve->steps = (size_t)steps;
    curve->stride = (size_t)stride;
    if (json_array_size(means) != mb_loss_curve_points(curve))
        return fail_summary(s, status, "loss_curve", error);
    for (size_t i = 0; i < json_array_size(means); i++)
        curve->sum[i] =
            json_number_value(json_array_get(means, i)) * (double)mb_loss_curve_count(curve, i);
    return MB_OK;
}

static mb_status read_history(storage *s, mb_error *error)
{
    const json_t *number = json_object_get(s->summary, "epochs");
    const json_int_t epochs = json_integer_value(number);
    if (!json_is_integer(number) || epochs > MB_MAX_EPOCHS)
        return fail_summary(s, MB_ERROR_FORMAT, "epochs", error);
    if (epochs < 1)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: the run has not finished an epoch", s->folder);
    number = json_object_get(s->summary, "best_epoch");
    const json_int_t best = json_is_integer(number) ? json_integer_value(number) : epochs;
    if (best < 1 || best > epochs)
        return fail_summary(s, MB_ERROR_FORMAT, "best_epoch", error);
    const mb_status status = read_epochs(s, (size_t)epochs, error);
    if (status != MB_OK)
        return status;
    s->stored.run.selected = &s->history.epochs[best - 1];
    return read_curve(s, error);
}

/* Each of them may be missing. */
static mb_status read_events(storage *s, mb_error *error)
{
    json_int_t written = 0, epoch = 0, step = 0;
    mb_checkpoint_costs *costs = &s->checkpoints;
    mb_status status =
        unpack(s->summary, s, error, "{s:{s:I, s:F, s:F}}", "checkpoints", "written", &written,
               "held_seconds_max", &costs->seconds_max, "held_seconds_sum", &costs->seconds_sum);
    if (status == MB_OK) {
        costs->written = (size_t)written;
        s->stored.run.checkpoints = costs;
    }
    if (status != MB_ERROR_MEMORY)
        status = unpack(s->summary, s, error, "{s:{s:I, s:I}}", "interrupted_at", "epoch", &epoch,
                        "step", &step);
    if (status == MB_OK) {
        s->interrupted = (mb_run_position){(size_t)epoch, (size_t)step};
        s->stored.run.interrupted = &s->interrupted;
    }
    return status == MB_ERROR_MEMORY ? status : MB_OK;
}

/* Missing of a run without a temperature. */
static mb_status read_calibration(storage *s, mb_error *error)
{
    mb_calibration *calibration = &s->calibration;
    if (json_object_get(s->summary, "calibration") == NULL)
        return MB_OK;
    const mb_status status = unpack(
        s->summary, s, error, "{s:F, s:{s:F, s:F, s:F, s:F}}", "validation_loss",
        &calibration->loss, "calibration", "temperature", &calibration->temperature,
        "validation_loss_before", &calibration->loss_before, "validation_calibration_error_before",
        &calibration->error_before, "validation_calibration_error", &calibration->error);
    if (status != MB_OK)
        return fail_summary(s, status, "calibration", error);
    s->stored.run.calibration = calibration;
    return MB_OK;
}

mb_status mb_stored_run_read(const char *folder, mb_stored_run **stored, mb_error *error)
{
    storage *s = calloc(1, sizeof *s);
    if (s == NULL)
        return mb_fail_memory(error, folder, sizeof *s);
    s->folder = folder;
    s->stored = (mb_stored_run){.run = {.machine = &s->machine,
                                        .options = &s->options,
                                        .reading = &s->reading,
                                        .history = &s->history},
                                .storage = s};
    mb_status status = read_summary(s, error);
    if (status == MB_OK)
        status = read_options(s, error);
    if (status == MB_OK)
        status = read_machine(s, error);
    if (status == MB_OK)
        status = read_history(s, error);
    if (status == MB_OK)
        status = read_events(s, error);
    if (status == MB_OK)
        status = read_calibration(s, error);
    if (status == MB_OK)
        *stored = &s->stored;
    else
        mb_stored_run_close(&s->stored);
    return status;
}

const json_t *mb_stored_run_summary(const mb_stored_run *stored)
{
    return stored->storage->summary;
}

/* Sum of the differences between cells of the confusion matrices; SIZE_MAX: of other classes. */
static size_t compare_confusion(const json_t *rows, const mb_evaluation *evaluation)
{
    const size_t classes = evaluation->classes;
    size_t sum = 0;
    if (json_array_size(rows) != classes)
        return SIZE_MAX;
    for (size_t i = 0; i < classes * classes; i++) {
        const json_t *cell = json_array_get(json_array_get(rows, i / classes), i % classes);
        const size_t now = evaluation->confusion[i], then = (size_t)json_integer_value(cell);
        sum += now > then ? now - then : then - now;
    }
    return sum;
}

mb_status mb_stored_run_check(const mb_stored_run *stored, const mb_machine_info *machine,
                              const mb_dataset *dataset, const mb_evaluation *evaluation,
                              mb_error *error)
{
    const json_t *summary = stored->storage->summary;
    const mb_machine_info *then = stored->run.machine;
    const bool same_blas = strcmp(machine->blas_core, then->blas_core) == 0 &&
                           strcmp(machine->blas_version, then->blas_version) == 0;
    const json_int_t trained = json_integer_value(json_object_get(summary, "training_images"));
    const json_int_t held_out = json_integer_value(json_object_get(summary, "validation_images"));
    if ((size_t)(trained + held_out) == dataset->train.images.count &&
        compare_confusion(json_object_get(summary, "confusion"), evaluation) <=
            (same_blas ? 0 : evaluation->samples / 50))
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "predictions are not those in summary.json: model.safetensors or the data are "
                   "of another run");
}

void mb_stored_run_close(mb_stored_run *stored)
{
    if (stored == NULL)
        return;
    mb_history_close(&stored->storage->history);
    json_decref(stored->storage->summary);
    free(stored->storage);
}
