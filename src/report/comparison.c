/* Results of runs side by side, and the options that differ. */
#include "report/comparison.h"

#include "core/util.h"
#include "report/format.h"
#include "report/stored_run.h"

#include <math.h>
#include <mnist_blas/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef mb_comparison_storage storage;

enum { MAX_TEXT = 4096 }; /* bytes of a value */

/* How the values of a column are shown; seconds have the decimals that the smallest of them needs.
 */
typedef enum value_format { PERCENT, LOSS, SECONDS, COUNT, OPTION } value_format;

/* A column, and where summary.json has its values: as `key`, or as `member` of that object. */
typedef struct column_spec {
    const char *key, *member, *label;
    value_format format;
    bool descending;
    bool dependent; /* an option that has no effect, and null, with some values of another one */
} column_spec;

static const column_spec results[] = {
    {"test_accuracy", NULL, "accuracy %", PERCENT, true, false},
    {"validation_accuracy", NULL, "validation %", PERCENT, true, false},
    {"test_loss", NULL, "loss", LOSS, false, false},
    {"train_seconds", NULL, "seconds", SECONDS, false, false},
    {"samples_per_second", "median", "samples/s", COUNT, true, false},
    {"parameters", NULL, "parameters", COUNT, false, false}};

/* What a run is given that is in no table of options. */
static const column_spec inputs[] = {
    {"data", NULL, "data", OPTION, false, false},
    {"network", NULL, "network", OPTION, false, false},
    {"ground", NULL, "ground", OPTION, false, false},
    {"standardization", NULL, "standardize", OPTION, false, false}};
static const column_spec environment[] = {
    {"ranks", NULL, "ranks", OPTION, false, false},
    {"threads", NULL, "threads", OPTION, false, false},
    {"blas_core", NULL, "OpenBLAS kernels", OPTION, false, false},
    {"version", NULL, "version", OPTION, false, false}};

static const json_t *value_of(const mb_stored_run *run, const column_spec *spec)
{
    const json_t *value = json_object_get(mb_stored_run_summary(run), spec->key);
    value = spec->member != NULL ? json_object_get(value, spec->member) : value;
    return json_is_null(value) ? NULL : value;
}

static void format_value(const json_t *value, value_format format, double min, char *text,
                         size_t size)
{
    const double number = json_number_value(value);
    char count[MB_COUNT_LENGTH];
    if (format == PERCENT)
        snprintf(text, size, "%.2f", 100.0 * number);
    else if (format == LOSS)
        snprintf(text, size, number < 0.001 ? "%.2e" : "%.4f", number);
    else if (format == SECONDS)
        snprintf(text, size, "%.*f", mb_decimals(min, 3), number);
    else if (format == COUNT && number >= 0.0 && number < 1e18)
        snprintf(text, size, "%s", mb_format_count(count, (size_t)(number + 0.5)));
    else if (json_is_object(value)) /* of the standardization */
        snprintf(text, size, "on");
    else if (json_is_boolean(value))
        snprintf(text, size, "%s", json_is_true(value) ? "on" : "off");
    else
        snprintf(text, size, "%.*g", json_is_integer(value) ? 20 : 6, number);
}

/* The texts of a column; incomplete if memory is out, which the arena tells. */
static const char *const *make_texts(storage *s, const json_t *const *values, value_format format)
{
    const size_t runs = s->comparison.runs;
    const char **texts = mb_arena_alloc(&s->arena, runs, sizeof *texts);
    double min = INFINITY;
    for (size_t i = 0; i < runs; i++)
        min = values[i] != NULL ? fmin(min, json_number_value(values[i])) : min;
    for (size_t i = 0; i < runs && texts != NULL; i++) {
        char text[MAX_TEXT] = "-";
        if (json_is_string(values[i]))
            mb_printable(json_string_value(values[i]), text, sizeof text);
        else if (values[i] != NULL)
            format_value(values[i], format, min, text, sizeof text);
        texts[i] = mb_arena_strdup(&s->arena, text);
    }
    return texts;
}

/* True if two runs have different values; null is one unless the option is dependent, of which the
 * other option tells. */
static bool differ(const json_t *const *values, size_t runs, bool dependent)
{
    const json_t *one = NULL;
    size_t count = 0, different = 0;
    for (size_t i = 0; i < runs; i++) {
        one = one == NULL ? values[i] : one;
        count += values[i] != NULL;
        different += values[i] != NULL && !json_equal(values[i], one);
    }
    return different > 0 || (!dependent && count > 0 && count < runs);
}

/* Adds a column, unless it is of a result that no run has, or of an option that is the same in all.
 */
static void add_column(storage *s, const column_spec *spec)
{
    const size_t runs = s->comparison.runs, index = s->comparison.value_count;
    const json_t **values = mb_arena_alloc(&s->arena, runs, sizeof *values);
    bool has_value = false;
    for (size_t i = 0; i < runs && values != NULL; i++) {
        values[i] = value_of(s->runs[i], spec);
        has_value |= values[i] != NULL;
    }
    if (!has_value || (spec->format == OPTION && !differ(values, runs, spec->dependent)))
        return;
    s->columns[index] = (mb_value_column){values, spec->descending};
    s->values[index] =
        (mb_compared_value){mb_arena_strdup(&s->arena, spec->key), spec->label,
                            spec->format == OPTION, make_texts(s, values, spec->format)};
    s->comparison.value_count++;
}

static void add_columns(storage *s, const column_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_column(s, &specs[i]);
}

/* Summaries have no options that are texts: their "class_names" are the names themselves. */
static void add_options(storage *s, const mb_option *table)
{
    for (const mb_option *option = table; option->name != NULL; option++) {
        char key[MB_OPTION_TEXT_SIZE];
        const bool is_epochs = strcmp(mb_option_key(option, key), "epochs") == 0;
        if (option->kind != MB_OPTION_TEXT)
            add_column(s, &(column_spec){is_epochs ? "epochs_requested" : key, NULL, option->name,
                                         OPTION, false, option->needs != NULL});
    }
}

static size_t count_options(const mb_option *table)
{
    size_t count = 0;
    while (table[count].name != NULL)
        count++;
    return count;
}

/* ---- opening ---- */

static mb_status set_runs(storage *s, const mb_stored_run *const *runs, const char *const *names,
                          mb_error *error)
{
    const size_t count = s->comparison.runs;
    const char **copies = mb_arena_alloc(&s->arena, count, sizeof *copies);
    s->runs = mb_arena_alloc(&s->arena, count, sizeof *s->runs);
    s->pairs = mb_arena_alloc(&s->arena, count, sizeof *s->pairs);
    s->excluded = mb_arena_alloc(&s->arena, count, sizeof *s->excluded);
    s->predictions = mb_arena_alloc(&s->arena, count, sizeof *s->predictions);
    for (size_t i = 0; i < count && s->predictions != NULL; i++) {
        s->runs[i] = runs[i];
        copies[i] = mb_arena_strdup(&s->arena, names[i]);
        if (runs[i]->run.interrupted != NULL)
            s->excluded[i] = "the run was stopped: its model is none of a finished epoch";
    }
    s->comparison.names = copies;
    s->comparison.pairs = s->pairs;
    s->comparison.excluded = s->excluded;
    return mb_arena_status(&s->arena, "comparison", error);
}

static mb_status set_values(storage *s, mb_error *error)
{
    const size_t max = MB_COUNT_OF(results) + MB_COUNT_OF(inputs) + MB_COUNT_OF(environment) +
                       count_options(mb_data_option_table) +
                       count_options(mb_training_option_table);
    s->columns = mb_arena_alloc(&s->arena, max, sizeof *s->columns);
    s->values = mb_arena_alloc(&s->arena, max, sizeof *s->values);
    s->comparison.values = s->values;
    mb_status status = mb_arena_status(&s->arena, "comparison", error);
    if (status != MB_OK)
        return status;
    add_columns(s, results, MB_COUNT_OF(results));
    add_columns(s, inputs, MB_COUNT_OF(inputs));
    add_options(s, mb_data_option_table);
    add_options(s, mb_training_option_table);
    add_columns(s, environment, MB_COUNT_OF(environment));
    return mb_arena_status(&s->arena, "comparison", error);
}

mb_status mb_comparison_open(const mb_stored_run *const *runs, const char *const *names,
                             size_t count, mb_comparison **comparison, mb_error *error)
{
    if (count < 2)
        return mb_fail(error, MB_ERROR_INVALID, "comparison: needs at least 2 runs, got %zu",
                       count);
    storage *s = calloc(1, sizeof *s);
    if (s == NULL)
        return mb_fail_memory(error, "comparison", sizeof *s);
    s->comparison = (mb_comparison){.runs = count, .storage = s};
    mb_status status = set_runs(s, runs, names, error);
    if (status == MB_OK)
        status = set_values(s, error);
    if (status == MB_OK)
        *comparison = &s->comparison;
    else
        mb_comparison_close(&s->comparison);
    return status;
}

void mb_comparison_close(mb_comparison *comparison)
{
    if (comparison == NULL)
        return;
    mb_arena_free(&comparison->storage->arena);
    free(comparison->storage);
}
