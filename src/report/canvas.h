/* A white canvas to draw on with cairo; it becomes the bytes of an SVG or PNG file. Lengths are
 * pixels (PNG) or user units (SVG); y grows downwards. mb_canvas_close reports errors of drawing.
 */
#ifndef MB_REPORT_CANVAS_H
#define MB_REPORT_CANVAS_H

#include "report/figures.h"
#include "report/palette.h"

#include <cairo.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct mb_canvas {
    cairo_t *cairo;
    cairo_surface_t *surface;
    mb_figure_format format;
    size_t width, height;
    FILE *out;      /* to `bytes` */
    mb_bytes bytes; /* of the file so far */
    bool no_font;
} mb_canvas;

/* A rectangle by its upper left corner and its size. */
typedef struct mb_rectangle {
    double x, y, width, height;
} mb_rectangle;

void mb_canvas_open(mb_figure_format format, size_t width, size_t height, mb_canvas *canvas);

/* Stores what was drawn in *figure: bytes, size, and `text` (on the heap; NULL counts as memory
 * that ran out). Frees the rest; on failure frees everything.
 * MB_ERROR_MEMORY; MB_ERROR_UNAVAILABLE: no font is installed, or cairo's own message. */
mb_status mb_canvas_close(mb_canvas *canvas, char *text, mb_figure *figure, mb_error *error);

/* Writes what was drawn to a file that the user has named, instead of storing it in a figure. As
 * mb_canvas_close and mb_file_write_named. */
mb_status mb_canvas_write(mb_canvas *canvas, const char *path, mb_error *error);

/* The colour of what is stroked or filled next. */
void mb_canvas_colour(const mb_canvas *canvas, uint32_t colour);

void mb_canvas_line(const mb_canvas *canvas, double x0, double y0, double x1, double y1);
void mb_canvas_fill(const mb_canvas *canvas, mb_rectangle area);
/* A border of `thickness` around the outside of a rectangle. */
void mb_canvas_frame(const mb_canvas *canvas, mb_rectangle area, double thickness);

/* The colour of a pixel of an image, 0xRRGGBB. */
typedef uint32_t mb_pixel_fn(const void *image, size_t row, size_t column);

/* Draws an image of rows x columns pixels, scaled to the rectangle: sharp squares if enlarged,
 * averaged if reduced. Draws nothing if either is above 32767, cairo's limit. */
void mb_canvas_image(const mb_canvas *canvas, mb_pixel_fn *pixel, const void *image, size_t rows,
                     size_t columns, mb_rectangle area);

typedef enum mb_align { MB_ALIGN_LEFT, MB_ALIGN_CENTRE, MB_ALIGN_RIGHT } mb_align;

typedef struct mb_font {
    double size; /* pixels */
    bool bold;
    uint32_t colour;
} mb_font;

/* The fonts of most text. An SVG holds each letter once per font, so there are few. */
extern const mb_font mb_title_font; /* of a figure */
extern const mb_font mb_name_font;  /* of an axis or panel */
extern const mb_font mb_text_font;  /* labels */
extern const mb_font mb_small_font; /* tick labels, explanations */

/* Width of `text`, which is UTF-8 everywhere; characters that the font lacks are boxes. */
double mb_text_width(const mb_canvas *canvas, const mb_font *font, const char *text);

/* One line of text whose left end, middle or right end is at x and whose baseline is at y. */
void mb_text(const mb_canvas *canvas, const mb_font *font, double x, double y, mb_align align,
             const char *text);

/* The same in at most `width`: in smaller letters, down to 11 pixels; then cut short, with "...".
 */
void mb_text_fit(const mb_canvas *canvas, const mb_font *font, double x, double y, mb_align align,
                 double width, const char *text);

#endif
