/* sweep.html. */
#include "core/features.h"
#include "core/file.h"
#include "report/format.h"
#include "report/json.h"
#include "report/page.h"
#include "report/sweep_effect.h"
#include "report/template.h"

#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_TEXT = 24 }; /* is broken into lines in a table */

/* sweep.html, ended by a 0. */
extern const char mb_sweep_template[];

static bool is_seed(const char *option) { return strcmp(option, "seed") == 0; }

/* The names, or one run's values, of the options; without "seed" for a configuration. */
static json_t *cells(const mb_sweep *sweep, const char *const *texts, const char *key,
                     bool configuration)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sweep->option_count; i++)
        if (!configuration || !is_seed(sweep->options[i]))
            list = mb_json_append(
                list, json_pack("{s:s, s:b}", key, texts[i], "long", strlen(texts[i]) > LONG_TEXT));
    return list;
}

static json_t *configuration_row(const mb_sweep *sweep, const mb_sweep_configuration *one,
                                 size_t place)
{
    (void)place;
    const size_t all = one->finished + one->failed;
    return json_pack("{s:o, s:I, s:I, s:b, s:o, s:o, s:o, s:o}", "cells",
                     cells(sweep, sweep->runs[one->first].values, "value", true), "finished",
                     (json_int_t)one->finished, "all", (json_int_t)all, "failed", one->failed > 0,
                     "validation_accuracy", mb_json_real(one->validation_accuracy),
                     "accuracy_deviation", mb_json_real(one->accuracy_deviation), "validation_loss",
                     mb_json_real(one->validation_loss), "seconds", mb_json_real(one->seconds));
}

static json_t *run_row(const mb_sweep *sweep, const mb_sweep_configuration *one, size_t place)
{
    const mb_sweep_run *run = &sweep->runs[one->first];
    const bool failed = run->state == MB_SWEEP_FAILED;
    return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:o}", "place", (json_int_t)place,
                     "name", run->name, "file",
                     run->has_report ? "report.html"
                     : failed        ? ""
                                     : "summary.json",
                     "cells", cells(sweep, run->values, "value", false), "failure",
                     failed ? mb_json_text(run->failure != NULL ? run->failure : "unknown")
                            : json_null(),
                     "validation_accuracy", mb_json_real(one->validation_accuracy),
                     "validation_loss", mb_json_real(one->validation_loss), "epochs",
                     (json_int_t)run->epochs, "seconds", mb_json_real(one->seconds));
}

/* A row of a table, whose place in it counts from 1. */
typedef json_t *row_fn(const mb_sweep *sweep, const mb_sweep_configuration *one, size_t place);

/* The rows of a table; the best configuration goes to *best, and their number to *count, without
 * those of later rungs, which are of the first one too. */
static mb_status rows_of(const mb_sweep *sweep, bool each_run, row_fn *row, json_t **rows,
                         mb_sweep_configuration *best, size_t *count, mb_error *error)
{
    mb_sweep_configuration *ranked = NULL;
    size_t all = 0;
    const mb_status status = mb_sweep_rank(sweep, each_run, &ranked, &all, error);
    *rows = status == MB_OK ? json_array() : NULL;
    *count = 0;
    for (size_t i = 0; status == MB_OK && i < all; i++) {
        *rows = mb_json_append(*rows, row(sweep, &ranked[i], i + 1));
        *count += sweep->runs[ranked[i].first].rung == 0;
    }
    if (status == MB_OK && all > 0)
        *best = ranked[0];
    free(ranked);
    return status;
}

static json_t *best_object(const mb_sweep *sweep, const mb_sweep_configuration *best, size_t count)
{
    char shown[64], values[2048], configurations[MB_COUNTED_LENGTH], seeds[MB_COUNTED_LENGTH];
    if (sweep->by == MB_SWEEP_BY_NOTHING || best->finished == 0)
        return json_null();
    if (sweep->by == MB_SWEEP_BY_ACCURACY)
        snprintf(shown, sizeof shown, "%.2f %%", 100.0 * best->validation_accuracy);
    else
        snprintf(shown, sizeof shown, "%.4g", best->validation_loss);
    return json_pack(
        "{s:s, s:s, s:s, s:s}", "shown", shown, "configurations",
        mb_format_counted(configurations, count, "configuration"), "seeds",
        best->finished > 1 ? mb_format_counted(seeds, best->finished, "seed") : "", "values",
        mb_sweep_describe(sweep, &sweep->runs[best->first], true, values, sizeof values));
}

static json_t *facts(const mb_sweep *sweep)
{
    static const char *const metrics[] = {[MB_SWEEP_BY_ACCURACY] = "validation accuracy",
                                          [MB_SWEEP_BY_LOSS] = "validation loss",
                                          [MB_SWEEP_BY_NOTHING] = ""};
    size_t finished = 0, failed = 0;
    double seconds = 0.0;
    bool halving = false, seeds = false;
    char names[1024] = "none";
    for (size_t i = 0; i < sweep->run_count; i++) {
        const mb_sweep_run *run = &sweep->runs[i];
        finished += run->state == MB_SWEEP_FINISHED;
        failed += run->state == MB_SWEEP_FAILED;
        seconds += run->state == MB_SWEEP_FINISHED ? run->seconds : 0.0;
        halving = halving || run->rung > 0;
    }
    for (size_t i = 0, length = 0; i < sweep->option_count && length < sizeof names; i++) {
        seeds = seeds || is_seed(sweep->options[i]);
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i > 0 ? ", " : "",
                                   sweep->options[i]);
    }
    return json_pack("{s:s, s:s, s:I, s:I, s:b, s:I, s:f, s:I, s:s, s:b, s:b, s:s, s:b}", "version",
                     mb_version(), "command", sweep->resume, "runs", (json_int_t)sweep->run_count,
                     "finished", (json_int_t)finished, "failed", failed > 0, "failed_count",
                     (json_int_t)failed, "seconds", seconds, "option_count",
                     (json_int_t)sweep->option_count, "option_names", names, "halving", halving,
                     "has_seeds", seeds && sweep->option_count > 1, "metric", metrics[sweep->by],
                     "sorted", sweep->by != MB_SWEEP_BY_NOTHING);
}

/* True if there is something to draw of the first rung, in which epochs do not vary. */
static bool is_drawn(const mb_sweep *sweep, size_t option)
{
    bool finished = false, varies = false;
    for (size_t i = 0; i < sweep->run_count && sweep->runs[i].rung == 0; i++) {
        finished = finished || sweep->runs[i].state == MB_SWEEP_FINISHED;
        varies =
            varies || strcmp(sweep->runs[i].values[option], sweep->runs[0].values[option]) != 0;
    }
    return finished && varies && sweep->by != MB_SWEEP_BY_NOTHING;
}

/* A picture of each option, unless nothing is measured. */
static mb_status figures_of(const mb_sweep *sweep, json_t **figures, mb_error *error)
{
    mb_status status = MB_OK;
    *figures = json_array();
    for (size_t i = 0; status == MB_OK && i < sweep->option_count; i++) {
        if (!is_drawn(sweep, i))
            continue;
        mb_figure figure = {.title = sweep->options[i], .format = MB_FIGURE_SVG};
        snprintf(figure.file, sizeof figure.file, "%s.svg", sweep->options[i]);
#if MB_WITH_REPORT
        status = mb_draw_sweep_effect(sweep, i, &figure, error);
#else
        status = mb_fail_feature(error, "sweep.html", MB_FEATURE_REPORT);
#endif
        if (status == MB_OK)
            *figures = mb_json_append(*figures, mb_page_figure(&figure));
        free(figure.text);
        free(figure.bytes.data);
    }
    return status;
}

static mb_status make_model(const mb_sweep *sweep, json_t **model, mb_error *error)
{
    json_t *figures = NULL, *rows = NULL, *configurations = NULL;
    mb_sweep_configuration best = {0};
    size_t count = 0, runs = 0;
    mb_status status = figures_of(sweep, &figures, error);
    const bool drawn = json_array_size(figures) > 0;
    if (status == MB_OK)
        status = rows_of(sweep, true, run_row, &rows, &best, &runs, error);
    if (status == MB_OK)
        status = rows_of(sweep, false, configuration_row, &configurations, &best, &count, error);
    if (status != MB_OK) {
        json_decref(figures);
        json_decref(rows);
        json_decref(configurations);
        return status;
    }
    *model = mb_json_merge(
        facts(sweep),
        json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "best", best_object(sweep, &best, count),
                  "rows", rows, "figures", figures, "has_figures", drawn, "configuration_rows",
                  configurations, "options", cells(sweep, sweep->options, "name", false),
                  "configuration_options", cells(sweep, sweep->options, "name", true)));
    return *model != NULL ? MB_OK : mb_fail_memory(error, "sweep.html", BUFSIZ);
}

mb_status mb_sweep_report(const mb_sweep *sweep, const char *folder, mb_error *error)
{
    json_t *model = NULL;
    mb_bytes page = {0};
    mb_status status = make_model(sweep, &model, error);
    if (status == MB_OK)
        status = mb_template_render("sweep.html", mb_sweep_template, model, &page, error);
    if (status == MB_OK)
        status = mb_file_write_in(folder, "sweep.html", &page, error);
    json_decref(model);
    free(page.data);
    return status;
}
