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

/* Losses whose range is more than this many times are shown on a logarithmic axis. */
static const double wide_range = 30.0;

/* The lines of the two panels. Training accuracy counts each batch before its own update, so it
 * belongs to the middle of an epoch; the others are taken at its end. */
enum { STEPS, SMOOTHED, MEANS, TRAINING, VALIDATION, TEST, LINES };

static const mb_line_style styles[LINES] = {
    [STEPS] = {0x9cc8e3, 1.0, MB_MARKER_NONE},
    [SMOOTHED] = {MB_COLOUR_BLUE, 2.0, MB_MARKER_NONE},
    [MEANS] = {MB_COLOUR_TEXT, 0.0, MB_MARKER_DISC},
    [TRAINING] = {MB_COLOUR_VERMILION, 1.5, MB_MARKER_TRIANGLE},
    [VALIDATION] = {MB_COLOUR_GREEN, 1.5, MB_MARKER_SQUARE},
    [TEST] = {MB_COLOUR_BLUE, 2.0, MB_MARKER_DISC},
};

/* Points in the order of x: epochs since the start; y: nats, or percent. */
typedef struct points {
    size_t count;
    double *x, *y;
} points;

typedef struct lines {
    points of[LINES];
    size_t epochs;
    double *memory;
} lines;

/* Points are in the middle of the steps that they stand for. */
static void fill_steps(const mb_loss_curve *curve, lines *l)
{
    points *steps = &l->of[STEPS], *smoothed = &l->of[SMOOTHED];
    const double steps_per_epoch = (double)curve->steps / (double)l->epochs;
    for (size_t i = 0; i < steps->count; i++) {
        const size_t first = i * curve->stride, left = curve->steps - first;
        const double count = (double)(left < curve->stride ? left : curve->stride);
        steps->x[i] = smoothed->x[i] = ((double)first + 0.5 * count) / steps_per_epoch;
        steps->y[i] = mb_loss_curve_mean(curve, i);
    }
    mb_smooth(steps->y, steps->count, smoothed->y);
}

static mb_status open_lines(const mb_report *report, lines *l, mb_error *error)
{
    const mb_run *run = report->run;
    const size_t steps = mb_loss_curve_points(report->curve);
    l->epochs = run->options->epochs;
    const size_t values = 2 * (2 * steps + 4 * l->epochs); /* both were counted in memory */
    l->memory = calloc(values, sizeof *l->memory);
    if (l->memory == NULL)
        return mb_fail_memory(error, "pictures", values * sizeof *l->memory);
    double *next = l->memory;
    for (size_t i = 0; i < LINES; i++) {
        const size_t count = i <= SMOOTHED ? steps : l->epochs;
        l->of[i] = (points){count, next, next + count};
        next += 2 * count;
    }
    fill_steps(report->curve, l);
    for (size_t i = 0; i < l->epochs; i++) {
        const mb_epoch_metrics *epoch = &run->epochs[i];
        const double y[LINES] = {[MEANS] = epoch->train_loss,
                                 [TRAINING] = 100.0 * epoch->train_accuracy,
                                 [VALIDATION] = 100.0 * epoch->validation_accuracy,
                                 [TEST] = 100.0 * epoch->test_accuracy};
        for (size_t k = MEANS; k < LINES; k++) {
            l->of[k].x[i] = (double)i + (k <= TRAINING ? 0.5 : 1.0);
            l->of[k].y[i] = y[k];
        }
    }
    return MB_OK;
}

/* The range of the lines first .. last; NaN does not count. */
static void find_range(const lines *l, size_t first, size_t last, double *min, double *max)
{
    *min = INFINITY;
    *max = 0.0;
    for (size_t k = first; k <= last; k++) {
        for (size_t i = 0; i < l->of[k].count; i++) {
            *min = fmin(*min, l->of[k].y[i]);
            *max = fmax(*max, l->of[k].y[i]);
        }
    }
}

/* Single steps may leave the panel: its range is that of the means. */
static mb_axis loss_axis(const lines *l)
{
    double min, max;
    find_range(l, SMOOTHED, MEANS, &min, &max);
    if (min > 0.0 && max / min > wide_range)
        return mb_axis_log(min / 2.0, max * 1.5);
    return mb_axis_linear(0.0, max * 1.15, 0.0);
}

/* Within 0 to 100, and at least one percent wide. */
static mb_axis accuracy_axis(const lines *l)
{
    double min, max;
    find_range(l, TRAINING, TEST, &min, &max);
    const double margin = fmax(0.08 * (max - min), 0.5 - 0.5 * (max - min));
    return mb_axis_linear(fmax(0.0, min - margin), fmin(100.0, max + margin), 0.0);
}

/* Draws the lines first .. last that end in a number, with their names above the panel. */
static void draw_lines(const mb_panel *panel, const lines *l, size_t first, size_t last,
                       const char *const *names, const char *title)
{
    mb_line_style shown[LINES];
    const char *entries[LINES];
    size_t count = 0;
    for (size_t k = first; k <= last; k++) {
        const points *line = &l->of[k];
        if (line->count > 0 && isnan(line->y[line->count - 1]))
            continue;
        mb_panel_line(panel, &styles[k], line->x, line->y, line->count);
        mb_panel_markers(panel, &styles[k], line->x, line->y, line->count,
                         (l->epochs - 1) / MAX_MARKERS + 1);
        shown[count] = styles[k];
        entries[count++] = names[k - first];
    }
    mb_panel_title(panel, title, mb_panel_legend(panel, shown, entries, count));
}

static void draw_loss(const mb_panel *panel, const lines *l, size_t stride)
{
    char each[64] = "each step";
    if (stride > 1)
        snprintf(each, sizeof each, "mean of %zu steps", stride);
    const char *const names[] = {each, "smoothed", "mean of an epoch"};
    mb_panel_draw(panel, false);
    draw_lines(panel, l, STEPS, MEANS, names,
               panel->up.log ? "Training loss, nats (logarithmic)" : "Training loss, nats");
}

static void draw_accuracy(const mb_panel *panel, const lines *l)
{
    static const char *const kinds[] = {"training", "validation", "test"};
    char texts[3][48];
    const char *names[3];
    for (size_t i = 0; i < 3; i++) {
        const double last = l->of[TRAINING + i].y[l->epochs - 1];
        snprintf(texts[i], sizeof texts[i], "%s %.2f %%", kinds[i], last);
        names[i] = texts[i];
    }
    mb_panel_draw(panel, true);
    draw_lines(panel, l, TRAINING, TEST, names, "Accuracy, %");
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
             run->data == NULL ? ", on synthetic digits" : "");
    mb_text_fit(canvas, &mb_small_font, MARGIN, 59.0, MB_ALIGN_LEFT, width, text);
    snprintf(text, sizeof text, "%s, lr %g %s, weight decay %g, batch size %s",
             mb_optimizer_name(options->optimizer), options->lr,
             mb_schedule_name(options->schedule), options->weight_decay,
             mb_format_count(batch, options->batch_size));
    mb_text_fit(canvas, &mb_small_font, MARGIN, 77.0, MB_ALIGN_LEFT, width, text);
}

static char *describe(const mb_report *report, const lines *l)
{
    char steps[MB_COUNTED_LENGTH], epochs[MB_COUNTED_LENGTH], from[64] = "is", *text = NULL;
    const points *smoothed = &l->of[SMOOTHED], *means = &l->of[MEANS], *test = &l->of[TEST];
    const bool curve = smoothed->count > 0;
    const double first = curve ? l->of[STEPS].y[0] : means->y[0];
    const double last = curve ? smoothed->y[smoothed->count - 1] : means->y[l->epochs - 1];
    if (l->epochs > 1)
        snprintf(from, sizeof from, "goes from %.2f %% after the first epoch to", test->y[0]);
    const int written = asprintf(
        &text, "Training loss goes from %.3g to %.3g over %s; test accuracy %s %.2f %% after %s.",
        first, last, mb_format_counted(steps, report->curve->steps, "step"), from,
        test->y[l->epochs - 1], mb_format_counted(epochs, l->epochs, "epoch"));
    return written < 0 ? NULL : text;
}

static void draw(const mb_canvas *canvas, const mb_report *report, const lines *l)
{
    mb_panel panel = {.canvas = canvas,
                      .across = mb_axis_linear(0.0, (double)l->epochs, l->epochs > 1 ? 1.0 : 0.0),
                      .up = loss_axis(l),
                      .area = {LEFT, 126.0, WIDTH - LEFT - MARGIN, 244.0}};
    draw_titles(canvas, report->run);
    draw_loss(&panel, l, report->curve->stride);
    panel.up = accuracy_axis(l);
    panel.area.y = 420.0;
    panel.area.height = 150.0;
    draw_accuracy(&panel, l);
    char steps[MB_COUNTED_LENGTH], text[128];
    mb_format_counted(steps, report->curve->steps / l->epochs, "step");
    snprintf(text, sizeof text, "epoch (of %s)", steps);
    mb_text(canvas, &mb_small_font, LEFT + 0.5 * panel.area.width, HEIGHT - 26.0, MB_ALIGN_CENTRE,
            text);
}

mb_status mb_draw_loss(const mb_report *report, mb_figure *figure, mb_error *error)
{
    lines l = {0};
    mb_canvas canvas;
    mb_status status = open_lines(report, &l, error);
    if (status == MB_OK) {
        mb_canvas_open(figure->format, WIDTH, HEIGHT, &canvas);
        draw(&canvas, report, &l);
        status = mb_canvas_close(&canvas, describe(report, &l), figure, error);
    }
    free(l.memory);
    return status;
}
