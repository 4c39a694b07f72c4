/* The folders that a run writes into. */
#ifndef MB_TOOLS_RUN_FOLDER_H
#define MB_TOOLS_RUN_FOLDER_H

#include <mnist_blas/report.h>

#include <stdbool.h>

/* "FOLDER/NAME" on the heap; NULL if memory is out. */
char *mb_join(const char *folder, const char *name);

/* The folder of `path`, on the heap; NULL if memory is out. */
char *mb_folder_of(const char *path);

/* True if both are the same path, or name the same file. */
bool mb_is_same_file(const char *one, const char *other);

/* MB_ERROR_INVALID if `path`, the file that --NAME writes, is `input`, which is called `what`. Both
 * may be NULL: not given. */
mb_status mb_check_not_input(const char *name, const char *path, const char *what,
                             const char *input, mb_error *error);

/* Renames a checkpoint of another run to "PATH.old", so that it does not stand beside this run's
 * model, and is not lost; *renamed says if there was one. MB_ERROR_IO; MB_ERROR_MEMORY. */
mb_status mb_set_checkpoint_aside(const char *path, bool *renamed, mb_error *error);

/* Prepares the run folder, and reserves it until mb_folder_unlock. As mb_folder_prepare and
 * mb_folder_lock. */
mb_status mb_run_folder_open(const char *folder, int *lock, mb_error *error);

/* Opens an event file in `given` or, if that has those of another run and this run is not resumed,
 * in the first of its sub-folders run-2, run-3, ... that has none. The caller frees *folder. As
 * mb_folder_prepare and mb_tensorboard_open. */
mb_status mb_run_board_open(const char *given, bool resumed, char **folder, mb_tensorboard **board,
                            mb_error *error);

/* `path`, relative to the folder in which a run was started, as it is reached from here, on the
 * heap; itself if it is not there. NULL if memory is out. */
char *mb_path_from(const char *start, const char *path);

#endif
