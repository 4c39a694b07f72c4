#include "run_report.h"

#include <stdlib.h>

mb_status mb_run_report(mb_machine *machine, const mb_run *run, const mb_dataset *dataset,
                        const mb_loss_curve *curve, const char *command, const char *folder,
                        mb_error *error)
{
    const mb_split *test = &dataset->test;
    const size_t classes = mb_network_classes(run->network);
    mb_evaluation *evaluation = NULL;
    float *probabilities = calloc(test->images.count, classes * sizeof *probabilities);
    mb_status status = MB_OK;
    if (probabilities == NULL)
        status =
            mb_fail_memory(error, "report", test->images.count * classes * sizeof *probabilities);
    if (status == MB_OK)
        status = mb_evaluate(machine, run->network, test, &evaluation, error);
    if (status == MB_OK)
        status = mb_classify(machine, run->network, &test->images, probabilities, error);
    if (status == MB_OK) {
        const mb_report report = {run, dataset, evaluation, probabilities, curve, command};
        status = mb_report_write(&report, folder, error);
    }
    mb_evaluation_free(evaluation);
    free(probabilities);
    return status;
}
