#include "data/csv.h"

#include "core/file_format.h"
#include "core/status.h"
#include "core/util.h"
#include "data/csv_field.h"
#include "data/csv_rows.h"
#include "data/dataset.h"
#include "data/gunzip.h"
#include "kernels/kernels.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 40 }; /* bytes of a field in errors */

/* ---- the file ---- */

static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), size = strlen(end);
    return length > size && strcasecmp(name + length - size, end) == 0;
}

bool mb_csv_is_name(const char *name)
{
    return ends_with(name, ".csv") || ends_with(name, ".csv.gz") || ends_with(name, ".tsv") ||
           ends_with(name, ".tsv.gz");
}

bool mb_csv_is_table(const char *path, const mb_bytes *start)
{
    const char *format = mb_file_format(start);
    return mb_csv_is_name(path) || (format != NULL && strcmp(format, "a CSV table") == 0);
}

/* Removes blank lines at the end, and adds a 0. */
static mb_status end_text(const char *path, mb_bytes *text, mb_error *error)
{
    while (text->size > 0 && strchr("\r\n ", text->data[text->size - 1]) != NULL &&
           text->data[text->size - 1] != '\0')
        text->size--;
    uint8_t *data = realloc(text->data, text->size + 1);
    if (data == NULL)
        return mb_fail_memory(error, path, text->size + 1);
    text->data = data;
    data[text->size] = '\0';
    return MB_OK;
}

mb_status mb_csv_open(const char *path, mb_bytes *file, mb_shape size, mb_csv *csv, mb_error *error)
{
    mb_csv made = {.path = path, .text = *file};
    mb_status status = MB_OK;
    *file = (mb_bytes){0};
    if (mb_is_gzip(&made.text)) {
        const mb_bytes packed = made.text;
        made.text = (mb_bytes){0};
        status = mb_gunzip(path, &packed, MB_DATA_MAX_BYTES, &made.text, error);
        free(packed.data);
    }
    if (status == MB_OK)
        status = end_text(path, &made.text, error);
    if (status == MB_OK)
        status = mb_csv_find_layout(path, &made.text, size, &made.layout, error);
    if (status == MB_OK)
        *csv = made;
    else
        mb_csv_free(&made);
    return status;
}

bool mb_csv_has_labels(const mb_csv *csv) { return csv->layout.label < csv->layout.columns; }

/* ---- errors ---- */

static size_t count_columns(const mb_csv *csv, const char *at, const char *end)
{
    mb_csv_field field;
    size_t columns = 1;
    while (at != NULL && at < end) {
        at = mb_csv_take_field(at, end, csv->layout.delimiter, &field);
        columns += at != NULL && at < end;
        at = at != NULL && at < end ? at + 1 : NULL;
    }
    return columns;
}

/* The number of a row in the file, from 1. */
static size_t line_of(const mb_csv *csv, size_t row) { return row + 1 + csv->layout.has_header; }

/* "FILE: line 3, column 7: "x": EXPECTED". */
static mb_status fail_field(const mb_csv_rows *rows, size_t row, size_t column,
                            const char *expected, const char *origin, mb_error *error)
{
    const mb_csv *csv = rows->csv;
    const char *end, *at = mb_csv_row(rows, row, &end);
    mb_csv_field field = {at, 0, false};
    for (size_t i = 0; i <= column && at != NULL; i++, at += at != NULL && at < end)
        at = mb_csv_take_field(at, end, csv->layout.delimiter, &field);
    return mb_fail(error, MB_ERROR_FORMAT, "%s: line %zu, column %zu: \"%.*s%s\": %s%s", csv->path,
                   line_of(csv, row), column + 1, (int)mb_min_size(field.size, SHOWN), field.text,
                   field.size > SHOWN ? "..." : "", expected, origin != NULL ? origin : "");
}

static mb_status fail_problem(const mb_csv_rows *rows, const mb_csv_problem *problem,
                              mb_error *error)
{
    const mb_csv *csv = rows->csv;
    const char *end, *at = mb_csv_row(rows, problem->row, &end);
    if (problem->kind == MB_CSV_QUOTE)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: line %zu, column %zu: a quoted field without its end", csv->path,
                       line_of(csv, problem->row), problem->column + 1);
    const size_t columns = count_columns(csv, at, end);
    if (columns != csv->layout.columns)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: line %zu has %zu column%s, the first line %zu",
                       csv->path, line_of(csv, problem->row), columns, columns == 1 ? "" : "s",
                       csv->layout.columns);
    return fail_field(rows, problem->row, problem->column,
                      "must be a pixel, an integer from 0 to 255 or a fraction from 0 to 1", NULL,
                      error);
}

/* Names the first pixel of a row that is a fraction, or above 1. */
static mb_status fail_scale(const mb_csv_rows *rows, size_t row, bool fraction, const char *origin,
                            mb_error *error)
{
    const mb_csv *csv = rows->csv;
    const char *end, *at = mb_csv_row(rows, row, &end);
    size_t column = 0, other = 0;
    for (mb_csv_field field; column < csv->layout.columns; column++, at++) {
        double value = 0.0;
        at = mb_csv_take_field(at, end, csv->layout.delimiter, &field);
        if (other < csv->layout.other_count && csv->layout.others[other] == column)
            other++;
        else if (mb_csv_field_number(&field, &value) &&
                 (fraction ? value != floor(value) : value > 1.0))
            break;
    }
    return fail_field(rows, row, column,
                      origin == NULL ? "pixels must be integers from 0 to 255, or all from 0 to 1"
                      : fraction     ? "pixels must be integers from 0 to 255, as those of "
                                     : "pixels must be from 0 to 1, as those of ",
                      origin, error);
}

/* ---- pixels ---- */

/* The first line with fewer characters than columns and delimiters need; rows->count: none. */
static size_t find_short_row(const mb_csv_rows *rows, size_t min_line)
{
    const char *at = (const char *)rows->csv->text.data + rows->csv->layout.start;
    const char *end = (const char *)rows->csv->text.data + rows->csv->text.size;
    for (size_t row = 0; row < rows->count; row++) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        line = line != NULL ? line : end;
        if ((size_t)(line - at) < min_line)
            return row;
        at = line + 1;
    }
    return rows->count;
}

/* Memory is allocated for as many pixels as the text can have. */
static mb_status alloc_images(const mb_csv_rows *rows, mb_csv *csv, mb_error *error)
{
    const mb_csv_layout *layout = &csv->layout;
    const size_t stride = layout->shape.channels * layout->shape.rows * layout->shape.columns;
    const size_t min_line = stride + layout->columns - 1;
    if (rows->count == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: no images: it has only a header", csv->path);
    if (rows->count > (csv->text.size + 1) / (min_line + 1))
        return fail_problem(
            rows, &(mb_csv_problem){MB_CSV_COLUMNS, find_short_row(rows, min_line), 0}, error);
    csv->pixels = malloc(rows->count * stride);
    if (csv->pixels == NULL)
        return mb_fail_memory(error, csv->path, rows->count * stride);
    if (mb_csv_has_labels(csv)) {
        csv->labels = malloc(rows->count * sizeof *csv->labels);
        if (csv->labels == NULL)
            return mb_fail_memory(error, csv->path, rows->count * sizeof *csv->labels);
    }
    csv->images = (mb_images){csv->pixels, rows->count, layout->shape.channels, layout->shape.rows,
                              layout->shape.columns};
    return MB_OK;
}

/* True if the first line with an image has a point: a first try at the scale. */
static bool has_point(const mb_csv_rows *rows)
{
    const char *end, *at = mb_csv_row(rows, 0, &end);
    return memchr(at, '.', (size_t)(end - at)) != NULL;
}

static mb_status read_pixels(const mb_csv_rows *rows, mb_csv *csv, mb_csv_form *form,
                             mb_error *error)
{
    bool fractions =
        form->scale == MB_CSV_FRACTIONS || (form->scale == MB_CSV_SCALE_UNKNOWN && has_point(rows));
    for (;;) {
        mb_csv_found found;
        mb_csv_rows_read(rows, fractions, csv->pixels, csv->labels, &found);
        const bool above_1 = found.above_1 < MB_CSV_NO_ROW;
        const bool between = found.fraction < MB_CSV_NO_ROW;
        if (found.problem.row < MB_CSV_NO_ROW)
            return fail_problem(rows, &found.problem, error);
        if (form->scale == MB_CSV_SCALE_UNKNOWN && found.above_0) {
            form->scale = above_1 ? MB_CSV_BYTES : MB_CSV_FRACTIONS;
            form->origin = csv->path;
        }
        const char *origin = form->origin == csv->path ? NULL : form->origin;
        if (form->scale == MB_CSV_BYTES && between)
            return fail_scale(rows, found.fraction, true, origin, error);
        if (form->scale == MB_CSV_FRACTIONS && above_1)
            return fail_scale(rows, found.above_1, false, origin, error);
        if (!found.above_0 || fractions == (form->scale == MB_CSV_FRACTIONS))
            return MB_OK;
        fractions = !fractions;
    }
}

/* The sum of differences between values that are this far from each other in an image. */
static uint64_t difference(const mb_images *images, size_t distance)
{
    const size_t stride = mb_images_stride(images);
    const size_t step = mb_divide_up(images->count, 1000);
    uint64_t sum = 0;
    for (size_t i = 0; i < images->count; i += step)
        for (size_t p = 3 * images->columns; p < stride; p++)
            sum += (uint64_t)abs(images->pixels[i * stride + p] -
                                 images->pixels[i * stride + p - distance]);
    return sum;
}

/* A pixel is like the one above it, which is a row of colors away, or of one color. */
static mb_status order_colors(mb_csv *csv, mb_csv_form *form, mb_machine *machine, mb_error *error)
{
    if (csv->images.channels == 1)
        return MB_OK;
    if (form->order == MB_CSV_ORDER_UNKNOWN)
        form->order = difference(&csv->images, csv->images.columns) <
                              difference(&csv->images, 3 * csv->images.columns)
                          ? MB_CSV_PLANAR
                          : MB_CSV_INTERLEAVED;
    return form->order == MB_CSV_PLANAR
               ? MB_OK
               : mb_csv_separate_colors(csv->path, &csv->images, machine, csv->pixels, error);
}

/* ---- labels ---- */

/* The different labels, in the order in which they come first. */
typedef struct label_table {
    size_t count;
    struct label {
        mb_csv_field text;
        bool number;
        size_t images, row; /* row: the first */
    } labels[MB_MAX_CLASSES];
} label_table;

static bool is_same(const mb_csv_field *a, const mb_csv_field *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

/* The label's place in the table, in which it is put; MB_MAX_CLASSES: it is one too many. */
static size_t find_label(label_table *table, const mb_csv_field *text, size_t row)
{
    size_t i = 0;
    double value;
    while (i < table->count && !is_same(&table->labels[i].text, text))
        i++;
    if (i == MB_MAX_CLASSES)
        return i;
    if (i == table->count)
        table->labels[table->count++] =
            (struct label){*text, mb_csv_field_number(text, &value), 0, row};
    table->labels[i].images++;
    return i;
}

/* One text among numbers is a mistake, but letters beside digits are classes. */
static mb_status check_labels(const mb_csv_rows *rows, const label_table *table, bool named,
                              mb_error *error)
{
    enum { RARE = 5 }; /* times below the mean */
    const size_t column = rows->csv->layout.label;
    size_t texts = 0;
    for (size_t i = 0; i < table->count; i++)
        texts += !table->labels[i].number;
    for (size_t i = 0; i < table->count; i++) {
        const struct label *one = &table->labels[i];
        double value = 0.0;
        const bool rare = one->images * RARE * table->count < rows->count;
        if (one->text.size == 0 || memchr(one->text.text, '\0', one->text.size) != NULL)
            return fail_field(rows, one->row, column, "must be a label", NULL, error);
        if (!one->number && texts < table->count && rare)
            return fail_field(rows, one->row, column, "must be a number, as most labels are", NULL,
                              error);
        if (!named && mb_csv_field_number(&one->text, &value) &&
            (value != floor(value) || fabs(value) > 1e15))
            return fail_field(rows, one->row, column, "must be a label, an integer or a name", NULL,
                              error);
    }
    return MB_OK;
}

static mb_status copy_names(const label_table *table, mb_csv *csv, mb_error *error)
{
    csv->names = calloc(table->count, sizeof *csv->names);
    if (csv->names == NULL)
        return mb_fail_memory(error, csv->path, table->count * sizeof *csv->names);
    for (; csv->name_count < table->count; csv->name_count++) {
        csv->names[csv->name_count] = mb_csv_field_copy(&table->labels[csv->name_count].text);
        if (csv->names[csv->name_count] == NULL)
            return mb_fail_memory(error, csv->path, table->labels[csv->name_count].text.size);
    }
    return MB_OK;
}

/* From the offsets of the labels to numbers, or to indices of their names. */
static mb_status read_labels(const mb_csv_rows *rows, mb_csv *csv, mb_error *error)
{
    const char *text = (const char *)csv->text.data, *end = text + csv->text.size;
    label_table table = {0};
    bool named = false;
    for (size_t i = 0; i < rows->count; i++) {
        mb_csv_field field;
        mb_csv_take_field(text + csv->labels[i], end, csv->layout.delimiter, &field);
        const size_t label = find_label(&table, &field, i);
        if (label == MB_MAX_CLASSES)
            return fail_field(rows, i, csv->layout.label,
                              "more than 256 different labels: a header names the column of labels "
                              "label or class",
                              NULL, error);
        named = named || !table.labels[label].number;
        csv->labels[i] = (int64_t)label;
    }
    const mb_status status = check_labels(rows, &table, named, error);
    if (status != MB_OK || named)
        return status == MB_OK ? copy_names(&table, csv, error) : status;
    for (size_t i = 0; i < rows->count; i++) {
        double value = 0.0;
        mb_csv_field_number(&table.labels[csv->labels[i]].text, &value);
        csv->labels[i] = (int64_t)value;
    }
    return MB_OK;
}

mb_status mb_csv_read(mb_csv *csv, mb_csv_form *form, mb_machine *machine, mb_error *error)
{
    mb_csv_rows rows;
    mb_status status = mb_csv_rows_open(csv, machine, &rows, error);
    if (status != MB_OK)
        return status;
    status = alloc_images(&rows, csv, error);
    if (status == MB_OK)
        status = read_pixels(&rows, csv, form, error);
    if (status == MB_OK && csv->labels != NULL)
        status = read_labels(&rows, csv, error);
    if (status == MB_OK)
        status = order_colors(csv, form, machine, error);
    mb_csv_rows_close(&rows);
    free(csv->text.data);
    csv->text = (mb_bytes){0};
    return status;
}

void mb_csv_free(mb_csv *csv)
{
    for (size_t i = 0; i < csv->name_count; i++)
        free(csv->names[i]);
    free(csv->names);
    free(csv->labels);
    free(csv->pixels);
    free(csv->text.data);
    *csv = (mb_csv){0};
}
