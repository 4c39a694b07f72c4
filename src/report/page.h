/* The page of a run: one HTML file that holds all it shows. */
#ifndef MB_REPORT_PAGE_H
#define MB_REPORT_PAGE_H

#include "report/figures.h"

/* The text of report.html into *page, the caller's to free; figures are embedded. MB_ERROR_MEMORY.
 */
mb_status mb_page_make(const mb_report *report, const mb_figures *figures, mb_bytes *page,
                       mb_error *error);

#endif
