/* The end of a command that runs over ranks. */
#include "cli.h"
#include "output.h"

#include <unistd.h>

int mb_exit_code_of_ranks(const mb_ranks *ranks, mb_status status, const mb_error *error)
{
    size_t rank;
    mb_ranks_launched(&rank);
    if (status == MB_OK)
        return MB_EXIT_DONE;
    if (rank == 0)
        return mb_output_takes_text(STDERR_FILENO) ? mb_report_error(error) : MB_EXIT_FAILED;
    return ranks != NULL ? mb_failure_code(status) : MB_EXIT_DONE;
}
