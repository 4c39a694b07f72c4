/* The page of a run: one HTML file that holds all it shows. */
#ifndef MB_REPORT_PAGE_H
#define MB_REPORT_PAGE_H

#include "report/picture.h"
#include "report/report.h"

/* The text of report.html into *page, the caller's to free; pictures are embedded. MB_ERROR_MEMORY.
 */
mb_status mb_page_make(const mb_report *report, const mb_picture *pictures, size_t count,
                       mb_bytes *page, mb_error *error);

#endif
