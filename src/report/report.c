/* A build that draws. */
#include "report/report.h"

#include "report/page.h"
#include "report/pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mb_report_built(void) { return true; }

static mb_status write_file(const char *folder, const char *name, const mb_bytes *bytes,
                            mb_error *error)
{
    char *path = mb_path_join(folder, name);
    const mb_status status = path != NULL ? mb_file_write(path, bytes->data, bytes->size, error)
                                          : mb_fail_memory(error, name, strlen(folder));
    free(path);
    return status;
}

/* Pictures that only an earlier run in the folder had would be taken for this one's. */
static void remove_others(const char *folder, size_t count)
{
    for (size_t i = count; i < MB_MOST_PICTURES; i++) {
        char *path = mb_path_join(folder, mb_picture_file(i));
        if (path != NULL)
            remove(path);
        free(path);
    }
}

/* All is made before the first file is written, and the page comes last: a failure leaves what an
 * earlier run wrote, or pictures that are newer than the page, which has its own. */
mb_status mb_report_write(const mb_report *report, const char *folder, mb_error *error)
{
    mb_picture pictures[MB_MOST_PICTURES];
    const size_t count = mb_pictures_count(report);
    mb_bytes page = {0};
    mb_status status = mb_pictures_draw(report, pictures, error);
    if (status != MB_OK)
        return status;
    status = mb_page_make(report, pictures, count, &page, error);
    for (size_t i = 0; i < count && status == MB_OK; i++)
        status = write_file(folder, pictures[i].file, &pictures[i].bytes, error);
    if (status == MB_OK)
        status = write_file(folder, "report.html", &page, error);
    if (status == MB_OK)
        remove_others(folder, count);
    for (size_t i = 0; i < count; i++)
        mb_picture_free(&pictures[i]);
    free(page.data);
    return status;
}
