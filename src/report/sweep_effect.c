#include "report/sweep_effect.h"

#include "core/util.h"
#include "report/panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 460, HEIGHT = 300, MARGIN = 16, LEFT = 62 };

/* Errors whose range is more than this many times are shown on a logarithmic axis. */
static const double wide_range = 8.0;

typedef struct effect {
    const char **values; /* (value_count), different */
    size_t value_count;
    size_t run_count; /* finished */
    mb_series runs, means;
    double *memory;
} effect;

/* Percent, or nats. */
static double error_of(const mb_sweep *sweep, const mb_sweep_run *run)
{
    return sweep->by == MB_SWEEP_BY_LOSS ? run->validation_loss
                                         : 100.0 * (1.0 - run->validation_accuracy);
}

static bool is_shown(const mb_sweep *sweep, const mb_sweep_run *run)
{
    return run->state == MB_SWEEP_FINISHED && isfinite(error_of(sweep, run)) && run->rung == 0;
}

static int compare_numeric(const void *one, const void *other)
{
    const double a = strtod(*(const char *const *)one, NULL);
    const double b = strtod(*(const char *const *)other, NULL);
    return (a > b) - (a < b);
}

static size_t place_of(const effect *e, const char *value)
{
    size_t place = 0;
    while (place < e->value_count && strcmp(e->values[place], value) != 0)
        place++;
    return place;
}

static void collect_values(const mb_sweep *sweep, size_t option, effect *e)
{
    bool numeric = true;
    for (size_t i = 0; i < sweep->run_count; i++) {
        const char *value = sweep->runs[i].values[option];
        char *end = NULL;
        if (!is_shown(sweep, &sweep->runs[i]))
            continue;
        e->run_count++;
        if (place_of(e, value) < e->value_count)
            continue;
        e->values[e->value_count++] = value;
        (void)strtod(value, &end);
        numeric = numeric && *end == '\0';
    }
    if (numeric)
        qsort(e->values, e->value_count, sizeof *e->values, compare_numeric);
}

static void fill(const mb_sweep *sweep, size_t option, effect *e)
{
    e->runs = (mb_series){.name = "run",
                          .colour = 0x9cc8e3,
                          .marker = MB_MARKER_DISC,
                          .x = e->memory,
                          .y = e->memory + e->run_count};
    e->means = (mb_series){.name = "mean",
                           .colour = MB_COLOUR_GREEN,
                           .thickness = 2.0,
                           .marker = MB_MARKER_SQUARE,
                           .count = e->value_count,
                           .x = e->runs.y + e->run_count,
                           .y = e->runs.y + e->run_count + e->value_count};
    for (size_t v = 0; v < e->value_count; v++) {
        const size_t before = e->runs.count;
        e->means.x[v] = (double)v;
        e->means.y[v] = 0.0;
        for (size_t i = 0; i < sweep->run_count; i++) {
            const mb_sweep_run *run = &sweep->runs[i];
            if (!is_shown(sweep, run) || strcmp(run->values[option], e->values[v]) != 0)
                continue;
            e->runs.x[e->runs.count] = (double)v;
            e->runs.y[e->runs.count++] = error_of(sweep, run);
            e->means.y[v] += error_of(sweep, run);
        }
        e->means.y[v] /= (double)(e->runs.count - before);
    }
}

/* The value, or if that is too wide its beginning. */
static void shorten(const mb_canvas *canvas, const char *value, double width, char label[MB_LABEL])
{
    size_t length = strlen(value);
    snprintf(label, MB_LABEL, "%s", value);
    while (length > 1 && (length + sizeof ".." > MB_LABEL ||
                          mb_text_width(canvas, &mb_small_font, label) > width))
        snprintf(label, MB_LABEL, "%.*s..", (int)--length, value);
}

/* Values at equal distances, as many with labels as an axis has. */
static mb_axis value_axis(const effect *e, const mb_canvas *canvas, double width)
{
    mb_axis axis = {.min = -0.5, .max = (double)e->value_count - 0.5};
    const size_t stride = mb_divide_up(e->value_count, MB_MAX_TICKS);
    const double space = width * (double)stride / (double)e->value_count - 6.0;
    for (size_t v = 0; v < e->value_count; v += stride) {
        shorten(canvas, e->values[v], space, axis.label[axis.ticks]);
        axis.tick[axis.ticks++] = (double)v;
    }
    return axis;
}

static mb_axis error_axis(const effect *e)
{
    double min, max;
    mb_series_range(&e->runs, 1, 0.0, &min, &max);
    if (min > 0.0 && max / min > wide_range)
        return mb_axis_log(min / 1.2, max * 1.2);
    const double margin = fmax(0.08 * (max - min), 0.01 * max);
    return mb_axis_linear(fmax(0.0, min - margin), max + margin, 0.0);
}

static void draw(const mb_canvas *canvas, const mb_sweep *sweep, size_t option, const effect *e)
{
    const double width = WIDTH - LEFT - MARGIN;
    const mb_series series[] = {e->runs, e->means};
    char title[64];
    const mb_panel panel = {.canvas = canvas,
                            .title = title,
                            .area = {LEFT, 36.0, width, 204.0},
                            .across = value_axis(e, canvas, width),
                            .up = error_axis(e),
                            .labels_across = true,
                            .marker_stride = 1};
    snprintf(title, sizeof title, "%s%s",
             sweep->by == MB_SWEEP_BY_LOSS ? "Validation loss, nats" : "Validation error, %",
             panel.up.log ? " (logarithmic)" : "");
    mb_panel_draw(&panel, series, MB_COUNT_OF(series));
    mb_text(canvas, &mb_small_font, LEFT + 0.5 * width, HEIGHT - 20.0, MB_ALIGN_CENTRE,
            sweep->options[option]);
}

/* For screen readers. */
static char *describe(const mb_sweep *sweep, size_t option, const effect *e)
{
    size_t best = 0;
    char *text = NULL;
    for (size_t v = 1; v < e->value_count; v++)
        best = e->means.y[v] < e->means.y[best] ? v : best;
    const int written = asprintf(
        &text, "Validation %s of %zu runs by %s: its mean is lowest, %.3g%s, at %s.",
        sweep->by == MB_SWEEP_BY_LOSS ? "loss" : "error", e->run_count, sweep->options[option],
        e->means.y[best], sweep->by == MB_SWEEP_BY_LOSS ? "" : " %", e->values[best]);
    return written < 0 ? NULL : text;
}

mb_status mb_draw_sweep_effect(const mb_sweep *sweep, size_t option, mb_figure *figure,
                               mb_error *error)
{
    effect e = {.values = calloc(sweep->run_count + 1, sizeof *e.values),
                .memory = calloc(4 * sweep->run_count + 1, sizeof *e.memory)};
    mb_canvas canvas;
    mb_status status = MB_OK;
    if (e.values == NULL || e.memory == NULL)
        status = mb_fail_memory(error, "pictures", 4 * sweep->run_count * sizeof *e.memory);
    if (status == MB_OK) {
        collect_values(sweep, option, &e);
        fill(sweep, option, &e);
        mb_canvas_open(figure->format, WIDTH, HEIGHT, &canvas);
        draw(&canvas, sweep, option, &e);
        status = mb_canvas_close(&canvas, describe(sweep, option, &e), figure, error);
    }
    free(e.values);
    free(e.memory);
    return status;
}
