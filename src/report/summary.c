#include "report/summary.h"

#include "core/memory_stream.h"
#include "core/spread.h"
#include "report/format.h"
#include "report/json.h"
#include "report/scores.h"

#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <mnist_blas/options.h>
#include <stdlib.h>
#include <string.h>

mb_status mb_run_sum_up(const mb_run *run, mb_run_totals *totals, mb_error *error)
{
    const size_t epochs = run->history->finished;
    double *speeds = calloc(epochs > 0 ? epochs : 1, sizeof *speeds);
    if (speeds == NULL)
        return mb_fail_memory(error, "summary", epochs * sizeof *speeds);
    *totals = (mb_run_totals){0.0, NAN, NAN, NAN};
    for (size_t i = 0; i < epochs; i++) {
        totals->seconds += run->history->epochs[i].seconds;
        speeds[i] = run->history->epochs[i].samples_per_second;
    }
    if (epochs > 0) {
        const mb_spread spread = mb_spread_of(speeds, epochs);
        totals->min_speed = spread.min;
        totals->median_speed = spread.median;
        totals->max_speed = spread.max;
    }
    free(speeds);
    return MB_OK;
}

char *mb_run_length(const mb_run *run, char text[MB_RUN_LENGTH])
{
    char epochs[MB_COUNTED_LENGTH], best[MB_COUNT_LENGTH];
    mb_format_counted(epochs, run->history->finished, "epoch");
    if (run->selected == NULL || run->selected->epoch == run->history->finished)
        snprintf(text, MB_RUN_LENGTH, "%s", epochs);
    else
        snprintf(text, MB_RUN_LENGTH, "%s (epoch %s is the best)", epochs,
                 mb_format_count(best, run->selected->epoch));
    return text;
}

static json_t *option_value(const mb_option *option, const void *options)
{
    const void *value = mb_option_value(option, options);
    char text[MB_OPTION_TEXT_SIZE];
    switch (option->kind) {
    case MB_OPTION_FLAG:
        return json_boolean(*(const bool *)value);
    case MB_OPTION_SIZE:
        return json_integer((json_int_t) * (const size_t *)value);
    case MB_OPTION_AMOUNT:
        mb_option_format(option, options, text, sizeof text);
        return strchr(text, '%') == NULL ? json_integer((json_int_t) * (const size_t *)value)
                                         : json_string(text);
    case MB_OPTION_UINT64:
        return json_integer((json_int_t) * (const uint64_t *)value);
    case MB_OPTION_REAL:
        return json_real(*(const double *)value);
    default:
        return json_string(mb_option_format(option, options, text, sizeof text));
    }
}

/* All options; null for those without an effect on the run. */
static json_t *options_of(const mb_training_options *options)
{
    json_t *all = json_object();
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
        char key[MB_OPTION_TEXT_SIZE];
        all = mb_json_merge(all, json_pack("{s:o}", mb_option_key(option, key),
                                           mb_option_applies(option, options)
                                               ? option_value(option, options)
                                               : json_null()));
    }
    return all;
}

/* Those that are not the defaults. The names of the classes are in the model. */
static json_t *reading_of(const mb_data_options *reading)
{
    json_t *all = json_object();
    for (const mb_option *option = mb_data_option_table; option->name != NULL; option++) {
        char key[MB_OPTION_TEXT_SIZE];
        if (option->kind != MB_OPTION_TEXT && !mb_data_option_is_default(option, reading))
            all = mb_json_merge(
                all, json_pack("{s:o}", mb_option_key(option, key), option_value(option, reading)));
    }
    return all;
}

/* NaN without label smoothing: it is the training loss. */
static double excess_of(const mb_epoch_metrics *epoch)
{
    return epoch->train_excess_loss != epoch->train_loss ? epoch->train_excess_loss : NAN;
}

static json_t *add_losses(json_t *object, const mb_epoch_metrics *epoch)
{
    if (!isnan(epoch->validation_accuracy))
        object = mb_json_merge(
            object, json_pack("{s:o}", "validation_loss", mb_json_real(epoch->validation_loss)));
    return mb_json_merge(object, json_pack("{s:o}", "test_loss", mb_json_real(epoch->test_loss)));
}

/* Losses of the epoch that gives the results. */
static json_t *losses_of(const mb_epoch_metrics *selected)
{
    if (selected == NULL)
        return json_pack("{s:n, s:n}", "final_train_excess_loss", "test_loss");
    return add_losses(
        mb_json_add_real(json_object(), "final_train_excess_loss", excess_of(selected)), selected);
}

/* The results, the number of epochs that are finished among them in place of the option; null for
 * what an interrupted run without an epoch does not have. */
static json_t *results_of(const mb_run *run, const mb_run_totals *totals)
{
    static const mb_epoch_metrics none = {
        .train_loss = NAN, .test_accuracy = NAN, .validation_accuracy = NAN};
    const mb_epoch_metrics *selected = run->selected != NULL ? run->selected : &none;
    json_t *results =
        json_pack("{s:I, s:I, s:o, s:o, s:f, s:{s:o, s:o, s:o}}", "epochs_requested",
                  (json_int_t)run->options->epochs, "epochs", (json_int_t)run->history->finished,
                  "final_train_loss", mb_json_real(selected->train_loss), "test_accuracy",
                  mb_json_real(selected->test_accuracy), "train_seconds", totals->seconds,
                  "samples_per_second", "min", mb_json_real(totals->min_speed), "median",
                  mb_json_real(totals->median_speed), "max", mb_json_real(totals->max_speed));
    results = mb_json_add_real(results, "validation_accuracy", selected->validation_accuracy);
    if (run->options->patience == 0 || run->selected == NULL)
        return results;
    return mb_json_merge(results, json_pack("{s:I}", "best_epoch", (json_int_t)selected->epoch));
}

/* Only of a run with a temperature: what it changed. The losses are those of the network that is
 * saved, no longer of its epoch. */
static json_t *calibration_of(const mb_run *run)
{
    const mb_calibration *calibration = run->calibration;
    const mb_evaluation *evaluation = run->evaluation;
    if (!run->options->temperature || calibration == NULL)
        return json_object();
    json_t *all =
        json_pack("{s:f, s:{s:f, s:f, s:f, s:f}}", "validation_loss", calibration->loss,
                  "calibration", "temperature", calibration->temperature, "validation_loss_before",
                  calibration->loss_before, "validation_calibration_error_before",
                  calibration->error_before, "validation_calibration_error", calibration->error);
    if (evaluation == NULL)
        return all;
    return mb_json_merge(all, json_pack("{s:f, s:f}", "test_accuracy", evaluation->accuracy,
                                        "test_loss", evaluation->loss));
}

/* Only of a run that has checkpoints, or was interrupted. */
static json_t *events_of(const mb_run *run)
{
    const mb_checkpoint_costs *checkpoints = run->checkpoints;
    const mb_run_position *interrupted = run->interrupted;
    json_t *events = json_object();
    if (checkpoints != NULL)
        events = mb_json_merge(events, json_pack("{s:{s:I, s:f, s:f}}", "checkpoints", "written",
                                                 (json_int_t)checkpoints->written,
                                                 "held_seconds_max", checkpoints->seconds_max,
                                                 "held_seconds_sum", checkpoints->seconds_sum));
    if (interrupted != NULL)
        events = mb_json_merge(events, json_pack("{s:{s:I, s:I}}", "interrupted_at", "epoch",
                                                 (json_int_t)interrupted->epoch, "step",
                                                 (json_int_t)interrupted->step));
    return events;
}

static json_t *machine_facts(const mb_machine_info *machine)
{
    json_t *facts =
        json_pack("{s:o, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "cpu", mb_json_text(machine->cpu),
                  "cores", (json_int_t)machine->cores, "cores_allowed",
                  (json_int_t)machine->cores_allowed, "threads_from", machine->threads_from,
                  "pin_policy", machine->pin_policy, "blas_version", machine->blas_version,
                  "blas_threading", machine->blas_threading, "cpu_level", machine->cpu_level);
    return mb_json_add_real(facts, "quota", machine->quota > 0.0 ? machine->quota : NAN);
}

/* The training loss by steps, as mb_loss_curve has it. */
static json_t *curve_object(const mb_loss_curve *curve)
{
    json_t *means = json_array();
    for (size_t i = 0; i < mb_loss_curve_points(curve); i++)
        means = mb_json_append(means, json_real(mb_loss_curve_mean(curve, i)));
    return json_pack("{s:I, s:I, s:o}", "steps", (json_int_t)curve->steps, "steps_per_point",
                     (json_int_t)curve->stride, "means", means);
}

/* What a report needs besides the model, and a reader of the file hardly. */
static json_t *records_of(const mb_run *run)
{
    return json_pack("{s:o, s:o, s:o}", "machine", machine_facts(run->machine), "command",
                     run->command != NULL ? mb_json_text(run->command) : json_null(), "loss_curve",
                     curve_object(&run->history->curve));
}

/* Only of images that are standardized. */
static json_t *standardization_of(const mb_network *network)
{
    const mb_image_form form = mb_network_form(network);
    json_t *mean = json_array(), *std = json_array();
    for (size_t c = 0; c < mb_network_input(network).channels; c++) {
        mean = mb_json_append(mean, json_real(form.standardization.mean[c % MB_MAX_CHANNELS]));
        std = mb_json_append(std, json_real(form.standardization.std[c % MB_MAX_CHANNELS]));
    }
    json_t *both = json_pack("{s:{s:o, s:o}}", "standardization", "mean", mean, "std", std);
    if (both != NULL && !mb_form_is_standardized(&form))
        json_object_clear(both);
    return both;
}

/* Numbers of images, and their size. */
static json_t *images_of(const mb_run *run)
{
    const mb_images *train = &run->dataset->train.images, *test = &run->dataset->test.images;
    const size_t held_out = mb_validation_count(run->options, run->dataset);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "training_images",
                     (json_int_t)(train->count - held_out), "validation_images",
                     (json_int_t)held_out, "test_images", (json_int_t)test->count, "channels",
                     (json_int_t)test->channels, "rows", (json_int_t)test->rows, "columns",
                     (json_int_t)test->columns, "classes", (json_int_t)run->dataset->classes);
}

json_t *mb_summary_object(const mb_run *run)
{
    const char *const *names = mb_network_class_names(run->network);
    const char *folder = run->dataset->folder;
    mb_run_totals totals;
    if (mb_run_sum_up(run, &totals, NULL) != MB_OK)
        return NULL;
    json_t *summary = json_pack("{s:s, s:o, s:s, s:I, s:I, s:o}", "version", mb_version(), "data",
                                mb_json_text(folder != NULL ? folder : "synthetic"), "network",
                                mb_network_spec(run->network), "parameters",
                                (json_int_t)mb_network_parameter_count(run->network), "threads",
                                (json_int_t)run->machine->threads, "blas_core",
                                mb_json_text(run->machine->blas_core));
    if (run->machine->ranks > 1)
        summary =
            mb_json_merge(summary, json_pack("{s:I}", "ranks", (json_int_t)run->machine->ranks));
    const mb_ground ground = mb_network_form(run->network).ground;
    if (ground != MB_GROUND_DARK)
        summary = mb_json_merge(summary,
                                json_pack("{s:s}", "ground", mb_ground_names.values[ground].name));
    summary = mb_json_merge(summary, standardization_of(run->network));
    summary = mb_json_merge(summary, images_of(run));
    if (run->reading != NULL)
        summary = mb_json_merge(summary, reading_of(run->reading));
    summary = mb_json_merge(summary, options_of(run->options));
    summary = mb_json_merge(summary, results_of(run, &totals));
    summary = mb_json_merge(summary, losses_of(run->selected));
    summary = mb_json_merge(summary, calibration_of(run));
    summary = mb_json_merge(summary, events_of(run));
    summary = mb_json_merge(summary, records_of(run));
    if (run->evaluation != NULL)
        return mb_json_merge(summary, mb_scores_object(run->evaluation, names));
    return names != NULL
               ? mb_json_merge(summary, json_pack("{s:o}", "class_names",
                                                  mb_json_texts(names, run->dataset->classes)))
               : summary;
}

json_t *mb_metrics_object(const mb_epoch_metrics *epoch)
{
    json_t *object = json_pack("{s:I, s:f, s:f}", "epoch", (json_int_t)epoch->epoch, "train_loss",
                               epoch->train_loss, "train_accuracy", epoch->train_accuracy);
    object = mb_json_add_real(object, "validation_accuracy", epoch->validation_accuracy);
    object = mb_json_merge(object, json_pack("{s:f, s:f, s:I, s:f, s:f, s:f}", "test_accuracy",
                                             epoch->test_accuracy, "lr", epoch->lr, "threads",
                                             (json_int_t)epoch->threads, "seconds", epoch->seconds,
                                             "samples_per_second", epoch->samples_per_second,
                                             "gflops", epoch->gflops));
    object = mb_json_add_real(object, "train_excess_loss", excess_of(epoch));
    return add_losses(object, epoch);
}

static int print_summary(const mb_run *run, FILE *out)
{
    json_t *object = mb_summary_object(run);
    const int failed = object == NULL || mb_json_print(object, out) != 0;
    json_decref(object);
    return failed;
}

static int print_metrics(const mb_history *history, FILE *out)
{
    int failed = 0;
    for (size_t i = 0; i < history->finished && !failed; i++) {
        json_t *object = mb_metrics_object(&history->epochs[i]);
        failed = object == NULL ||
                 json_dumpf(object, out, JSON_REAL_PRECISION(MB_JSON_DIGITS)) != 0 ||
                 fputc('\n', out) == EOF;
        json_decref(object);
    }
    return failed;
}

/* Writes a file with the summary, or with a line per epoch. */
static mb_status write_file(const mb_run *run, const char *folder, const char *name, bool lines,
                            mb_error *error)
{
    mb_bytes text;
    FILE *out = mb_memory_stream_open(&text);
    int failed = out == NULL;
    if (!failed)
        failed = lines ? print_metrics(run->history, out) : print_summary(run, out);
    failed |= !mb_memory_stream_close(out, &text);
    const mb_status status =
        failed ? mb_fail_memory(error, name, BUFSIZ) : mb_file_write_in(folder, name, &text, error);
    free(text.data);
    return status;
}

mb_status mb_summary_write(const mb_run *run, const char *folder, mb_error *error)
{
    return write_file(run, folder, "summary.json", false, error);
}

mb_status mb_metrics_write(const mb_run *run, const char *folder, mb_error *error)
{
    return write_file(run, folder, "metrics.jsonl", true, error);
}
