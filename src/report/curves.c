/* Loss and accuracy of runs by epoch, over each other. */
#include "core/util.h"
#include "report/comparison.h"
#include "report/comparison_figures.h"
#include "report/format.h"
#include "report/panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 900, MARGIN = 24, LEFT = 68, MAX_MARKERS = 20 };
enum { LEGEND = 84, LEGEND_COLUMNS = 2, LEGEND_LINE = 22 };
enum { PANEL_HEIGHT = 190, PANEL_GAP = 48, BOTTOM = 54 };

/* Losses whose range is more than this many times are shown on a logarithmic axis. */
static const double wide_range = 30.0;

enum { TRAIN_LOSS, TEST_LOSS, TEST_ACCURACY, PANELS };
static const char *const titles[PANELS][2] = {
    {"Training loss, nats", "Training loss, nats (logarithmic)"},
    {"Test loss, nats", "Test loss, nats (logarithmic)"},
    {"Test accuracy, %", NULL}};

/* Runs differ in colour and marker; those after the first five also in their lines. */
static const mb_series styles[] = {
    {.colour = MB_COLOUR_BLUE, .marker = MB_MARKER_DISC},
    {.colour = MB_COLOUR_VERMILION, .marker = MB_MARKER_TRIANGLE},
    {.colour = MB_COLOUR_GREEN, .marker = MB_MARKER_SQUARE},
    {.colour = MB_COLOUR_PURPLE, .marker = MB_MARKER_DIAMOND},
    {.colour = MB_COLOUR_TEXT, .marker = MB_MARKER_DOWN_TRIANGLE},
};

typedef struct plot {
    mb_series series[PANELS][MB_MAX_CURVES];
    size_t runs, epochs; /* epochs: of the longest run */
    double *memory;
} plot;

static const mb_history *history_of(const mb_comparison *comparison, size_t run)
{
    return comparison->storage->runs[run]->run.history;
}

/* The training loss is a mean over the epoch, the others are taken at its end. */
static void fill(const mb_history *history, plot *p, size_t run)
{
    for (size_t i = 0; i < history->finished; i++) {
        const mb_epoch_metrics *epoch = &history->epochs[i];
        const double y[PANELS] = {epoch->train_loss, epoch->test_loss,
                                  100.0 * epoch->test_accuracy};
        for (size_t k = 0; k < PANELS; k++) {
            p->series[k][run].x[i] = (double)i + (k == TRAIN_LOSS ? 0.5 : 1.0);
            p->series[k][run].y[i] = y[k];
        }
    }
}

static mb_status open_plot(const mb_comparison *comparison, plot *p, mb_error *error)
{
    size_t values = 0;
    p->runs = mb_min_size(comparison->runs, MB_MAX_CURVES);
    for (size_t run = 0; run < p->runs; run++) {
        const size_t epochs = history_of(comparison, run)->finished;
        values += 2 * PANELS * epochs;
        p->epochs = mb_max_size(p->epochs, epochs);
    }
    p->memory = calloc(values, sizeof *p->memory);
    if (p->memory == NULL)
        return mb_fail_memory(error, "pictures", values * sizeof *p->memory);
    double *next = p->memory;
    for (size_t run = 0; run < p->runs; run++) {
        const mb_history *history = history_of(comparison, run);
        for (size_t k = 0; k < PANELS; k++) {
            mb_series *series = &p->series[k][run];
            *series = styles[run % MB_COUNT_OF(styles)];
            series->dashed = run >= MB_COUNT_OF(styles);
            series->thickness = 1.5;
            series->count = history->finished;
            series->x = next;
            series->y = next += history->finished;
            next += history->finished;
        }
        fill(history, p, run);
    }
    return MB_OK;
}

static mb_axis axis_of(const plot *p, size_t panel)
{
    double min, max;
    if (panel == TEST_ACCURACY)
        return mb_series_percent_axis(p->series[panel], p->runs);
    mb_series_range(p->series[panel], p->runs, 0.0, &min, &max);
    return min > 0.0 && max / min > wide_range ? mb_axis_log(min / 1.5, max * 1.5)
                                               : mb_axis_linear(0.0, max * 1.1, 0.0);
}

static size_t legend_height(const plot *p)
{
    return mb_divide_up(p->runs, LEGEND_COLUMNS) * LEGEND_LINE;
}

static void draw_legend(const mb_canvas *canvas, const plot *p, const char *const *names)
{
    const double column = (double)(WIDTH - 2 * MARGIN) / LEGEND_COLUMNS;
    const size_t lines = mb_divide_up(p->runs, LEGEND_COLUMNS);
    for (size_t run = 0; run < p->runs; run++) {
        const double x = MARGIN + (double)(run / lines) * column;
        const double y = LEGEND + (double)(run % lines * LEGEND_LINE);
        mb_series_draw_sample(canvas, &p->series[TEST_ACCURACY][run], x, y);
        mb_text_fit(canvas, &mb_text_font, x + MB_SAMPLE_WIDTH + 8.0, y + 4.0, MB_ALIGN_LEFT,
                    column - MB_SAMPLE_WIDTH - 24.0, names[run]);
    }
}

static void draw_panels(const mb_canvas *canvas, const plot *p)
{
    mb_panel panel = {.canvas = canvas,
                      .area = {LEFT, (double)(LEGEND + legend_height(p) + PANEL_GAP - 16),
                               WIDTH - LEFT - MARGIN, PANEL_HEIGHT},
                      .across = mb_axis_linear(0.0, (double)p->epochs, p->epochs > 1 ? 1.0 : 0.0),
                      .marker_stride = (p->epochs - 1) / MAX_MARKERS + 1};
    for (size_t k = 0; k < PANELS; k++) {
        panel.up = axis_of(p, k);
        panel.title = titles[k][panel.up.log];
        panel.labels_across = k + 1 == PANELS;
        mb_panel_draw(&panel, p->series[k], p->runs);
        panel.area.y += PANEL_HEIGHT + PANEL_GAP;
    }
    mb_text(canvas, &mb_small_font, LEFT + 0.5 * panel.area.width,
            panel.area.y - PANEL_GAP + BOTTOM - 16.0, MB_ALIGN_CENTRE, "epoch");
}

/* "Test accuracy by epoch ends at 97.31 % (a), 98.02 % (b)."; NULL if memory runs out. */
static char *describe(const mb_comparison *comparison, const plot *p)
{
    char *text = strdup("Training loss, test loss and test accuracy by epoch; accuracy ends at");
    for (size_t run = 0; run < p->runs && text != NULL; run++) {
        const mb_series *series = &p->series[TEST_ACCURACY][run];
        char *longer = NULL;
        if (asprintf(&longer, "%s%s %.2f %% (%s)%s", text, run > 0 ? "," : "",
                     series->y[series->count - 1], comparison->names[run],
                     run + 1 == p->runs ? "." : "") < 0)
            longer = NULL;
        free(text);
        text = longer;
    }
    return text;
}

mb_status mb_draw_curves(const mb_comparison *comparison, mb_figure *figure, mb_error *error)
{
    plot p = {0};
    mb_canvas canvas;
    char title[64], explanation[128] = "Training loss: means over each epoch.";
    mb_status status = open_plot(comparison, &p, error);
    if (status == MB_OK) {
        *figure = (mb_figure){
            .file = "curves.svg", .title = "Loss and accuracy", .format = MB_FIGURE_SVG};
        mb_canvas_open(MB_FIGURE_SVG, WIDTH,
                       LEGEND + legend_height(&p) + PANELS * (PANEL_HEIGHT + PANEL_GAP) + BOTTOM -
                           PANEL_GAP + 32,
                       &canvas);
        snprintf(title, sizeof title, "Loss and accuracy of %zu runs", p.runs);
        if (p.runs < comparison->runs)
            snprintf(explanation, sizeof explanation,
                     "The first %zu of %zu runs. Training loss: means over each epoch.", p.runs,
                     comparison->runs);
        mb_text(&canvas, &mb_title_font, MARGIN, 36.0, MB_ALIGN_LEFT, title);
        mb_text(&canvas, &mb_small_font, MARGIN, 59.0, MB_ALIGN_LEFT, explanation);
        draw_legend(&canvas, &p, comparison->names);
        draw_panels(&canvas, &p);
        status = mb_canvas_close(&canvas, describe(comparison, &p), figure, error);
    }
    free(p.memory);
    return status;
}
