/* mnist_blas train: from its arguments to its exit code, also as one of several ranks. */
#include "signals.h"
#include "train_run.h"

#include <fcntl.h>
#include <unistd.h>

/* Ranks parse before they know each other: --help and the like end all of them. */
static mb_status open_and_parse(mb_train_run *run, int argc, char **argv, mb_error *error)
{
    mb_error refused;
    const mb_status parsed = mb_resume_parse(argc, argv, &run->arguments, &run->from, &refused);
    const mb_status status = mb_ranks_open(&run->ranks, error);
    if (status != MB_OK)
        return status;
    if (parsed != MB_OK)
        *error = refused;
    return mb_ranks_agree(run->ranks, parsed, error);
}

int mb_train_main(int argc, char **argv)
{
    mb_train_run run = {.lock = -1};
    mb_error error;
    size_t rank;
    mb_ranks_launched(&rank);
    const bool prints = rank == 0;
    const int nowhere = prints ? -1 : open("/dev/null", O_WRONLY);
    mb_signals_install();
    mb_status status = open_and_parse(&run, argc, argv, &error);
    mb_output_open(&run.output, prints ? STDOUT_FILENO : nowhere);
    mb_output_open(&run.errors, prints ? STDERR_FILENO : nowhere);
    if (status == MB_OK)
        status = mb_train_execute(&run, &error);
    /* An event file or a line that could not be written fails the command, but nothing else of the
     * run. */
    mb_status closed = mb_tensorboard_close(run.board, status == MB_OK ? &error : NULL);
    status = status == MB_OK ? closed : status;
    closed = mb_output_close(&run.output, "standard output", status == MB_OK ? &error : NULL);
    status = status == MB_OK ? closed : status;
    mb_output_close(&run.errors, "standard error", NULL);
    mb_train_close(&run);
    const int code = status == MB_OK && run.signal != 0
                         ? 128 + run.signal
                         : mb_exit_code_of_ranks(run.ranks, status, &error);
    mb_ranks_close(run.ranks);
    if (nowhere >= 0)
        close(nowhere);
    return code;
}
