/* A build without cairo. */
#include "report/report.h"

bool mb_report_built(void) { return false; }

mb_status mb_report_write(const mb_report *report, const char *folder, mb_error *error)
{
    (void)report;
    return mb_fail(error, MB_ERROR_UNAVAILABLE, "%s: no report: this build has no cairo", folder);
}
