/* A rectangle of paper with two axes, and marks and lines in it at places given as data. */
#ifndef MB_REPORT_PANEL_H
#define MB_REPORT_PANEL_H

#include "report/axis.h"
#include "report/canvas.h"

typedef struct mb_panel {
    const mb_canvas *canvas;
    mb_axis across, up;
    double x, y, width, height; /* of the rectangle */
} mb_panel;

typedef enum mb_marker {
    MB_MARKER_NONE,
    MB_MARKER_DISC,
    MB_MARKER_TRIANGLE,
    MB_MARKER_SQUARE
} mb_marker;

/* How one series looks: told apart by its mark as well as by its colour. */
typedef struct mb_line_style {
    uint32_t colour;
    double thickness; /* of the line; 0: none */
    mb_marker mark;
} mb_line_style;

/* The frame, lines at the ticks, the numbers of the upward axis and, if wanted, of the one
 * across. */
void mb_panel_draw(const mb_panel *panel, bool numbers_across);

/* A line through `count` points; what leaves the rectangle is cut off. */
void mb_panel_line(const mb_panel *panel, const mb_line_style *look, const double *across,
                   const double *up, size_t count);

/* A mark at every `stride`-th point, counted from the last, which always has one. */
void mb_panel_markers(const mb_panel *panel, const mb_line_style *look, const double *across,
                      const double *up, size_t count, size_t stride);

/* A line of entries above the rectangle, ending at its right edge: a sample of each look, and its
 * name. Returns where it begins. */
double mb_panel_legend(const mb_panel *panel, const mb_line_style *looks, const char *const *names,
                       size_t count);

/* The name of the panel above the rectangle, at its left edge, ending before `end`. */
void mb_panel_title(const mb_panel *panel, const char *name, double end);

#endif
