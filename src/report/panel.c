#include "report/panel.h"

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double above = 10.0;        /* from the rectangle up to the text over it */
static const double sample_width = 26.0; /* of a style in the legend */
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

/* Numbers with few digits, of which an SVG has thousands. */
static double eighths(double at) { return floor(8.0 * at + 0.5) / 8.0; }

void mb_panel_draw(const mb_panel *panel, bool labels_across)
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
        if (labels_across)
            mb_text(canvas, &mb_small_font, x, bottom + 17.0, MB_ALIGN_CENTRE,
                    panel->across.label[i]);
    }
    mb_canvas_colour(canvas, MB_COLOUR_FRAME);
    mb_canvas_frame(canvas, *area, 1.0);
}

void mb_panel_line(const mb_panel *panel, const mb_line_style *style, const double *across,
                   const double *up, size_t count)
{
    cairo_t *cairo = panel->canvas->cairo;
    if (style->thickness == 0.0 || count == 0)
        return;
    cairo_save(cairo);
    cairo_rectangle(cairo, panel->area.x, panel->area.y, panel->area.width, panel->area.height);
    cairo_clip(cairo);
    mb_canvas_colour(panel->canvas, style->colour);
    cairo_set_line_width(cairo, style->thickness);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_BEVEL);
    cairo_new_path(cairo);
    for (size_t i = 0; i < count; i++)
        cairo_line_to(cairo, eighths(x_of(panel, across[i])), eighths(y_of(panel, up[i])));
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void draw_marker(const mb_canvas *canvas, const mb_line_style *style, double x, double y)
{
    cairo_t *cairo = canvas->cairo;
    cairo_new_path(cairo);
    if (style->marker == MB_MARKER_DISC) {
        cairo_arc(cairo, x, y, 4.0, 0.0, 2.0 * pi);
    } else if (style->marker == MB_MARKER_TRIANGLE) {
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
    mb_canvas_colour(canvas, style->colour);
    cairo_fill(cairo);
}

void mb_panel_markers(const mb_panel *panel, const mb_line_style *style, const double *across,
                      const double *up, size_t count, size_t stride)
{
    if (style->marker == MB_MARKER_NONE || count == 0)
        return;
    for (size_t i = (count - 1) % stride; i < count; i += stride)
        draw_marker(panel->canvas, style, x_of(panel, across[i]), y_of(panel, up[i]));
}

double mb_panel_legend(const mb_panel *panel, const mb_line_style *styles, const char *const *names,
                       size_t count)
{
    const mb_canvas *canvas = panel->canvas;
    double x = panel->area.x + panel->area.width;
    const double y = panel->area.y - above;
    for (size_t i = count; i-- > 0;) {
        mb_text(canvas, &mb_text_font, x, y, MB_ALIGN_RIGHT, names[i]);
        x -= mb_text_width(canvas, &mb_text_font, names[i]) + 6.0;
        mb_canvas_colour(canvas, styles[i].colour);
        cairo_set_line_width(canvas->cairo, styles[i].thickness);
        if (styles[i].thickness > 0.0)
            mb_canvas_line(canvas, x - sample_width, y - 4.0, x, y - 4.0);
        if (styles[i].marker != MB_MARKER_NONE)
            draw_marker(canvas, &styles[i], x - 0.5 * sample_width, y - 4.0);
        x -= sample_width + gap;
    }
    return x;
}

void mb_panel_title(const mb_panel *panel, const char *title, double end)
{
    mb_text_fit(panel->canvas, &mb_name_font, panel->area.x, panel->area.y - above, MB_ALIGN_LEFT,
                end - panel->area.x, title);
}
