#include "report/panel.h"

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double above = 10.0;        /* from the rectangle up to the text over it */
static const double sample_width = 26.0; /* of a series in the legend */
static const double gap = 18.0;          /* between two entries of the legend */

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

static void draw_line(const mb_panel *panel, const mb_series *series)
{
    cairo_t *cairo = panel->canvas->cairo;
    if (series->thickness == 0.0 || series->count == 0)
        return;
    cairo_save(cairo);
    cairo_rectangle(cairo, panel->area.x, panel->area.y, panel->area.width, panel->area.height);
    cairo_clip(cairo);
    mb_canvas_colour(panel->canvas, series->colour);
    cairo_set_line_width(cairo, series->thickness);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_BEVEL);
    cairo_new_path(cairo);
    for (size_t i = 0; i < series->count; i++)
        cairo_line_to(cairo, eighths(x_of(panel, series->x[i])),
                      eighths(y_of(panel, series->y[i])));
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void draw_marker(const mb_canvas *canvas, const mb_series *series, double x, double y)
{
    cairo_t *cairo = canvas->cairo;
    if (series->marker == MB_MARKER_NONE)
        return;
    cairo_new_path(cairo);
    if (series->marker == MB_MARKER_DISC) {
        cairo_arc(cairo, x, y, 4.0, 0.0, 2.0 * pi);
    } else if (series->marker == MB_MARKER_TRIANGLE) {
        cairo_move_to(cairo, x, y - 5.0);
        cairo_line_to(cairo, x + 4.8, y + 3.6);
        cairo_line_to(cairo, x - 4.8, y + 3.6);
        cairo_close_path(cairo);
    } else {
        cairo_rectangle(cairo, x - 3.6, y - 3.6, 7.2, 7.2);
    }
    /* a white rim separates markers that touch */
    mb_canvas_colour(canvas, MB_COLOUR_BACKGROUND);
    cairo_set_line_width(cairo, 2.0);
    cairo_stroke_preserve(cairo);
    mb_canvas_colour(canvas, series->colour);
    cairo_fill(cairo);
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

/* Draws the entry of a series, which ends at x; returns the end of the entry before it. */
static double draw_legend(const mb_canvas *canvas, const mb_series *series, double x, double y)
{
    mb_text(canvas, &mb_text_font, x, y, MB_ALIGN_RIGHT, series->name);
    x -= mb_text_width(canvas, &mb_text_font, series->name) + 6.0;
    mb_canvas_colour(canvas, series->colour);
    cairo_set_line_width(canvas->cairo, series->thickness);
    if (series->thickness > 0.0)
        mb_canvas_line(canvas, x - sample_width, y - 4.0, x, y - 4.0);
    draw_marker(canvas, series, x - 0.5 * sample_width, y - 4.0);
    return x - sample_width - gap;
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
