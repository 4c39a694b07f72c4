/* Where the data is, and what its files are called. */
#ifndef MB_DATA_FIND_H
#define MB_DATA_FIND_H

#include "core/status.h"

#include <mnist_blas/dataset.h>

/* The four files of a data folder, each plain or with .gz. */
enum { MB_TRAIN_IMAGES, MB_TRAIN_LABELS, MB_TEST_IMAGES, MB_TEST_LABELS, MB_DATASET_FILES };
extern const char *const mb_dataset_files[MB_DATASET_FILES];

/* MB_ERROR_IO with "ORIGIN: PATH: WHY" when `path` is no folder; without the first part when
 * `origin` is NULL. */
mb_status mb_data_folder_check(const char *origin, const char *path, mb_error *error);

/* The places in which mb_dataset_find looks when it is not told where, in that order, separated
 * by ", ". On the heap, the caller's; NULL when memory is out. */
char *mb_dataset_search_path(void);

#endif
