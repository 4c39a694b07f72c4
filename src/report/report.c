#include "report/report.h"

#include "core/features.h"
#include "core/util.h"
#include "model/model.h"
#include "report/page.h"
#include "report/try.h"

#include <errno.h>
#include <mnist_blas/classifier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything is made before the first file is written, and the report comes last: a failure leaves
 * the files of an earlier run, or pictures newer than the page, which contains its own. */
static mb_status write_files(mb_machine *machine, const mb_report *report, const char *folder,
                             mb_error *error)
{
#if MB_WITH_REPORT
    mb_figures figures;
    mb_bytes page = {0}, try_page = {0};
    mb_status status = mb_figures_draw(report, &figures, error);
    if (status == MB_OK)
        status = mb_page_make(report, &figures, &page, error);
    if (status == MB_OK)
        status = mb_try_make(machine, report->run->network, report, &try_page, error);
    for (size_t i = 0; i < figures.count && status == MB_OK; i++)
        status = mb_file_write_in(folder, figures.list[i].file, &figures.list[i].bytes, error);
    if (status == MB_OK)
        status = mb_file_write_in(folder, "try.html", &try_page, error);
    if (status == MB_OK)
        status = mb_file_write_in(folder, "report.html", &page, error);
    if (status == MB_OK)
        status = mb_figures_remove_others(report, folder, error);
    mb_figures_free(&figures);
    free(page.data);
    free(try_page.data);
    return status;
#else
    (void)machine;
    (void)report;
    return mb_fail_feature(error, folder, MB_FEATURE_REPORT);
#endif
}

mb_status mb_report_write(mb_machine *machine, const mb_run *run, const char *folder,
                          mb_error *error)
{
    const mb_split *test = &run->dataset->test;
    const size_t classes = mb_network_classes(run->network);
    if (!mb_has_feature(MB_FEATURE_REPORT))
        return mb_fail_feature(error, folder, MB_FEATURE_REPORT);
    mb_run evaluated = *run;
    mb_evaluation *evaluation = NULL;
    float *probabilities = calloc(test->images.count, classes * sizeof *probabilities);
    mb_status status = MB_OK;
    if (probabilities == NULL)
        status = mb_fail_memory(error, "report", test->images.count * classes * sizeof(float));
    if (status == MB_OK && run->evaluation == NULL)
        status = mb_evaluate(machine, run->network, test, &evaluation, error);
    if (evaluation != NULL)
        evaluated.evaluation = evaluation;
    if (status == MB_OK)
        status =
            mb_classify_probabilities(machine, run->network, &test->images, probabilities, error);
    if (status == MB_OK)
        status = write_files(machine, &(mb_report){&evaluated, probabilities}, folder, error);
    mb_evaluation_free(evaluation);
    free(probabilities);
    return status;
}

/* A folder of this name stays. */
static mb_status remove_file(const char *folder, const char *name, mb_error *error)
{
    char *path = mb_path_join(folder, name);
    mb_status status = MB_OK;
    if (path == NULL)
        return mb_fail_memory(error, name, strlen(folder));
    if (unlink(path) != 0 && errno != ENOENT && errno != EISDIR)
        status = mb_fail(error, MB_ERROR_IO, "%s: of another run, cannot be removed: %s", path,
                         strerror(errno));
    free(path);
    return status;
}

mb_status mb_figure_remove(const char *folder, const char *name, mb_error *error)
{
    static const char *const extensions[] = {"svg", "png"};
    mb_status status = MB_OK;
    for (size_t i = 0; i < MB_COUNT_OF(extensions) && status == MB_OK; i++) {
        char file[64];
        snprintf(file, sizeof file, "%s.%s", name, extensions[i]);
        status = remove_file(folder, file, error);
    }
    return status;
}

static mb_status remove_report(const char *folder, mb_error *error)
{
    static const char *const names[] = {
#define FIGURE(name, title, formats, applies) #name,
#include "report/figures.inc"
#undef FIGURE
    };
    mb_status status = remove_file(folder, "report.html", error);
    if (status == MB_OK)
        status = remove_file(folder, "try.html", error);
    for (size_t i = 0; i < MB_COUNT_OF(names) && status == MB_OK; i++)
        status = mb_figure_remove(folder, names[i], error);
    return status;
}

typedef struct removal {
    const char *folder;
    mb_error *removal_error;
} removal;

static void run_removal(void *context)
{
    const removal *r = context;
    remove_report(r->folder, r->removal_error);
}

mb_status mb_run_save_model(const mb_network *network, const char *folder, mb_error *removal_error,
                            mb_error *error)
{
    char *path = mb_path_join(folder, "model.safetensors");
    mb_bytes bytes = {0};
    removal older = {folder, removal_error};
    *removal_error = (mb_error){0};
    mb_status status = path != NULL ? mb_model_serialize(network, path, &bytes, error)
                                    : mb_fail_memory(error, folder, 1);
    if (status == MB_OK)
        status = mb_file_replace(path, &bytes, run_removal, &older, error);
    free(bytes.data);
    free(path);
    return status;
}
