/* How a call of the library ends, and what it says when it fails. */
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

/* Every function that can fail returns one of these. */
typedef enum mb_status {
    MB_OK = 0,
    MB_ERROR_INVALID, /* an argument, option or variable that cannot be meant; nothing was tried */
    MB_ERROR_IO,      /* a file or folder could not be opened, read or written */
    MB_ERROR_FORMAT,  /* a file was read, and is not what it should be */
    MB_ERROR_MEMORY,  /* an allocation failed */
    MB_ERROR_UNAVAILABLE, /* the machine lacks what was asked for */
    MB_ERROR_DIVERGED     /* training reached a loss that is not finite */
} mb_status;

/* Filled by a function that fails, left alone by one that succeeds. The caller owns it; NULL is
 * accepted wherever one is taken. `text` is one line, "WHAT: WHY", without a newline. */
typedef struct mb_error {
    mb_status status;
    char text[1024];
} mb_error;

#ifdef __cplusplus
}
#endif
#endif
