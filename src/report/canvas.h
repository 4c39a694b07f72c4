/* A sheet of white paper to draw on with cairo, which becomes the bytes of an SVG or PNG file.
 * Lengths are pixels (PNG) or user units (SVG); y grows downwards. */
#ifndef MB_REPORT_CANVAS_H
#define MB_REPORT_CANVAS_H

#include "report/palette.h"
#include "report/picture.h"

#include <cairo.h>
#include <stdbool.h>

typedef struct mb_canvas {
    cairo_t *cairo;
    cairo_surface_t *surface;
    mb_picture_format kind;
    double width, height;
    mb_bytes bytes; /* what an SVG surface has written so far */
    size_t room;    /* bytes allocated */
} mb_canvas;

/* An empty sheet, for mb_canvas_close. MB_ERROR_UNAVAILABLE: no font is installed; MB_ERROR_MEMORY.
 */
mb_status mb_canvas_open(mb_picture_format kind, size_t width, size_t height, mb_canvas *canvas,
                         mb_error *error);

/* Puts what was drawn into *picture (bytes, size, and `text`, which it owns from then on) and
 * frees the rest; on failure frees all. A `text` of NULL is taken as memory that ran out.
 * MB_ERROR_MEMORY; MB_ERROR_UNAVAILABLE: cairo could not draw, the error has its words. */
mb_status mb_canvas_close(mb_canvas *canvas, char *text, mb_picture *picture, mb_error *error);

/* What is stroked or filled next. */
void mb_canvas_colour(const mb_canvas *canvas, uint32_t colour);

void mb_canvas_line(const mb_canvas *canvas, double x0, double y0, double x1, double y1);
/* A frame of `thickness` around a rectangle, outside it. */
void mb_canvas_frame(const mb_canvas *canvas, double x, double y, double width, double height,
                     double thickness);
void mb_canvas_fill(const mb_canvas *canvas, double x, double y, double width, double height);

/* Pixels (rows, columns) of 0xRRGGBB, stretched over a rectangle: each a sharp square where they
 * are enlarged, averaged where they are reduced. Nothing where there are more than 32767 of either:
 * cairo takes no more. */
void mb_canvas_image(const mb_canvas *canvas, const uint32_t *pixels, size_t rows, size_t columns,
                     double x, double y, double width, double height);

/* An image (rows, columns) of gray values as ink on paper, as large as a square of side `box` at x,
 * y allows, in its middle; its pixels are whole where they are enlarged. `pixels` has room for it.
 */
void mb_canvas_gray(const mb_canvas *canvas, const uint8_t *image, size_t rows, size_t columns,
                    double x, double y, double box, uint32_t *pixels);

typedef enum mb_align { MB_ALIGN_LEFT, MB_ALIGN_CENTRE, MB_ALIGN_RIGHT } mb_align;

typedef struct mb_font {
    double size; /* pixels from line to line, about */
    bool bold;
    uint32_t colour;
} mb_font;

/* The fonts of most text. They are few: an SVG holds each letter once a size. */
extern const mb_font mb_title_font; /* what the picture says */
extern const mb_font mb_name_font;  /* of an axis or panel */
extern const mb_font mb_text_font;  /* labels */
extern const mb_font mb_small_font; /* what is read second: numbers of an axis, explanations */

/* How far `text` (ASCII) moves the pen. */
double mb_text_width(const mb_canvas *canvas, const mb_font *font, const char *text);

/* One line of text whose left end, middle or right end is at x; its letters stand on y. */
void mb_text(const mb_canvas *canvas, const mb_font *font, double x, double y, mb_align align,
             const char *text);

/* The same in at most `room`: smaller letters first, down to 11 pixels, then fewer, with "...". */
void mb_text_fit(const mb_canvas *canvas, const mb_font *font, double x, double y, mb_align align,
                 double room, const char *text);

#endif
