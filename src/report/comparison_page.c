/* The page of a comparison. Its model is the comparison as JSON, and under "page" what only the
 * page has; compare.html is its template. */
#include "core/features.h"
#include "report/comparison.h"
#include "report/comparison_figures.h"
#include "report/format.h"
#include "report/json.h"
#include "report/page.h"
#include "report/template.h"

#include <mnist_blas/mnist_blas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PAIRS = 9 }; /* whose images are shown */

/* compare.html, ended by a 0. */
extern const char mb_compare_template[];

/* ---- the runs in the order of a column ---- */

/* True if run `a` comes before `b`; those without a value are last. */
static bool is_before(const mb_comparison *comparison, size_t column, size_t a, size_t b)
{
    const mb_value_column *values = &comparison->storage->columns[column];
    const json_t *one = values->of_runs[a], *other = values->of_runs[b];
    if (one == NULL || other == NULL)
        return one != NULL && other == NULL;
    if (json_is_number(one) && json_is_number(other))
        return values->descending ? json_number_value(one) > json_number_value(other)
                                  : json_number_value(one) < json_number_value(other);
    return strcmp(comparison->values[column].texts[a], comparison->values[column].texts[b]) < 0;
}

static void sort_runs(const mb_comparison *comparison, size_t column, size_t *order)
{
    for (size_t i = 0; i < comparison->runs; i++) {
        size_t place = i;
        for (; place > 0 && is_before(comparison, column, i, order[place - 1]); place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
}

static json_t *row_of(const mb_comparison *comparison, size_t run)
{
    json_t *cells = json_array();
    for (size_t i = 0; i < comparison->value_count; i++) {
        const mb_compared_value *value = &comparison->values[i];
        const json_t *number = comparison->storage->columns[i].of_runs[run];
        const bool shown = !value->is_option && json_is_number(number);
        cells = mb_json_append(cells,
                               json_pack("{s:o, s:o}", "number",
                                         shown ? json_real(json_number_value(number)) : json_null(),
                                         "text", mb_json_text(value->texts[run])));
    }
    return json_pack("{s:o, s:b, s:o}", "name", mb_json_text(comparison->names[run]), "stopped",
                     comparison->storage->runs[run]->run.interrupted != NULL, "cells", cells);
}

/* The table in the order of a column, of `value_count` in that of the runs. */
static json_t *table_of(const mb_comparison *comparison, size_t column, const size_t *order)
{
    const bool sorted = column < comparison->value_count;
    json_t *rows = json_array(), *columns = json_array();
    for (size_t i = 0; i < comparison->runs; i++)
        rows = mb_json_append(rows, row_of(comparison, order[i]));
    for (size_t i = 0; i < comparison->value_count; i++) {
        const char *sort = comparison->storage->columns[i].descending ? "descending" : "ascending";
        columns = mb_json_append(
            columns, json_pack("{s:s, s:s, s:s}", "key", comparison->values[i].key, "label",
                               comparison->values[i].label, "sort", i == column ? sort : ""));
    }
    return json_pack("{s:s, s:s, s:b, s:o, s:o}", "order",
                     sorted ? comparison->values[column].key : "given", "by",
                     sorted ? comparison->values[column].label : "order given", "first", !sorted,
                     "columns", columns, "rows", rows);
}

static json_t *tables_of(const mb_comparison *comparison)
{
    size_t *order = calloc(comparison->runs, sizeof *order);
    json_t *tables = order != NULL ? json_array() : NULL;
    for (size_t i = 0; i < comparison->runs && order != NULL; i++)
        order[i] = i;
    if (order != NULL)
        tables = mb_json_append(tables, table_of(comparison, comparison->value_count, order));
    for (size_t column = 0; column < comparison->value_count && order != NULL; column++) {
        sort_runs(comparison, column, order);
        tables = mb_json_append(tables, table_of(comparison, column, order));
    }
    free(order);
    return tables;
}

/* ---- figures ---- */

#if MB_WITH_REPORT
/* Appends a figure, which is freed, with the title that the page gives it. */
static json_t *append_figure(json_t *figures, mb_figure *figure, const char *title)
{
    json_t *object =
        mb_json_merge(mb_page_figure(figure), json_pack("{s:o}", "title", mb_json_text(title)));
    free(figure->text);
    free(figure->bytes.data);
    return mb_json_append(figures, object);
}

static mb_status draw(const mb_comparison *comparison, json_t **curves, json_t **images,
                      mb_error *error)
{
    mb_figure figure;
    mb_status status = mb_draw_curves(comparison, &figure, error);
    if (status == MB_OK)
        *curves = append_figure(*curves, &figure, figure.title);
    for (size_t i = 0; i < comparison->pair_count && i < MAX_PAIRS && status == MB_OK; i++) {
        const mb_run_pair *pair = &comparison->pairs[i];
        char title[512];
        snprintf(title, sizeof title, "%s and %s", comparison->names[0],
                 comparison->names[pair->run]);
        if (pair->only_first + pair->only_run > 0)
            status = mb_draw_disagreements(comparison, pair, &figure, error);
        if (status == MB_OK && pair->only_first + pair->only_run > 0)
            *images = append_figure(*images, &figure, title);
    }
    return status;
}
#else
static mb_status draw(const mb_comparison *comparison, json_t **curves, json_t **images,
                      mb_error *error)
{
    (void)comparison, (void)curves, (void)images;
    return mb_fail_feature(error, "page", MB_FEATURE_REPORT);
}
#endif

/* ---- the page ---- */

/* Takes over the figures. */
static json_t *page_object(const mb_comparison *comparison, json_t *curves, json_t *images)
{
    const mb_dataset *dataset = comparison->storage->dataset;
    char counted[MB_COUNTED_LENGTH], shown[96] = "";
    mb_format_counted(counted, dataset != NULL ? dataset->test.images.count : 0, "test image");
    if (comparison->pair_count > MAX_PAIRS)
        snprintf(shown, sizeof shown, "Images are shown of the first %d runs.", MAX_PAIRS + 1);
    return json_pack("{s:I, s:o, s:s, s:s, s:b, s:o, s:o, s:o}", "count",
                     (json_int_t)comparison->runs, "first", mb_json_text(comparison->names[0]),
                     "test_images", counted, "images_shown", shown, "has_pairs",
                     comparison->pair_count > 0, "tables", tables_of(comparison), "curves", curves,
                     "images", images);
}

mb_status mb_comparison_write(const mb_comparison *comparison, const char *path, mb_error *error)
{
    json_t *curves = json_array(), *images = json_array(), *model = NULL;
    mb_bytes page = {0};
    mb_status status = draw(comparison, &curves, &images, error);
    if (status != MB_OK) {
        json_decref(curves);
        json_decref(images);
        return status;
    }
    model = mb_json_merge(mb_comparison_object(comparison),
                          json_pack("{s:s, s:o}", "version", mb_version(), "page",
                                    page_object(comparison, curves, images)));
    status = model != NULL
                 ? mb_template_render("compare.html", mb_compare_template, model, &page, error)
                 : mb_fail_memory(error, path, sizeof *comparison);
    if (status == MB_OK)
        status = mb_file_write_named(path, page.data, page.size, error);
    free(page.data);
    json_decref(model);
    return status;
}
