#include "report/panel.h"

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double above = 10.0;  /* from the rectangle to the letters over it */
static const double sample = 26.0; /* width of a look's sample */
static const double gap = 18.0;    /* between two entries of the key */

static double place_across(const mb_panel *panel, double value)
{
    return panel->x + panel->width * mb_axis_position(&panel->across, value);
}

static double place_up(const mb_panel *panel, double value)
{
    return panel->y + panel->height * (1.0 - mb_axis_position(&panel->up, value));
}

/* A line of one pixel is sharp where its middle is the middle of a pixel. */
static double sharp(double at) { return (double)(long)at + 0.5; }

/* Numbers of few digits, of which an SVG has thousands. */
static double eighths(double at) { return floor(8.0 * at + 0.5) / 8.0; }

void mb_panel_draw(const mb_panel *panel, bool numbers_across)
{
    const mb_canvas *canvas = panel->canvas;
    const double bottom = panel->y + panel->height, right = panel->x + panel->width;
    cairo_set_line_width(canvas->cairo, 1.0);
    for (size_t i = 0; i < panel->up.ticks; i++) {
        const double y = sharp(place_up(panel, panel->up.tick[i]));
        mb_canvas_colour(canvas, MB_COLOUR_GRID);
        mb_canvas_line(canvas, panel->x, y, right, y);
        mb_text(canvas, &mb_small_font, panel->x - 8.0, y + 4.0, MB_ALIGN_RIGHT,
                panel->up.label[i]);
    }
    for (size_t i = 0; i < panel->across.ticks; i++) {
        const double x = sharp(place_across(panel, panel->across.tick[i]));
        mb_canvas_colour(canvas, MB_COLOUR_GRID);
        mb_canvas_line(canvas, x, panel->y, x, bottom);
        if (numbers_across)
            mb_text(canvas, &mb_small_font, x, bottom + 17.0, MB_ALIGN_CENTRE,
                    panel->across.label[i]);
    }
    mb_canvas_colour(canvas, MB_COLOUR_FRAME);
    mb_canvas_frame(canvas, panel->x, panel->y, panel->width, panel->height, 1.0);
}

void mb_panel_line(const mb_panel *panel, const mb_line_style *look, const double *across,
                   const double *up, size_t count)
{
    cairo_t *cairo = panel->canvas->cairo;
    if (look->thickness == 0.0 || count == 0)
        return;
    cairo_save(cairo);
    cairo_rectangle(cairo, panel->x, panel->y, panel->width, panel->height);
    cairo_clip(cairo);
    mb_canvas_colour(panel->canvas, look->colour);
    cairo_set_line_width(cairo, look->thickness);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_BEVEL);
    cairo_new_path(cairo);
    for (size_t i = 0; i < count; i++)
        cairo_line_to(cairo, eighths(place_across(panel, across[i])),
                      eighths(place_up(panel, up[i])));
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

static void draw_mark(const mb_canvas *canvas, const mb_line_style *look, double x, double y)
{
    cairo_t *cairo = canvas->cairo;
    cairo_new_path(cairo);
    if (look->mark == MB_MARKER_DISC) {
        cairo_arc(cairo, x, y, 4.0, 0.0, 2.0 * pi);
    } else if (look->mark == MB_MARKER_TRIANGLE) {
        cairo_move_to(cairo, x, y - 5.0);
        cairo_line_to(cairo, x + 4.8, y + 3.6);
        cairo_line_to(cairo, x - 4.8, y + 3.6);
        cairo_close_path(cairo);
    } else {
        cairo_rectangle(cairo, x - 3.6, y - 3.6, 7.2, 7.2);
    }
    /* a rim of paper keeps marks apart that touch */
    mb_canvas_colour(canvas, MB_COLOUR_BACKGROUND);
    cairo_set_line_width(cairo, 2.0);
    cairo_stroke_preserve(cairo);
    mb_canvas_colour(canvas, look->colour);
    cairo_fill(cairo);
}

void mb_panel_markers(const mb_panel *panel, const mb_line_style *look, const double *across,
                      const double *up, size_t count, size_t stride)
{
    if (look->mark == MB_MARKER_NONE || count == 0)
        return;
    for (size_t i = (count - 1) % stride; i < count; i += stride)
        draw_mark(panel->canvas, look, place_across(panel, across[i]), place_up(panel, up[i]));
}

double mb_panel_legend(const mb_panel *panel, const mb_line_style *looks,
                       const char *const *entries, size_t count)
{
    const mb_canvas *canvas = panel->canvas;
    double x = panel->x + panel->width;
    const double y = panel->y - above;
    for (size_t i = count; i-- > 0;) {
        const double width = mb_text_width(canvas, &mb_text_font, entries[i]);
        mb_text(canvas, &mb_text_font, x, y, MB_ALIGN_RIGHT, entries[i]);
        x -= width + 6.0;
        mb_canvas_colour(canvas, looks[i].colour);
        cairo_set_line_width(canvas->cairo, looks[i].thickness);
        if (looks[i].thickness > 0.0)
            mb_canvas_line(canvas, x - sample, y - 4.0, x, y - 4.0);
        if (looks[i].mark != MB_MARKER_NONE)
            draw_mark(canvas, &looks[i], x - 0.5 * sample, y - 4.0);
        x -= sample + gap;
    }
    return x;
}

void mb_panel_title(const mb_panel *panel, const char *name, double end)
{
    mb_text_fit(panel->canvas, &mb_name_font, panel->x, panel->y - above, MB_ALIGN_LEFT,
                end - panel->x, name);
}
