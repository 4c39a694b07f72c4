/* Status of a call, and the message of a failed one. */
#ifndef MNIST_BLAS_STATUS_H
#define MNIST_BLAS_STATUS_H

#include <stddef.h>

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

#if defined(__GNUC__)
#define MB_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MB_PRINTF(text, first)
#endif

/* Fills *error, which may be NULL, with the status and a printf-formatted text "WHAT: WHY", made
 * printable as by mb_printable. Returns the status, for `return mb_fail(...)`. For programs
 * that report their own failures as the library does. Any thread may call it. */
MB_API mb_status mb_fail(mb_error *error, mb_status status, const char *format, ...)
    MB_PRINTF(3, 4);

/* Copies `text` for a terminal: control characters, marks of direction and bytes that are not UTF-8
 * become '?', and text that does not fit in `size` bytes, at least 4, ends with "...". Returns
 * `shown`. For names and texts that come from files. */
MB_API char *mb_printable(const char *text, char *shown, size_t size);

/* mb_fail for a failed allocation of `bytes` for `what`. */
MB_API mb_status mb_fail_memory(mb_error *error, const char *what, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
