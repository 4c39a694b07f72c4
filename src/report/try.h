/* try.html: a page with the network in it, which classifies in the browser what is drawn there. */
#ifndef MB_REPORT_TRY_H
#define MB_REPORT_TRY_H

#include "core/file.h"
#include "report/report.h"

/* Puts the text of the page into *page, the caller's to free. With a report it has test images, and
 * weights in 16 bits if that changes the class of none; without one (NULL) the network only.
 * MB_ERROR_UNAVAILABLE: a kind of layer that the page does not have; MB_ERROR_MEMORY. */
mb_status mb_try_make(mb_machine *machine, const mb_network *network, const mb_report *report,
                      mb_bytes *page, mb_error *error);

#endif
