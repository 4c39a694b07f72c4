/* A dataset as text and JSON: what it holds, and what may be wrong with it. */
#ifndef MB_TOOLS_INFO_DATA_H
#define MB_TOOLS_INFO_DATA_H

#include <jansson.h>
#include <mnist_blas/inspection.h>

/* Lines of at most 80 columns, unless the path is longer. */
void mb_info_print_data(const mb_dataset *dataset, const mb_inspection *inspection);

/* NULL if memory is out. */
json_t *mb_info_data(const mb_dataset *dataset, const mb_inspection *inspection);

#endif
