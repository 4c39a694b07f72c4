/* A dataset as text and JSON: what it holds, and what may be wrong with it. */
#ifndef MB_TOOLS_INFO_DATA_H
#define MB_TOOLS_INFO_DATA_H

#include <jansson.h>
#include <mnist_blas/inspection.h>

/* Lines of at most 80 columns, unless a path is longer. `sheet` is the file that the contact sheet
 * was written to; NULL: none. */
void mb_info_print_data(const mb_dataset *dataset, const mb_inspection *inspection,
                        const char *sheet);

/* NULL if memory is out. */
json_t *mb_info_data(const mb_dataset *dataset, const mb_inspection *inspection);

#endif
