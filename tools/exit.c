/* The end of a command. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int mb_failure_code(mb_status status)
{
    return status == MB_ERROR_INVALID ? MB_EXIT_USAGE : MB_EXIT_FAILED;
}

int mb_exit_code(const char *program, mb_status status, const mb_error *error)
{
    mb_error lost;
    errno = 0;
    if (status == MB_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        /* The reason is known of the last write only. */
        status = mb_fail(&lost, MB_ERROR_IO, "standard output: cannot be written%s%s",
                         errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
        error = &lost;
    }
    if (status == MB_OK)
        return MB_EXIT_DONE;
    fflush(stdout);
    size_t rank; /* errors are those of all ranks (mb_ranks_agree); one of them prints */
    mb_ranks_launched(&rank);
    if (rank == 0)
        fprintf(stderr, "%s: %s\n", program, error->text);
    else
        sleep(1); /* mpirun ends all when it sees the first failure: rank 0 prints before */
    return mb_failure_code(status);
}

int mb_check_output(int code)
{
    return code == MB_EXIT_DONE ? mb_exit_code(MB_PROGRAM, MB_OK, NULL) : code;
}

int mb_report_error(const mb_error *error)
{
    return mb_exit_code(MB_PROGRAM, error->status, error);
}

void mb_report_warnings(const char *program, const mb_machine *machine)
{
    const char *warning = mb_machine_describe(machine)->warning;
    if (warning != NULL)
        fprintf(stderr, "%s: warning: %s\n", program, warning);
}
