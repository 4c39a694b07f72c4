/* A plot: a rectangle with two axes, lines and markers in it, title and legend above it. */
#ifndef MB_REPORT_PANEL_H
#define MB_REPORT_PANEL_H

#include "report/axis.h"
#include "report/canvas.h"

typedef enum mb_marker {
    MB_MARKER_NONE,
    MB_MARKER_DISC,
    MB_MARKER_TRIANGLE,
    MB_MARKER_SQUARE,
    MB_MARKER_DIAMOND,
    MB_MARKER_DOWN_TRIANGLE
} mb_marker;

/* Points in the order of x. Series differ in markers as well as in colours. */
typedef struct mb_series {
    const char *name; /* NULL: not in the legend */
    uint32_t colour;
    double thickness; /* of the line; 0: none */
    mb_marker marker;
    size_t count;
    double *x, *y;
    bool dashed; /* with hollow markers */
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

/* A piece of the line with a marker, as legends have it, MB_SAMPLE_WIDTH wide, from x on; its
 * middle is at y. */
enum { MB_SAMPLE_WIDTH = 26 };
void mb_series_draw_sample(const mb_canvas *canvas, const mb_series *series, double x, double y);

/* The range of `count` series from x on; *max is at least 0. NaN does not count. */
void mb_series_range(const mb_series *series, size_t count, double x, double *min, double *max);

/* An axis of percentages: a little more than their range, within 0 to 100, at least 1 wide. */
mb_axis mb_series_percent_axis(const mb_series *series, size_t count);

#endif
