/* For those who make datasets. */
#ifndef MB_DATA_DATASET_H
#define MB_DATA_DATASET_H

#include <mnist_blas/dataset.h>

/* Makes mb_dataset_close free `memory`, which holds the images and labels of a dataset that
 * mb_dataset_from_arrays made; once a dataset. */
void mb_dataset_own(mb_dataset *dataset, void *memory);

#endif
