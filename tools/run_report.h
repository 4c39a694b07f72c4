/* What there is to look at after a run. */
#ifndef MB_TOOLS_RUN_REPORT_H
#define MB_TOOLS_RUN_REPORT_H

#include "report/report.h"

/* Classifies the test set once more, image by image, and writes pictures and page into the run
 * folder. `command` makes the run again. MB_ERROR_UNAVAILABLE, MB_ERROR_IO, MB_ERROR_DIVERGED,
 * MB_ERROR_MEMORY. */
mb_status mb_run_report(mb_machine *machine, const mb_run *run, const mb_dataset *dataset,
                        const mb_loss_curve *curve, const char *command, const char *folder,
                        mb_error *error);

#endif
