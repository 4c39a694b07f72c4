/* The runs of a sweep: their results from their folders, their ranks, and the table. */
#include "core/file.h"
#include "core/json_error.h"
#include "core/memory_stream.h"
#include "core/parse.h"
#include "report/csv_text.h"
#include "report/json.h"

#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILE = 1 << 20 };

/* ---- configurations ---- */

static bool is_seed(const mb_sweep *sweep, size_t option)
{
    return strcmp(sweep->options[option], "seed") == 0;
}

static bool is_same_configuration(const mb_sweep *sweep, const mb_sweep_run *one,
                                  const mb_sweep_run *other)
{
    for (size_t i = 0; i < sweep->option_count; i++)
        if (!is_seed(sweep, i) && strcmp(one->values[i], other->values[i]) != 0)
            return false;
    return true;
}

static double deviation(double sum, double squares, size_t count)
{
    const double n = (double)count;
    return count > 1 ? sqrt(fmax(0.0, (squares - sum * sum / n) / (n - 1.0))) : (double)NAN;
}

/* The configuration of run `first` and those of the runs before `end` that are like it. */
static mb_sweep_configuration summarize(const mb_sweep *sweep, size_t first, size_t end)
{
    mb_sweep_configuration c = {.first = first};
    double accuracy = 0.0, loss = 0.0, accuracy_squares = 0.0, loss_squares = 0.0, seconds = 0.0;
    for (size_t i = first; i < end; i++) {
        const mb_sweep_run *run = &sweep->runs[i];
        if (!is_same_configuration(sweep, &sweep->runs[first], run))
            continue;
        c.failed += run->state == MB_SWEEP_FAILED;
        if (run->state != MB_SWEEP_FINISHED)
            continue;
        c.finished++;
        accuracy += run->validation_accuracy;
        accuracy_squares += run->validation_accuracy * run->validation_accuracy;
        loss += run->validation_loss;
        loss_squares += run->validation_loss * run->validation_loss;
        seconds += run->seconds;
    }
    const double n = c.finished > 0 ? (double)c.finished : (double)NAN;
    c.validation_accuracy = accuracy / n;
    c.validation_loss = loss / n;
    c.seconds = seconds / n;
    c.accuracy_deviation = deviation(accuracy, accuracy_squares, c.finished);
    c.loss_deviation = deviation(loss, loss_squares, c.finished);
    return c;
}

/* Negative if a value is better (smaller), positive if it is worse; NaN is worst. */
static int compare_values(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

static int compare(const void *one, const void *other, void *context)
{
    const mb_sweep *sweep = context;
    const mb_sweep_configuration *a = one, *b = other;
    const size_t a_rung = sweep->runs[a->first].rung, b_rung = sweep->runs[b->first].rung;
    int order = 0;
    if (sweep->by != MB_SWEEP_BY_NOTHING)
        order = (a->failed > 0) - (b->failed > 0);
    if (order == 0 && sweep->by != MB_SWEEP_BY_NOTHING)
        order = (a_rung < b_rung) - (a_rung > b_rung);
    if (order == 0 && sweep->by == MB_SWEEP_BY_ACCURACY)
        order = compare_values(-a->validation_accuracy, -b->validation_accuracy);
    if (order == 0 && sweep->by == MB_SWEEP_BY_LOSS)
        order = compare_values(a->validation_loss, b->validation_loss);
    return order != 0 ? order : (a->first > b->first) - (a->first < b->first);
}

mb_status mb_sweep_rank(const mb_sweep *sweep, bool each_run, mb_sweep_configuration **ranked,
                        size_t *count, mb_error *error)
{
    mb_sweep_configuration *list = calloc(sweep->run_count + 1, sizeof *list);
    mb_sweep context = *sweep;
    size_t found = 0;
    if (list == NULL)
        return mb_fail_memory(error, "sweep", sweep->run_count * sizeof *list);
    for (size_t i = 0; i < sweep->run_count; i++) {
        size_t known = each_run ? found : 0;
        while (known < found &&
               !is_same_configuration(sweep, &sweep->runs[list[known].first], &sweep->runs[i]))
            known++;
        if (known == found)
            list[found++] = summarize(sweep, i, each_run ? i + 1 : sweep->run_count);
    }
    *count = 0;
    for (size_t i = 0; i < found; i++)
        if (list[i].finished + list[i].failed > 0)
            list[(*count)++] = list[i];
    qsort_r(list, *count, sizeof *list, compare, &context);
    *ranked = list;
    return MB_OK;
}

char *mb_sweep_describe(const mb_sweep *sweep, const mb_sweep_run *run, bool configuration,
                        char *text, size_t size)
{
    char one[512];
    *text = '\0';
    for (size_t i = 0; i < sweep->option_count; i++) {
        if (configuration && is_seed(sweep, i))
            continue;
        snprintf(one, sizeof one, "%s %s", sweep->options[i], run->values[i]);
        mb_append(text, size, ", ", one);
    }
    return text;
}

/* ---- the folder ---- */

/* Options of a command, after the program's name, which depends on how it was started. */
static const char *options_of(const char *command)
{
    const char *blank = strchr(command, ' ');
    return blank != NULL ? blank : command;
}

static mb_status write_command(const char *folder, const char *command, mb_error *error)
{
    json_t *object =
        json_pack("{s:s, s:o}", "version", mb_version(), "command", mb_json_text(command));
    char *text = object != NULL ? json_dumps(object, JSON_INDENT(1)) : NULL;
    json_decref(object);
    if (text == NULL)
        return mb_fail_memory(error, "sweep.json", strlen(command));
    const mb_bytes bytes = {(uint8_t *)text, strlen(text)};
    const mb_status status = mb_file_write_in(folder, "sweep.json", &bytes, error);
    free(text);
    return status;
}

mb_status mb_sweep_claim(const char *folder, const char *command, mb_error *error)
{
    mb_bytes bytes = {0};
    json_error_t why;
    char *path = mb_path_join(folder, "sweep.json");
    if (path == NULL)
        return mb_fail_memory(error, folder, strlen(folder));
    const bool exists = access(path, F_OK) == 0;
    mb_status status = exists ? mb_file_read(path, MAX_FILE, &bytes, error)
                              : write_command(folder, command, error);
    if (!exists || status != MB_OK) {
        free(path);
        return status;
    }
    json_t *object = mb_json_load(bytes.data, bytes.size, 0, &why);
    const char *held = json_string_value(json_object_get(object, "command"));
    if (object == NULL && mb_json_out_of_memory(&why))
        status = mb_fail_memory(error, path, bytes.size);
    else if (held == NULL)
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: is not that of a sweep", path);
    else if (strcmp(options_of(held), options_of(command)) != 0)
        status =
            mb_fail(error, MB_ERROR_INVALID,
                    "%s: has another sweep, %s; --out DIR chooses another folder", folder, held);
    json_decref(object);
    free(bytes.data);
    free(path);
    return status;
}

static void read_result(const mb_run *result, mb_sweep_run *run)
{
    run->state = MB_SWEEP_FINISHED;
    run->failure = NULL;
    run->epochs = result->history->finished;
    run->validation_accuracy = result->selected->validation_accuracy;
    run->validation_loss = result->selected->validation_loss;
    run->seconds = 0.0;
    for (size_t i = 0; i < result->history->finished; i++)
        run->seconds += result->history->epochs[i].seconds;
}

mb_status mb_sweep_read_run(const char *folder, const char *command, mb_sweep_run *run,
                            mb_error *error)
{
    mb_stored_run *stored = NULL;
    char *path = mb_path_join(folder, run->name);
    char *page = path != NULL ? mb_path_join(path, "report.html") : NULL;
    mb_status status = page != NULL ? mb_stored_run_read(path, &stored, error)
                                    : mb_fail_memory(error, folder, strlen(run->name));
    if (status == MB_OK && stored->run.interrupted == NULL && stored->run.command != NULL &&
        strcmp(options_of(stored->run.command), options_of(command)) == 0) {
        read_result(&stored->run, run);
        run->has_report = access(page, F_OK) == 0;
    }
    mb_stored_run_close(stored);
    free(path);
    free(page);
    return status == MB_ERROR_MEMORY ? status : MB_OK;
}

/* ---- the table ---- */

static void put_number(FILE *out, double value)
{
    if (isnan(value))
        putc(',', out);
    else
        fprintf(out, ",%.9g", value);
}

static void put_run(FILE *out, const mb_sweep *sweep, const mb_sweep_run *run)
{
    mb_csv_put_text(out, run->name);
    for (size_t i = 0; i < sweep->option_count; i++) {
        putc(',', out);
        mb_csv_put_text(out, run->values[i]);
    }
    if (run->state == MB_SWEEP_FAILED) {
        fputs(",failed,,,,,", out);
        mb_csv_put_text(out, run->failure != NULL ? run->failure : "");
    } else {
        fprintf(out, ",finished,%zu", run->epochs);
        put_number(out, run->validation_accuracy);
        put_number(out, run->validation_loss);
        put_number(out, run->seconds);
        putc(',', out);
    }
    putc('\n', out);
}

mb_status mb_sweep_write(const mb_sweep *sweep, const char *folder, mb_error *error)
{
    mb_bytes bytes = {0};
    FILE *out = mb_memory_stream_open(&bytes);
    if (out != NULL) {
        fputs("run", out);
        for (size_t i = 0; i < sweep->option_count; i++)
            fprintf(out, ",%s", sweep->options[i]);
        fputs(",state,epochs_trained,validation_accuracy,validation_loss,seconds,failure\n", out);
        for (size_t i = 0; i < sweep->run_count; i++)
            if (sweep->runs[i].state != MB_SWEEP_WAITING)
                put_run(out, sweep, &sweep->runs[i]);
    }
    if (!mb_memory_stream_close(out, &bytes))
        return mb_fail_memory(error, "sweep.csv", 64 * sweep->run_count);
    const mb_status status = mb_file_write_in(folder, "sweep.csv", &bytes, error);
    free(bytes.data);
    return status;
}
