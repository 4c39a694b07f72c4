/* loss.svg and loss.png: loss and accuracy over the epochs. */
#include "report/drawings.h"
#include "report/format.h"
#include "report/panel.h"
#include "report/smooth.h"

#include <math.h>
#include <mnist_blas/options.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 900, HEIGHT = 640, MARGIN = 24, LEFT = 68, MAX_MARKERS = 30 };

/* Losses whose range is more than this many times are shown on a logarithmic axis; a linear one
 * ends above the losses after this part of the run, which those before it may exceed many times. */
static const double wide_range = 30.0, beginning = 0.1;

/* The series of the two panels: x is epochs since the start, y is nats, or percent. Training
 * accuracy counts each batch before its own update, so it belongs to the middle of an epoch; the
 * others are taken at its end. */
enum { STEPS, SMOOTHED, MEANS, TEST_LOSS, TRAINING, VALIDATION, TEST, SERIES };

static const mb_series styles[SERIES] = {
    [STEPS] = {"each step", 0x9cc8e3, 1.0, MB_MARKER_NONE, 0, NULL, NULL, false},
    [SMOOTHED] = {"smoothed", MB_COLOUR_BLUE, 2.0, MB_MARKER_NONE, 0, NULL, NULL, false},
    [MEANS] = {"mean of an epoch", MB_COLOUR_TEXT, 0.0, MB_MARKER_DISC, 0, NULL, NULL, false},
    [TEST_LOSS] = {"test", MB_COLOUR_VERMILION, 1.5, MB_MARKER_TRIANGLE, 0, NULL, NULL, false},
    [TRAINING] = {"training", MB_COLOUR_BLUE, 1.5, MB_MARKER_DISC, 0, NULL, NULL, false},
    [VALIDATION] = {"validation", MB_COLOUR_GREEN, 1.5, MB_MARKER_SQUARE, 0, NULL, NULL, false},
    [TEST] = {"test", MB_COLOUR_VERMILION, 2.0, MB_MARKER_TRIANGLE, 0, NULL, NULL, false},
};

typedef struct plot {
    mb_series series[SERIES];
    char names[SERIES][64];
    size_t epochs;
    double *memory;
} plot;

/* Points are in the middle of the steps that they stand for. */
static void fill_steps(const mb_loss_curve *curve, plot *p)
{
    mb_series *steps = &p->series[STEPS], *smoothed = &p->series[SMOOTHED];
    const double steps_per_epoch = (double)curve->steps / (double)p->epochs;
    for (size_t i = 0; i < steps->count; i++) {
        const double first = (double)(i * curve->stride);
        const double count = (double)mb_loss_curve_count(curve, i);
        steps->x[i] = smoothed->x[i] = (first + 0.5 * count) / steps_per_epoch;
        steps->y[i] = (double)mb_loss_curve_mean(curve, i);
    }
    mb_smooth(steps->y, steps->count, smoothed->y);
    if (curve->stride > 1) {
        snprintf(p->names[STEPS], sizeof p->names[STEPS], "mean of %zu steps", curve->stride);
        steps->name = p->names[STEPS];
    }
}

static void fill_epochs(const mb_epoch_metrics *epochs, plot *p)
{
    const double loss_min = epochs[0].train_loss - epochs[0].train_excess_loss;
    for (size_t i = 0; i < p->epochs; i++) {
        const double y[SERIES] = {[MEANS] = epochs[i].train_loss,
                                  [TEST_LOSS] = epochs[i].test_loss,
                                  [TRAINING] = 100.0 * epochs[i].train_accuracy,
                                  [VALIDATION] = 100.0 * epochs[i].validation_accuracy,
                                  [TEST] = 100.0 * epochs[i].test_accuracy};
        for (size_t k = MEANS; k < SERIES; k++) {
            p->series[k].x[i] = (double)i + (k == MEANS || k == TRAINING ? 0.5 : 1.0);
            p->series[k].y[i] = y[k];
        }
    }
    snprintf(p->names[TEST_LOSS], sizeof p->names[TEST_LOSS], "test %.4f",
             p->series[TEST_LOSS].y[p->epochs - 1]);
    p->series[TEST_LOSS].name = p->names[TEST_LOSS];
    if (loss_min > 0.0) {
        snprintf(p->names[MEANS], sizeof p->names[MEANS], "mean of an epoch (least %.4f)",
                 loss_min);
        p->series[MEANS].name = p->names[MEANS];
    }
    for (size_t k = TRAINING; k <= TEST; k++) {
        snprintf(p->names[k], sizeof p->names[k], "%s %.2f %%", styles[k].name,
                 p->series[k].y[p->epochs - 1]);
        p->series[k].name = p->names[k];
    }
}

static mb_status open_plot(const mb_run *run, plot *p, mb_error *error)
{
    const mb_history *history = run->history;
    const size_t steps = mb_loss_curve_points(&history->curve);
    p->epochs = history->finished;
    const size_t values = 2 * (2 * steps + 5 * p->epochs); /* both were counted in memory */
    p->memory = calloc(values, sizeof *p->memory);
    if (p->memory == NULL)
        return mb_fail_memory(error, "pictures", values * sizeof *p->memory);
    double *next = p->memory;
    for (size_t k = 0; k < SERIES; k++) {
        p->series[k] = styles[k];
        p->series[k].count = k <= SMOOTHED ? steps : p->epochs;
        p->series[k].x = next;
        p->series[k].y = next += p->series[k].count;
        next += p->series[k].count;
    }
    fill_steps(&history->curve, p);
    fill_epochs(history->epochs, p);
    return MB_OK;
}

/* Single steps may leave the panel: its range is that of the means. */
static mb_axis loss_axis(const plot *p)
{
    double min, max, late_min, late_max;
    mb_series_range(&p->series[SMOOTHED], 3, 0.0, &min, &max);
    mb_series_range(&p->series[SMOOTHED], 3, beginning * (double)p->epochs, &late_min, &late_max);
    if (late_min > 0.0 && late_max / late_min > wide_range)
        return mb_axis_log(min / 2.0, max * 1.5);
    return mb_axis_linear(0.0, late_max * 1.15, 0.0);
}

static void draw_titles(const mb_canvas *canvas, const mb_run *run)
{
    const mb_training_options *options = run->options;
    const double width = WIDTH - 2.0 * MARGIN;
    char text[512], length[MB_RUN_LENGTH], batch[MB_COUNT_LENGTH];
    snprintf(text, sizeof text, "Test accuracy %.2f %% after %s",
             100.0 * run->selected->test_accuracy, mb_run_length(run, length));
    mb_text_fit(canvas, &mb_title_font, MARGIN, 36.0, MB_ALIGN_LEFT, width, text);
    snprintf(text, sizeof text, "%s%s", mb_network_spec(run->network),
             run->dataset->folder == NULL ? ", on synthetic digits" : "");
    mb_text_fit(canvas, &mb_small_font, MARGIN, 59.0, MB_ALIGN_LEFT, width, text);
    snprintf(text, sizeof text, "%s, lr %g %s, weight decay %g, batch size %s",
             mb_optimizer_name(options->optimizer), options->lr,
             mb_schedule_name(options->schedule), options->weight_decay,
             mb_format_count(batch, options->batch_size));
    mb_text_fit(canvas, &mb_small_font, MARGIN, 77.0, MB_ALIGN_LEFT, width, text);
}

static char *describe(const mb_loss_curve *curve, const plot *p)
{
    char steps[MB_COUNTED_LENGTH], epochs[MB_COUNTED_LENGTH], from[64] = "is", *text = NULL;
    const mb_series *smoothed = &p->series[SMOOTHED], *means = &p->series[MEANS];
    const double *test = p->series[TEST].y;
    const bool has_curve = smoothed->count > 0;
    const double first = has_curve ? p->series[STEPS].y[0] : means->y[0];
    const double last = has_curve ? smoothed->y[smoothed->count - 1] : means->y[p->epochs - 1];
    if (p->epochs > 1)
        snprintf(from, sizeof from, "goes from %.2f %% after the first epoch to", test[0]);
    const int written = asprintf(
        &text, "Training loss goes from %.3g to %.3g over %s; test accuracy %s %.2f %% after %s.",
        first, last, mb_format_counted(steps, curve->steps, "step"), from, test[p->epochs - 1],
        mb_format_counted(epochs, p->epochs, "epoch"));
    return written < 0 ? NULL : text;
}

static void draw(const mb_canvas *canvas, const mb_run *run, const plot *p)
{
    char title[64];
    mb_panel panel = {.canvas = canvas,
                      .title = "Loss, nats",
                      .area = {LEFT, 126.0, WIDTH - LEFT - MARGIN, 244.0},
                      .across = mb_axis_linear(0.0, (double)p->epochs, p->epochs > 1 ? 1.0 : 0.0),
                      .up = loss_axis(p),
                      .marker_stride = (p->epochs - 1) / MAX_MARKERS + 1,
                      .mark = run->options->patience > 0 ? (double)run->selected->epoch : 0.0,
                      .mark_name = "epoch kept"};
    const double first = p->series[SMOOTHED].count > 0 ? p->series[SMOOTHED].y[0] : 0.0;
    if (panel.up.log)
        panel.title = "Loss, nats (logarithmic)";
    else if (first > panel.up.max)
        panel.title = title;
    snprintf(title, sizeof title, "Loss, nats (from %.3g)", first);
    draw_titles(canvas, run);
    mb_panel_draw(&panel, &p->series[STEPS], 4);
    panel.title = "Accuracy, %";
    panel.area.y = 420.0;
    panel.area.height = 150.0;
    panel.up = mb_series_percent_axis(&p->series[TRAINING], 3);
    panel.labels_across = true;
    mb_panel_draw(&panel, &p->series[TRAINING], 3);
    char steps[MB_COUNTED_LENGTH], text[128];
    mb_format_counted(steps, run->history->curve.steps / p->epochs, "step");
    snprintf(text, sizeof text, "epoch (of %s)", steps);
    mb_text(canvas, &mb_small_font, LEFT + 0.5 * panel.area.width, HEIGHT - 26.0, MB_ALIGN_CENTRE,
            text);
}

mb_status mb_draw_loss(const mb_report *report, mb_figure *figure, mb_error *error)
{
    plot p = {0};
    mb_canvas canvas;
    mb_status status = open_plot(report->run, &p, error);
    if (status == MB_OK) {
        mb_canvas_open(figure->format, WIDTH, HEIGHT, &canvas);
        draw(&canvas, report->run, &p);
        status =
            mb_canvas_close(&canvas, describe(&report->run->history->curve, &p), figure, error);
    }
    free(p.memory);
    return status;
}
