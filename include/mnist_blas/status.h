/* Status of a call, and the message of a failed one. */
#ifndef MNIST_BLAS_STATUS_H
#define MNIST_BLAS_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MB_API __attribute__((visibility("default")))
#else
#define MB_API
#endif

/* Returned by every function that can fail. */
typedef enum mb_status {
    MB_OK = 0,
    MB_ERROR_INVALID,     /* invalid argument, option or environment variable; nothing was done */
    MB_ERROR_IO,          /* a file or folder could not be opened, read or written */
    MB_ERROR_FORMAT,      /* a file was read, but its content is invalid */
    MB_ERROR_MEMORY,      /* an allocation failed */
    MB_ERROR_UNAVAILABLE, /* this machine or build lacks what was requested */
    MB_ERROR_DIVERGED     /* the training loss is not finite */
} mb_status;

/* Filled by a function that fails, unchanged by one that succeeds. Owned by the caller; every
 * function accepts NULL instead. `text` is one line, "WHAT: WHY", without a newline. */
typedef struct mb_error {
    mb_status status;
    char text[1024];
} mb_error;

#ifdef __cplusplus
}
#endif
#endif
