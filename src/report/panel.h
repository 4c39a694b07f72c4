/* A plot: a rectangle with two axes, lines and markers in it, title and legend above it. */
#ifndef MB_REPORT_PANEL_H
#define MB_REPORT_PANEL_H

#include "report/axis.h"
#include "report/canvas.h"

typedef enum mb_marker {
    MB_MARKER_NONE,
    MB_MARKER_DISC,
    MB_MARKER_TRIANGLE,
    MB_MARKER_SQUARE
} mb_marker;

/* Points in the order of x. Series differ in markers as well as in colours. */
typedef struct mb_series {
    const char *name; /* NULL: not in the legend */
    uint32_t colour;
    double thickness; /* of the line; 0: none */
    mb_marker marker;
    size_t count;
    double *x, *y;
} mb_series;

typedef struct mb_panel {
    const mb_canvas *canvas;
    const char *title;
    mb_rectangle area;
    mb_axis across, up;
    bool labels_across;   /* false: the ticks of the axis across have no labels */
    size_t marker_stride; /* every N-th point has a marker, counted from the last */
    double mark;          /* a dashed line at this value of the axis across; 0: none */
    const char *mark_name;
} mb_panel;

/* Draws everything within the rectangle; a triangle marks where a line of more than one pixel comes
 * in from above it. A series whose last value is NaN is left out. */
void mb_panel_draw(const mb_panel *panel, const mb_series *series, size_t count);

#endif
