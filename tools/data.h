/* The dataset that a command works on. */
#ifndef MB_TOOLS_DATA_H
#define MB_TOOLS_DATA_H

#include <mnist_blas/dataset.h>

/* Opens the splits of the data in `given` or, if that is NULL, of what mb_dataset_find finds. As
 * mb_dataset_open; also MB_ERROR_IO if there is no data, with the places searched and what to do.
 */
mb_status mb_data_open(const char *given, unsigned splits, mb_dataset **dataset, mb_error *error);

/* The same for training: if no data was requested and none is found, prints a line on stderr and
 * generates synthetic digits. */
mb_status mb_data_open_or_synthesize(const char *given, mb_machine *machine, mb_dataset **dataset,
                                     mb_error *error);

/* Generates the synthetic digits of mb_data_open_or_synthesize. As mb_dataset_synthesize. */
mb_status mb_data_synthesize(mb_machine *machine, mb_dataset **dataset, mb_error *error);

#endif
