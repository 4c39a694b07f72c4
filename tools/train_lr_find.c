/* train --lr-find */
#include "library_text.h"
#include "run_folder.h"
#include "train_run.h"

#include <mnist_blas/lr_find.h>

#include <stdlib.h>
#include <string.h>

/* A build that cannot draw is not a failure, as with the report of a run. */
static mb_status draw(mb_train_run *run, const mb_lr_find_result *result, mb_error *error)
{
    char line[256];
    char *path = mb_join(run->arguments.out, "lr_find.png");
    if (path == NULL)
        return mb_fail_memory(error, "lr-find", strlen(run->arguments.out));
    const int text = mb_library_text_begin(); /* fontconfig's, if it has no configuration */
    mb_status status = mb_lr_find_draw(result, path, error);
    mb_library_text_end(text, line, sizeof line);
    if (line[0] != '\0')
        mb_output_print(&run->errors, "mnist_blas: warning: lr-find: %s\n", line);
    if (status == MB_OK && !run->view.quiet)
        mb_output_print(&run->output, "picture  %s\n", path);
    if (status == MB_ERROR_UNAVAILABLE) {
        mb_output_print(&run->errors, "mnist_blas: warning: %s\n", error->text);
        status = MB_OK;
    }
    free(path);
    return status;
}

mb_status mb_train_find_lr(mb_train_run *run, mb_error *error)
{
    const mb_train_arguments *arguments = &run->arguments;
    mb_lr_find_result result;
    mb_network_initialise(run->network, arguments->training.seed);
    mb_status status =
        mb_lr_find(run->machine, run->network, run->dataset, &arguments->training, &result, error);
    if (status != MB_OK)
        return status;
    if (!run->view.quiet)
        mb_output_print(&run->output,
                        "lr-find  %zu steps, learning rate %g to %.2g: the loss falls fastest at "
                        "%.2g, is least at %.2g\n",
                        result.count, result.lr[0], result.lr[result.count - 1], result.steepest_lr,
                        result.min_loss_lr);
    if (!arguments->no_report)
        status = draw(run, &result, error);
    if (status == MB_OK)
        mb_output_print(&run->output, "take --lr %.2g, half of the rate of the least loss\n",
                        result.suggested_lr);
    return status;
}
