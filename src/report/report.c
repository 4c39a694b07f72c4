#include "report/report.h"

#include "core/features.h"
#include "report/page.h"

#include <mnist_blas/classifier.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Everything is made before the first file is written, and the page comes last: a failure leaves
 * the files of an earlier run, or pictures newer than the page, which contains its own. */
static mb_status write_files(const mb_report *report, const char *folder, mb_error *error)
{
#if MB_WITH_REPORT
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
#else
    (void)report;
    return mb_fail_feature(error, folder, MB_FEATURE_REPORT);
#endif
}

mb_status mb_report_write(mb_machine *machine, const mb_run *run, const char *command,
                          const char *folder, mb_error *error)
{
    enum { BATCH = 256 };
    const mb_split *test = &run->dataset->test;
    const size_t classes = mb_network_classes(run->network);
    if (!mb_has_feature(MB_FEATURE_REPORT))
        return mb_fail_feature(error, folder, MB_FEATURE_REPORT);
    mb_run evaluated = *run;
    mb_evaluation *evaluation = NULL;
    mb_classifier *classifier = NULL;
    float *probabilities = calloc(test->images.count, classes * sizeof *probabilities);
    mb_status status = MB_OK;
    if (probabilities == NULL)
        status = mb_fail_memory(error, "report", test->images.count * classes * sizeof(float));
    if (status == MB_OK && run->evaluation == NULL)
        status = mb_evaluate(machine, run->network, test, &evaluation, error);
    if (evaluation != NULL)
        evaluated.evaluation = evaluation;
    if (status == MB_OK)
        status = mb_classifier_open(machine, run->network, BATCH, &classifier, error);
    if (status == MB_OK)
        status = mb_classifier_probabilities(classifier, &test->images, probabilities, error);
    if (status == MB_OK)
        status = write_files(&(mb_report){&evaluated, probabilities, command}, folder, error);
    mb_classifier_close(classifier);
    mb_evaluation_free(evaluation);
    free(probabilities);
    return status;
}

void mb_figure_remove(const char *folder, const char *name)
{
    static const char *const extensions[] = {"svg", "png"};
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s.%s", folder, name, extensions[i]) < 0)
            return;
        unlink(path); /* not a folder */
        free(path);
    }
}

void mb_report_remove(const char *folder)
{
#define FIGURE(name, title, formats, applies) mb_figure_remove(folder, #name);
#include "report/figures.inc"
#undef FIGURE
    char *page = mb_path_join(folder, "report.html");
    if (page != NULL)
        unlink(page);
    free(page);
}
