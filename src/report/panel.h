/* A plot: a rectangle with two axes, and lines and markers at positions given as data. */
#ifndef MB_REPORT_PANEL_H
#define MB_REPORT_PANEL_H

#include "report/axis.h"
#include "report/canvas.h"

typedef struct mb_panel {
    const mb_canvas *canvas;
    mb_axis across, up;
    mb_rectangle area;
} mb_panel;

typedef enum mb_marker {
    MB_MARKER_NONE,
    MB_MARKER_DISC,
    MB_MARKER_TRIANGLE,
    MB_MARKER_SQUARE
} mb_marker;

/* Lines are told apart by their markers as well as by their colours. */
typedef struct mb_line_style {
    uint32_t colour;
    double thickness; /* 0: no line */
    mb_marker marker;
} mb_line_style;

/* The frame, grid lines at the ticks, and the labels of the ticks. */
void mb_panel_draw(const mb_panel *panel, bool labels_across);

/* A line through `count` points, clipped to the rectangle. */
void mb_panel_line(const mb_panel *panel, const mb_line_style *style, const double *across,
                   const double *up, size_t count);

/* A marker at every `stride`-th point, counted from the last. */
void mb_panel_markers(const mb_panel *panel, const mb_line_style *style, const double *across,
                      const double *up, size_t count, size_t stride);

/* The legend above the rectangle, at its right end: a sample of each style, and its name. Returns
 * the x at which it begins. */
double mb_panel_legend(const mb_panel *panel, const mb_line_style *styles, const char *const *names,
                       size_t count);

/* The title above the rectangle, at its left end, from there to at most x = `end`. */
void mb_panel_title(const mb_panel *panel, const char *title, double end);

#endif
