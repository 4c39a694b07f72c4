/* What `sweep` prints, and its page. */
#ifndef MB_TOOLS_SWEEP_PRINT_H
#define MB_TOOLS_SWEEP_PRINT_H

#include "output.h"
#include "sweep_plan.h"
#include "workers.h"

typedef struct mb_sweep_output {
    bool quiet;
    mb_output out, errors; /* stdout and stderr */
} mb_sweep_output;

/* Data, and options that vary. */
void mb_sweep_print_beginning(mb_sweep_output *output, const mb_sweep_plan *plan,
                              const mb_dataset *dataset);

/* The number of runs of the rung in progress, and of those that are finished already. */
void mb_sweep_print_rung(mb_sweep_output *output, const mb_sweep_plan *plan, size_t jobs);

/* The result of a run. */
void mb_sweep_print_run(mb_sweep_output *output, const mb_sweep_plan *plan, const mb_job_end *end);

/* Writes FOLDER/sweep.html. A build or a machine that cannot draw is not a failure. As
 * mb_sweep_report. */
mb_status mb_sweep_draw(mb_sweep_output *output, const mb_sweep *sweep, const char *folder,
                        mb_error *error);

/* The best configuration, and where the results are. MB_ERROR_UNAVAILABLE if runs have failed;
 * MB_ERROR_MEMORY. */
mb_status mb_sweep_print_end(mb_sweep_output *output, const mb_sweep_plan *plan, mb_error *error);

/* One line on stderr: how many runs are finished, and the command that goes on. */
void mb_sweep_print_stop(mb_sweep_output *output, const mb_sweep_plan *plan, int signal);

#endif
