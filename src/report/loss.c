/* loss.svg and loss.png: the same drawing on two kinds of surface. */
#include "report/drawings.h"
#include "report/format.h"
#include "report/panel.h"
#include "report/smooth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 900, HEIGHT = 640, MOST_MARKS = 30, MOST_SERIES = 3 };

/* Losses that spread over more than this many times are shown on a logarithmic axis. */
static const double wide_range = 30.0;

/* The numbers of the picture: points of the curve, and of the epochs. */
typedef struct series {
    size_t points, epochs;
    double *epoch_of, *loss, *smooth;              /* (points): where in the run, in epochs */
    double *middle, *end;                          /* (epochs): of each epoch */
    double *mean_loss, *test, *train, *validation; /* (epochs): nats, and accuracies in percent */
    double *memory;
} series;

/* Points lie in the middle of the steps that they stand for. */
static void fill_points(const mb_loss_curve *curve, series *s)
{
    const double steps_of_epoch = (double)curve->steps / (double)s->epochs;
    for (size_t i = 0; i < s->points; i++) {
        const size_t first = i * curve->stride, left = curve->steps - first;
        const double steps = (double)(left < curve->stride ? left : curve->stride);
        s->epoch_of[i] = ((double)first + 0.5 * steps) / steps_of_epoch;
        s->loss[i] = mb_loss_curve_mean(curve, i);
    }
    mb_smooth(s->loss, s->points, s->smooth);
}

static mb_status open_series(const mb_report *report, series *s, mb_error *error)
{
    const mb_run *run = report->run;
    s->points = mb_loss_curve_points(report->curve);
    s->epochs = run->options->epochs;
    const size_t numbers = 3 * s->points + 6 * s->epochs; /* both were counted in memory */
    s->memory = calloc(numbers, sizeof *s->memory);
    if (s->memory == NULL)
        return mb_fail_memory(error, "pictures", numbers * sizeof *s->memory);
    double **const parts[] = {&s->epoch_of,  &s->loss, &s->smooth, &s->middle,    &s->end,
                              &s->mean_loss, &s->test, &s->train,  &s->validation};
    double *next = s->memory;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i] = next;
        next += i < 3 ? s->points : s->epochs;
    }
    fill_points(report->curve, s);
    for (size_t i = 0; i < s->epochs; i++) {
        const mb_epoch_metrics *epoch = &run->epochs[i];
        s->middle[i] = (double)i + 0.5;
        s->end[i] = (double)i + 1.0;
        s->mean_loss[i] = epoch->train_loss;
        s->test[i] = 100.0 * epoch->test_accuracy;
        s->train[i] = 100.0 * epoch->train_accuracy;
        s->validation[i] = 100.0 * epoch->validation_accuracy;
    }
    return MB_OK;
}

/* Widens *least .. *most to hold the values that are numbers. */
static void take_in(const double *values, size_t count, double *least, double *most)
{
    for (size_t i = 0; i < count; i++) {
        *least = fmin(*least, values[i]);
        *most = fmax(*most, values[i]);
    }
}

/* Single steps may leave the panel at its edges: it is as high as what they mean. */
static mb_axis loss_axis(const series *s)
{
    double least = INFINITY, most = 0.0;
    take_in(s->smooth, s->points, &least, &most);
    take_in(s->mean_loss, s->epochs, &least, &most);
    if (least > 0.0 && most / least > wide_range)
        return mb_axis_log(least / 2.0, most * 1.5);
    return mb_axis_linear(0.0, most * 1.15, 0.0);
}

/* From 0 to 100 at most, and a percent wide at least. */
static mb_axis accuracy_axis(const series *s)
{
    double least = INFINITY, most = 0.0;
    take_in(s->test, s->epochs, &least, &most);
    take_in(s->train, s->epochs, &least, &most);
    take_in(s->validation, s->epochs, &least, &most);
    const double room = fmax(0.08 * (most - least), 0.5 - 0.5 * (most - least));
    return mb_axis_linear(fmax(0.0, least - room), fmin(100.0, most + room), 0.0);
}

static size_t marks_stride(const series *s) { return (s->epochs - 1) / MOST_MARKS + 1; }

static void draw_loss(const mb_panel *panel, const series *s, size_t stride)
{
    static const mb_line_style looks[] = {{0x9cc8e3, 1.0, MB_MARKER_NONE},
                                          {MB_COLOUR_BLUE, 2.0, MB_MARKER_NONE},
                                          {MB_COLOUR_TEXT, 0.0, MB_MARKER_DISC}};
    char each[64] = "each step";
    if (stride > 1)
        snprintf(each, sizeof each, "mean of %zu steps", stride);
    const char *const names[] = {each, "smoothed", "mean of an epoch"};
    mb_panel_draw(panel, false);
    mb_panel_line(panel, &looks[0], s->epoch_of, s->loss, s->points);
    mb_panel_line(panel, &looks[1], s->epoch_of, s->smooth, s->points);
    mb_panel_markers(panel, &looks[2], s->middle, s->mean_loss, s->epochs, marks_stride(s));
    mb_panel_title(panel,
                   panel->up.log ? "Training loss, nats (logarithmic)" : "Training loss, nats",
                   mb_panel_legend(panel, looks, names, 3));
}

/* Training accuracy counts each batch before its own update, so it belongs to the middle of an
 * epoch; the others are taken at its end. */
static void draw_accuracy(const mb_panel *panel, const series *s)
{
    static const mb_line_style looks[MOST_SERIES] = {{MB_COLOUR_VERMILION, 1.5, MB_MARKER_TRIANGLE},
                                                     {MB_COLOUR_GREEN, 1.5, MB_MARKER_SQUARE},
                                                     {MB_COLOUR_BLUE, 2.0, MB_MARKER_DISC}};
    const double *const values[] = {s->train, s->validation, s->test};
    const char *const names[] = {"training", "validation", "test"};
    mb_line_style shown[MOST_SERIES];
    char entries[MOST_SERIES][48];
    const char *pointers[MOST_SERIES];
    size_t count = 0;
    mb_panel_draw(panel, true);
    for (size_t i = 0; i < MOST_SERIES; i++) {
        const double last = values[i][s->epochs - 1];
        const double *across = i == 0 ? s->middle : s->end;
        if (isnan(last))
            continue;
        mb_panel_line(panel, &looks[i], across, values[i], s->epochs);
        mb_panel_markers(panel, &looks[i], across, values[i], s->epochs, marks_stride(s));
        snprintf(entries[count], sizeof entries[count], "%s %.2f %%", names[i], last);
        pointers[count] = entries[count];
        shown[count++] = looks[i];
    }
    mb_panel_title(panel, "Accuracy, %", mb_panel_legend(panel, shown, pointers, count));
}

static void draw_titles(const mb_canvas *canvas, const mb_run *run, double left)
{
    const mb_training_options *options = run->options;
    const double room = WIDTH - 2.0 * left;
    char text[512], length[MB_RUN_LENGTH], batch[MB_COUNT_LENGTH];
    snprintf(text, sizeof text, "Test accuracy %.2f %% after %s",
             100.0 * run->selected->test_accuracy, mb_format_run_length(run, length));
    mb_text_fit(canvas, &mb_title_font, left, 36.0, MB_ALIGN_LEFT, room, text);
    snprintf(text, sizeof text, "%s%s", mb_network_spec(run->network),
             run->data == NULL ? ", on drawn digits" : "");
    mb_text_fit(canvas, &mb_small_font, left, 59.0, MB_ALIGN_LEFT, room, text);
    snprintf(text, sizeof text, "%s, lr %g %s, weight decay %g, batch size %s",
             mb_optimizer_name(options->optimizer), options->lr,
             mb_schedule_name(options->schedule), options->weight_decay,
             mb_format_count(batch, options->batch_size));
    mb_text_fit(canvas, &mb_small_font, left, 77.0, MB_ALIGN_LEFT, room, text);
}

static char *describe(const mb_report *report, const series *s)
{
    char steps[MB_COUNTED_LENGTH], epochs[MB_COUNTED_LENGTH], *text = NULL;
    const double first = s->points > 0 ? s->loss[0] : s->mean_loss[0];
    const double last = s->points > 0 ? s->smooth[s->points - 1] : s->mean_loss[s->epochs - 1];
    const double from = s->test[0], to = s->test[s->epochs - 1];
    mb_format_counted(steps, report->curve->steps, "step");
    mb_format_counted(epochs, s->epochs, "epoch");
    const int written =
        s->epochs == 1
            ? asprintf(&text,
                       "Training loss goes from %.3g to %.3g over %s; test accuracy is %.2f %% "
                       "after %s.",
                       first, last, steps, to, epochs)
            : asprintf(&text,
                       "Training loss goes from %.3g to %.3g over %s; test accuracy goes from "
                       "%.2f %% after the first epoch to %.2f %% after %s.",
                       first, last, steps, from, to, epochs);
    return written < 0 ? NULL : text;
}

static void draw(const mb_canvas *canvas, const mb_report *report, const series *s)
{
    mb_panel panel = {.canvas = canvas,
                      .across = mb_axis_linear(0.0, (double)s->epochs, s->epochs > 1 ? 1.0 : 0.0),
                      .up = loss_axis(s),
                      .x = 68.0,
                      .y = 126.0,
                      .width = WIDTH - 68.0 - 24.0,
                      .height = 244.0};
    draw_titles(canvas, report->run, 24.0);
    draw_loss(&panel, s, report->curve->stride);
    panel.up = accuracy_axis(s);
    panel.y = 420.0;
    panel.height = 150.0;
    draw_accuracy(&panel, s);
    char steps[MB_COUNTED_LENGTH], text[128];
    mb_format_counted(steps, report->curve->steps / s->epochs, "step");
    snprintf(text, sizeof text, "epoch (of %s)", steps);
    mb_text(canvas, &mb_small_font, panel.x + 0.5 * panel.width, HEIGHT - 26.0, MB_ALIGN_CENTRE,
            text);
}

mb_status mb_draw_loss(const mb_report *report, mb_picture *picture, mb_error *error)
{
    series s = {0};
    mb_canvas canvas;
    mb_status status = open_series(report, &s, error);
    if (status == MB_OK)
        status = mb_canvas_open(picture->kind, WIDTH, HEIGHT, &canvas, error);
    if (status == MB_OK) {
        draw(&canvas, report, &s);
        status = mb_canvas_close(&canvas, describe(report, &s), picture, error);
    }
    free(s.memory);
    return status;
}
