#include "report/report.h"

#include "core/features.h"
#include "report/page.h"

#include <stdlib.h>

#if MB_WITH_REPORT
/* Everything is made before the first file is written, and the page comes last: a failure leaves
 * the files of an earlier run, or pictures newer than the page, which contains its own. */
static mb_status write_report(const mb_report *report, const char *folder, mb_error *error)
{
    mb_figures figures;
    mb_bytes page = {0};
    mb_status status = mb_figures_draw(report, &figures, error);
    if (status == MB_OK)
        status = mb_page_make(report, &figures, &page, error);
    for (size_t i = 0; i < figures.count && status == MB_OK; i++)
        status = mb_file_write_in(folder, figures.list[i].file, &figures.list[i].bytes, error);
    if (status == MB_OK)
        status = mb_file_write_in(folder, "report.html", &page, error);
    if (status == MB_OK)
        mb_figures_remove_others(report, folder);
    mb_figures_free(&figures);
    free(page.data);
    return status;
}
#endif

mb_status mb_report_write(const mb_report *report, const char *folder, mb_error *error)
{
#if MB_WITH_REPORT
    return write_report(report, folder, error);
#else
    (void)report;
    return mb_fail_feature(error, folder, MB_FEATURE_REPORT);
#endif
}
