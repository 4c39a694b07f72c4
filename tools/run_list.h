/* The runs that a command line names. */
#ifndef MB_TOOLS_RUN_LIST_H
#define MB_TOOLS_RUN_LIST_H

#include <mnist_blas/report.h>

typedef struct mb_listed_run {
    char *folder;
    char *name; /* the last part of its path, or, if runs share one, the path; printable */
    mb_stored_run *stored;
} mb_listed_run;

/* {0} has none. */
typedef struct mb_run_list {
    mb_listed_run *runs; /* (count) */
    size_t count;
} mb_run_list;

/* Reads the runs of `paths`, which end with NULL: run folders, and folders of run folders, which
 * are taken in the order of their names. A run of the latter that cannot be read is left out, with
 * a warning on stderr. The list is the caller's, for mb_run_list_free, after a failure, too.
 * MB_ERROR_IO: a folder does not exist, or has no run; MB_ERROR_INVALID: a run is named twice;
 * errors of mb_stored_run_read. */
mb_status mb_run_list_read(char *const *paths, mb_run_list *list, mb_error *error);

void mb_run_list_free(mb_run_list *list);

#endif
