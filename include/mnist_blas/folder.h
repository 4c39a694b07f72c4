/* Folders for output. */
#ifndef MNIST_BLAS_FOLDER_H
#define MNIST_BLAS_FOLDER_H

#include <mnist_blas/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prepares a folder for files that are going to be written there: creates it, with those above it,
 * checks that it can be written, and removes temporary files that killed processes have left. Can
 * be called before work whose result must not be lost. Any thread may call it.
 * MB_ERROR_INVALID: an empty name; MB_ERROR_IO: cannot be created or written, or is a file;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_folder_prepare(const char *folder, mb_error *error);

/* Reserves a prepared folder for one writer, until mb_folder_unlock or the end of the process.
 * *lock is -1 where folders cannot be locked: that is no error. MB_ERROR_IO: another process has
 * reserved it. */
MB_API mb_status mb_folder_lock(const char *folder, int *lock, mb_error *error);

/* -1 is fine. */
MB_API void mb_folder_unlock(int lock);

#ifdef __cplusplus
}
#endif
#endif
