/* Data and model of a run that has ended. */
#ifndef MB_TOOLS_RUN_DATA_H
#define MB_TOOLS_RUN_DATA_H

#include <mnist_blas/report.h>

/* Opens the data of a run, read as `reading` says, or generates the synthetic digits, and gives
 * them the form that they had in training. *dataset is the caller's. As mb_data_open. */
mb_status mb_run_data_open(mb_machine *machine, const char *data, bool synthetic,
                           const mb_data_options *reading, mb_image_form form, mb_dataset **dataset,
                           mb_error *error);

/* Opens FOLDER/model.safetensors, and the data: those in `data` or, if that is NULL, those that the
 * run was trained on. *network and *dataset, each NULL or opened, are the caller's, after a
 * failure, too. */
mb_status mb_run_model_open(mb_machine *machine, const char *folder, const mb_stored_run *stored,
                            const char *data, mb_network **network, mb_dataset **dataset,
                            mb_error *error);

#endif
