/* The page of a run: one HTML file with everything that it shows, its figures included. Its model
 * is the summary, and under "page" what only the page has; report.html is its template. */
#ifndef MB_REPORT_PAGE_H
#define MB_REPORT_PAGE_H

#include "report/figures.h"

#include <jansson.h>

/* Puts the text of the page into *page, the caller's to free. MB_ERROR_MEMORY. */
mb_status mb_page_make(const mb_report *report, const mb_figures *figures, mb_bytes *page,
                       mb_error *error);

/* A figure as figure.html, a part of templates, takes it; NULL if memory runs out. */
json_t *mb_page_figure(const mb_figure *figure);

#endif
