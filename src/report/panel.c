#include "report/panel.h"

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double above = 10.0; /* from the rectangle up to the text over it */
static const double gap = 18.0;   /* between two entries of the legend */

static double x_of(const mb_panel *panel, double value)
{
    return panel->area.x + panel->area.width * mb_axis_position(&panel->across, value);
}

static double y_of(const mb_panel *panel, double value)
{
    return panel->area.y + panel->area.height * (1.0 - mb_axis_position(&panel->up, value));
}

/* A line of one pixel is sharp if its middle is the middle of a pixel. */
static double sharp(double at) { return (double)(long)at + 0.5; }

/* Rounds coordinates: an SVG has thousands, and few digits keep it small. */
static double eighths(double at) { return floor(8.0 * at + 0.5) / 8.0; }

static void draw_axes(const mb_panel *panel)
{
    const mb_canvas *canvas = panel->canvas;
    const mb_rectangle *area = &panel->area;
    const double bottom = area->y + area->height, right = area->x + area->width;
    cairo_set_line_width(canvas->cairo, 1.0);
    for (size_t i = 0; i < panel->up.ticks; i++) {
        const double y = sharp(y_of(panel, panel->up.tick[i]));
        mb_canvas_colour(canvas, MB_COLOUR_GRID);
        mb_canvas_line(canvas, area->x, y, right, y);
        mb_text(canvas, &mb_small_font, area->x - 8.0, y + 4.0, MB_ALIGN_RIGHT, panel->up.label[i]);
    }
    for (size_t i = 0; i < panel->across.ticks; i++) {
        const double x = sharp(x_of(panel, panel->across.tick[i]));
        mb_canvas_colour(canvas, MB_COLOUR_GRID);
        mb_canvas_line(canvas, x, area->y, x, bottom);
        if (panel->labels_across)
            mb_text(canvas, &mb_small_font, x, bottom + 17.0, MB_ALIGN_CENTRE,
                    panel->across.label[i]);
    }
    mb_canvas_colour(canvas, MB_COLOUR_FRAME);
    mb_canvas_frame(canvas, *area, 1.0);
}

static void draw_mark(const mb_panel *panel)
{
    static const double dashes[] = {5.0, 4.0};
    const mb_rectangle *area = &panel->area;
    const double x = sharp(x_of(panel, panel->mark));
    const bool right_half = x > area->x + 0.5 * area->width;
    if (panel->mark == 0.0)
        return;
    mb_canvas_colour(panel->canvas, MB_COLOUR_MUTED);
    cairo_set_line_width(panel->canvas->cairo, 1.0);
    cairo_set_dash(panel->canvas->cairo, dashes, 2, 0.0);
    mb_canvas_line(panel->canvas, x, area->y, x, area->y + area->height);
    cairo_set_dash(panel->canvas->cairo, NULL, 0, 0.0);
    if (panel->labels_across)
        mb_text(panel->canvas, &mb_small_font, right_half ? x - 7.0 : x + 7.0,
                area->y + area->height - 8.0, right_half ? MB_ALIGN_RIGHT : MB_ALIGN_LEFT,
                panel->mark_name);
}

/* The line of a series is stroked next. */
static void set_line(const mb_canvas *canvas, const mb_series *series)
{
    static const double dashes[] = {6.0, 3.0};
    mb_canvas_colour(canvas, series->colour);
    cairo_set_line_width(canvas->cairo, series->thickness);
    cairo_set_dash(canvas->cairo, dashes, series->dashed ? 2 : 0, 0.0);
}

static void draw_line(const mb_panel *panel, const mb_series *series)
{
    cairo_t *cairo = panel->canvas->cairo;
    if (series->thickness == 0.0 || series->count == 0)
        return;
    cairo_save(cairo);
    cairo_rectangle(cairo, panel->area.x, panel->area.y, panel->area.width, panel->area.height);
    cairo_clip(cairo);
    set_line(panel->canvas, series);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_BEVEL);
    cairo_new_path(cairo);
    for (size_t i = 0; i < series->count; i++)
        cairo_line_to(cairo, eighths(x_of(panel, series->x[i])),
                      eighths(y_of(panel, series->y[i])));
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

/* Corners of the markers that are polygons: x and y, from the middle. */
static const struct polygon {
    size_t corners;
    double at[4][2];
} polygons[] = {
    [MB_MARKER_TRIANGLE] = {3, {{0.0, -5.0}, {4.8, 3.6}, {-4.8, 3.6}}},
    [MB_MARKER_SQUARE] = {4, {{-3.6, -3.6}, {3.6, -3.6}, {3.6, 3.6}, {-3.6, 3.6}}},
    [MB_MARKER_DIAMOND] = {4, {{0.0, -5.4}, {5.4, 0.0}, {0.0, 5.4}, {-5.4, 0.0}}},
    [MB_MARKER_DOWN_TRIANGLE] = {3, {{0.0, 5.0}, {4.8, -3.6}, {-4.8, -3.6}}},
};

static void draw_marker(const mb_canvas *canvas, const mb_series *series, double x, double y)
{
    cairo_t *cairo = canvas->cairo;
    if (series->marker == MB_MARKER_NONE)
        return;
    cairo_new_path(cairo);
    if (series->marker == MB_MARKER_DISC) {
        cairo_arc(cairo, x, y, 4.0, 0.0, 2.0 * pi);
    } else {
        const struct polygon *polygon = &polygons[series->marker];
        for (size_t i = 0; i < polygon->corners; i++)
            cairo_line_to(cairo, x + polygon->at[i][0], y + polygon->at[i][1]);
        cairo_close_path(cairo);
    }
    /* a white rim separates markers that touch */
    mb_canvas_colour(canvas, MB_COLOUR_BACKGROUND);
    cairo_set_line_width(cairo, series->dashed ? 4.0 : 2.0);
    cairo_stroke_preserve(cairo);
    if (series->dashed) {
        cairo_fill_preserve(cairo);
        mb_canvas_colour(canvas, series->colour);
        cairo_set_line_width(cairo, 1.5);
        cairo_stroke(cairo);
    } else {
        mb_canvas_colour(canvas, series->colour);
        cairo_fill(cairo);
    }
}

/* A triangle where a line comes in from above the rectangle. */
static void draw_entry(const mb_panel *panel, const mb_series *series)
{
    const mb_series mark = {.colour = series->colour, .marker = MB_MARKER_TRIANGLE};
    const double top = panel->up.max;
    for (size_t i = 1; series->thickness > 1.0 && i < series->count; i++)
        if (series->y[i - 1] > top && series->y[i] <= top)
            draw_marker(panel->canvas, &mark, x_of(panel, series->x[i]), panel->area.y + 6.0);
}

void mb_series_draw_sample(const mb_canvas *canvas, const mb_series *series, double x, double y)
{
    set_line(canvas, series);
    if (series->thickness > 0.0)
        mb_canvas_line(canvas, x, y, x + MB_SAMPLE_WIDTH, y);
    cairo_set_dash(canvas->cairo, NULL, 0, 0.0);
    draw_marker(canvas, series, x + 0.5 * MB_SAMPLE_WIDTH, y);
}

/* Draws the entry of a series, which ends at x; returns the end of the entry before it. */
static double draw_legend(const mb_canvas *canvas, const mb_series *series, double x, double y)
{
    mb_text(canvas, &mb_text_font, x, y, MB_ALIGN_RIGHT, series->name);
    x -= mb_text_width(canvas, &mb_text_font, series->name) + 6.0 + MB_SAMPLE_WIDTH;
    mb_series_draw_sample(canvas, series, x, y - 4.0);
    return x - gap;
}

static bool is_shown(const mb_series *series)
{
    return series->count == 0 || !isnan(series->y[series->count - 1]);
}

void mb_panel_draw(const mb_panel *panel, const mb_series *series, size_t count)
{
    double end = panel->area.x + panel->area.width;
    const double y = panel->area.y - above;
    draw_axes(panel);
    draw_mark(panel);
    for (const mb_series *s = series; s < series + count; s++) {
        if (!is_shown(s))
            continue;
        draw_line(panel, s);
        draw_entry(panel, s);
        for (size_t i = s->count > 0 ? (s->count - 1) % panel->marker_stride : 0; i < s->count;
             i += panel->marker_stride)
            if (s->y[i] <= panel->up.max)
                draw_marker(panel->canvas, s, x_of(panel, s->x[i]), y_of(panel, s->y[i]));
    }
    for (const mb_series *s = series + count; s-- > series;)
        if (is_shown(s) && s->name != NULL)
            end = draw_legend(panel->canvas, s, end, y);
    mb_text_fit(panel->canvas, &mb_name_font, panel->area.x, y, MB_ALIGN_LEFT, end - panel->area.x,
                panel->title);
}

void mb_series_range(const mb_series *series, size_t count, double x, double *min, double *max)
{
    *min = INFINITY;
    *max = 0.0;
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < series[k].count; i++) {
            if (series[k].x[i] >= x) {
                *min = fmin(*min, series[k].y[i]);
                *max = fmax(*max, series[k].y[i]);
            }
        }
    }
}

mb_axis mb_series_percent_axis(const mb_series *series, size_t count)
{
    double min, max;
    mb_series_range(series, count, 0.0, &min, &max);
    const double margin = fmax(0.08 * (max - min), 0.5 - 0.5 * (max - min));
    return mb_axis_linear(fmax(0.0, min - margin), fmin(100.0, max + margin), 0.0);
}
