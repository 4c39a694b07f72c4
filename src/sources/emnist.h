/* The classes of EMNIST's files, whose labels are numbers of characters. */
#ifndef MB_SOURCES_EMNIST_H
#define MB_SOURCES_EMNIST_H

#include "kernels/kernels.h"
#include "sources/idx_sets.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct mb_emnist_classes {
    size_t count;                      /* 0: the classes are numbers */
    int64_t labels[MB_MAX_CLASSES];    /* ascending */
    const char *names[MB_MAX_CLASSES]; /* in `texts` */
    char texts[MB_MAX_CLASSES][5];     /* a character in UTF-8 */
} mb_emnist_classes;

/* True for the prefixes of EMNIST's files, whose images are stored with rows and columns
 * exchanged. */
bool mb_is_emnist(const char *prefix);

/* The classes of a set by FOLDER/PREFIX-mapping.txt (lines of a label and the codes of its
 * characters, of which the first is the name), else, for labels min .. max, by the name of the
 * split of EMNIST. MB_ERROR_IO, MB_ERROR_FORMAT: of that file; MB_ERROR_MEMORY. */
mb_status mb_emnist_find_classes(const mb_idx_set *set, int64_t min, int64_t max,
                                 mb_emnist_classes *classes, mb_error *error);

#endif
