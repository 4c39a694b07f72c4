#include "report/summary.h"

#include "core/file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double mb_run_seconds(const mb_run *run)
{
    double seconds = 0.0;
    for (size_t i = 0; i < run->options->epochs; i++)
        seconds += run->epochs[i].seconds;
    return seconds;
}

char *mb_format_run_length(const mb_run *run, char text[MB_RUN_LENGTH])
{
    char epochs[MB_COUNTED_LENGTH], kept[MB_COUNT_LENGTH];
    mb_format_counted(epochs, run->options->epochs, "epoch");
    if (run->selected == NULL || run->selected->epoch == run->options->epochs)
        snprintf(text, MB_RUN_LENGTH, "%s", epochs);
    else
        snprintf(text, MB_RUN_LENGTH, "%s (epoch %s is kept)", epochs,
                 mb_format_count(kept, run->selected->epoch));
    return text;
}

mb_status mb_run_speed(const mb_run *run, mb_spread *speed, mb_error *error)
{
    const size_t n = run->options->epochs;
    *speed = (mb_spread){NAN, NAN, NAN};
    if (n == 0)
        return MB_OK;
    double *values = malloc(n * sizeof *values);
    if (values == NULL)
        return mb_fail_memory(error, "summary", n * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = run->epochs[i].samples_per_second;
    *speed = mb_spread_of(values, n);
    free(values);
    return MB_OK;
}

/* JSON is UTF-8; bytes of a folder's name that are not become '?'. */
static json_t *text_of(const char *text)
{
    json_t *string = json_string(text);
    char *copy = string == NULL ? strdup(text) : NULL;
    if (copy == NULL)
        return string;
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c > 127)
            *c = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

/* Which kind, and the strengths that play a part. */
static void add_augmentation(const mb_augmentation *augmentation, json_t *summary)
{
    json_object_set_new(summary, "augment", json_string(mb_augmentation_name(augmentation->kind)));
    if (augmentation->kind == MB_AUGMENT_NONE)
        return;
    json_object_set_new(summary, "rotate", json_real(augmentation->rotate));
    json_object_set_new(summary, "scale", json_real(augmentation->scale));
    json_object_set_new(summary, "shear", json_real(augmentation->shear));
    json_object_set_new(summary, "shift", json_real(augmentation->shift));
    if (augmentation->kind == MB_AUGMENT_ELASTIC) {
        json_object_set_new(summary, "elastic_alpha", json_real(augmentation->elastic_alpha));
        json_object_set_new(summary, "elastic_sigma", json_real(augmentation->elastic_sigma));
    }
    if (augmentation->plain_epochs > 0)
        json_object_set_new(summary, "plain_epochs",
                            json_integer((json_int_t)augmentation->plain_epochs));
}

/* JSON has no NaN. */
static json_t *number_of(double value) { return isnan(value) ? json_null() : json_real(value); }

static void add_results(json_t *summary, const mb_run *run, const mb_spread *speed)
{
    const mb_epoch_metrics none = {
        .train_loss = NAN, .test_accuracy = NAN, .validation_accuracy = NAN};
    const mb_epoch_metrics *kept = run->selected != NULL ? run->selected : &none;
    json_object_set_new(summary, "final_train_loss", number_of(kept->train_loss));
    json_object_set_new(summary, "test_accuracy", number_of(kept->test_accuracy));
    json_object_set_new(summary, "train_seconds", json_real(mb_run_seconds(run)));
    json_object_set_new(summary, "samples_per_second",
                        json_pack("{s:o, s:o, s:o}", "min", number_of(speed->min), "median",
                                  number_of(speed->median), "max", number_of(speed->max)));
    if (!isnan(kept->validation_accuracy))
        json_object_set_new(summary, "validation_accuracy", json_real(kept->validation_accuracy));
    if (run->options->patience == 0)
        return;
    json_object_set_new(summary, "patience", json_integer((json_int_t)run->options->patience));
    if (run->selected != NULL)
        json_object_set_new(summary, "best_epoch", json_integer((json_int_t)run->selected->epoch));
}

/* Where there is something to tell of checkpoints and signals. */
static void add_events(json_t *summary, const mb_run *run)
{
    const mb_checkpoint_costs *costs = run->checkpoints;
    if (costs != NULL)
        json_object_set_new(summary, "checkpoints",
                            json_pack("{s:I, s:f, s:f}", "written", (json_int_t)costs->written,
                                      "held_seconds_max", costs->seconds_max, "held_seconds_sum",
                                      costs->seconds_sum));
    if (run->interrupted != NULL)
        json_object_set_new(summary, "interrupted_at",
                            json_pack("{s:I, s:I}", "epoch", (json_int_t)run->interrupted->epoch,
                                      "step", (json_int_t)run->interrupted->step));
}

static json_t *summary_object(const mb_run *run, const mb_spread *speed)
{
    const mb_training_options *options = run->options;
    json_t *summary =
        json_pack("{s:o, s:s, s:I, s:I, s:I, s:s, s:s, s:f, s:f, s:I, s:I, s:o}", "data",
                  text_of(run->data != NULL ? run->data : "synthetic"), "network",
                  mb_network_spec(run->network), "parameters",
                  (json_int_t)mb_network_parameter_count(run->network), "epochs",
                  (json_int_t)options->epochs, "batch_size", (json_int_t)options->batch_size,
                  "optimizer", mb_optimizer_name(options->optimizer), "schedule",
                  mb_schedule_name(options->schedule), "lr", options->lr, "weight_decay",
                  options->weight_decay, "seed", (json_int_t)options->seed, "threads",
                  (json_int_t)run->machine->threads, "blas_core", text_of(run->machine->blas_core));
    if (summary == NULL)
        return NULL;
    if (options->label_smoothing > 0.0)
        json_object_set_new(summary, "label_smoothing", json_real(options->label_smoothing));
    if (options->ema > 0.0)
        json_object_set_new(summary, "ema", json_real(options->ema));
    add_augmentation(&options->augmentation, summary);
    add_results(summary, run, speed);
    add_events(summary, run);
    return summary;
}

static json_t *epoch_object(const mb_epoch_metrics *epoch)
{
    json_t *object = json_pack(
        "{s:I, s:f, s:f, s:f, s:f, s:I, s:f, s:f, s:f}", "epoch", (json_int_t)epoch->epoch,
        "train_loss", epoch->train_loss, "train_accuracy", epoch->train_accuracy, "test_accuracy",
        epoch->test_accuracy, "lr", epoch->lr, "threads", (json_int_t)epoch->threads, "seconds",
        epoch->seconds, "samples_per_second", epoch->samples_per_second, "gflops", epoch->gflops);
    if (object != NULL && !isnan(epoch->validation_accuracy))
        json_object_set_new(object, "validation_accuracy", json_real(epoch->validation_accuracy));
    return object;
}

static mb_status write_text(const char *folder, const char *name, char *text, mb_error *error)
{
    return mb_file_write_in(folder, name, &(mb_bytes){(uint8_t *)text, strlen(text)}, error);
}

mb_status mb_summary_write(const mb_run *run, const char *folder, mb_error *error)
{
    mb_spread speed;
    mb_status status = mb_run_speed(run, &speed, error);
    if (status != MB_OK)
        return status;
    json_t *summary = summary_object(run, &speed);
    char *text = summary != NULL
                     ? json_dumps(summary, JSON_INDENT(2) | JSON_REAL_PRECISION(MB_SUMMARY_DIGITS))
                     : NULL;
    char *line = NULL;
    if (text == NULL || asprintf(&line, "%s\n", text) < 0)
        status = mb_fail_memory(error, "summary", sizeof *run);
    else
        status = write_text(folder, "summary.json", line, error);
    free(line);
    free(text);
    json_decref(summary);
    return status;
}

static int print_epochs(const mb_run *run, FILE *out)
{
    int failed = 0;
    for (size_t i = 0; i < run->options->epochs && !failed; i++) {
        json_t *object = epoch_object(&run->epochs[i]);
        failed = object == NULL ||
                 json_dumpf(object, out, JSON_REAL_PRECISION(MB_SUMMARY_DIGITS)) != 0 ||
                 fputc('\n', out) == EOF;
        json_decref(object);
    }
    return failed;
}

mb_status mb_metrics_write(const mb_run *run, const char *folder, mb_error *error)
{
    char *text = NULL;
    size_t size = 0;
    mb_status status = MB_OK;
    FILE *out = open_memstream(&text, &size);
    int failed = out == NULL || print_epochs(run, out);
    failed |= out != NULL && fclose(out) != 0;
    if (failed)
        status = mb_fail_memory(error, "metrics", size);
    else
        status = write_text(folder, "metrics.jsonl", text, error);
    free(text);
    return status;
}
