/* The images that a command works on. */
#ifndef MB_TOOLS_DATA_H
#define MB_TOOLS_DATA_H

#include <mnist_blas/dataset.h>

/* Opens the splits of the data in `given`, or where it is NULL in the first of the contract's
 * places that has any. As mb_dataset_open; MB_ERROR_IO too where there is none, with the places
 * looked at and what to do. */
mb_status mb_data_open(const char *given, unsigned splits, mb_dataset **dataset, mb_error *error);

/* The same for training: where no data was asked for and there is none, says so in one line on
 * stderr and makes synthetic digits. */
mb_status mb_data_open_or_synthesize(const char *given, mb_machine *machine, mb_dataset **dataset,
                                     mb_error *error);

/* Draws the digits that mb_data_open_or_synthesize draws. As mb_dataset_synthesize. */
mb_status mb_data_synthesize(mb_machine *machine, mb_dataset **dataset, mb_error *error);

#endif
