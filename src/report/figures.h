/* The figures of a run, in memory: drawn with cairo, then written to files and put into the page.
 */
#ifndef MB_REPORT_FIGURES_H
#define MB_REPORT_FIGURES_H

#include "core/file.h"
#include "report/report.h"

#include <stdbool.h>

typedef enum mb_figure_format { MB_FIGURE_SVG, MB_FIGURE_PNG, MB_FIGURE_FORMATS } mb_figure_format;

typedef struct mb_figure {
    char file[32];     /* its name in the run folder: "loss.svg" */
    const char *title; /* a few words */
    char *text;        /* alternative text for screen readers; owned */
    mb_figure_format format;
    size_t width, height; /* pixels (PNG) or user units (SVG) */
    mb_bytes bytes;       /* the file's contents; owned */
    bool on_page;         /* false: the page shows the same drawing in another format */
    bool natural;         /* has photographs: a dark page must not invert it */
} mb_figure;

enum { MB_MAX_FIGURES = 8 };

/* Zeroed: no figures. */
typedef struct mb_figures {
    size_t count;
    mb_figure list[MB_MAX_FIGURES];
} mb_figures;

/* Draws the figures that apply to the run, for mb_figures_free, after a failure, too.
 * MB_ERROR_UNAVAILABLE: no font is installed; MB_ERROR_MEMORY. */
mb_status mb_figures_draw(const mb_report *report, mb_figures *figures, mb_error *error);

/* Removes the files of figures that do not apply to the run: they belong to an earlier one. */
mb_status mb_figures_remove_others(const mb_report *report, const char *folder, mb_error *error);

/* Removes the files of the figure with this name, in all formats. */
mb_status mb_figure_remove(const char *folder, const char *name, mb_error *error);

void mb_figures_free(mb_figures *figures);

#endif
